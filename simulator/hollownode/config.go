package hollownode

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/hollownode/exporter"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// Labels of pods.
const (
	// ThreadsLabel makes a pod batch load: its value is the number of threads that always want CPU, 0 or more.
	ThreadsLabel = "simulator.ballast.dev/threads"
	// ClassLabel is the workload class of a batch pod for interference. A pod of a service has the class of the service.
	ClassLabel = "ballast.dev/class"
)

// The defaults of Config.
const (
	DefaultServiceLabel = "app"
	DefaultTick         = 50 * time.Millisecond
	DefaultHost         = "127.0.0.1"
)

// maxSpeedup bounds Config.Speedup: a month of the plant in an hour of the wall.
const maxSpeedup = 1000

// Config describes one application on its nodes.
type Config struct {
	// Client reaches the API server with the rights of RBAC.
	Client kubernetes.Interface
	// Namespaces are those whose pods are played, at least one. The first is the application's: metrics of services carry its name.
	Namespaces []string
	// Plant is the application, its loads, the truth about neighbours and the seed. Each machine is a node: it has the node's
	// name, and its Cores are the node's allocatable CPU. SpanRate is the share of requests that are traced.
	Plant queueing.Config
	// Speedup is the number of plant seconds in a second of the wall, in (0, 1000].
	Speedup float64
	// Tick is how often the plant is brought up to date; 0 = DefaultTick.
	Tick time.Duration
	// ServiceLabel is the label that names a pod's service; empty = DefaultServiceLabel. Pods without it or ThreadsLabel are left alone.
	ServiceLabel string
	// Memory is the working set of the pods, by service; one that is missing has 64 MiB.
	Memory map[string]Memory
	// Host is the address on which the nodes' endpoints listen, one free port each; empty = DefaultHost. It must be
	// the one that the nodes' status gives.
	Host string
	// TLS serves the endpoints; nil = a certificate made for the occasion, which clients cannot verify. Who may read is the
	// caller's choice by ClientAuth; the endpoints have figures of a simulation, and nothing can be changed through them.
	TLS *tls.Config
	// OTLP says where telemetry goes; nil = nowhere.
	OTLP *OTLP
}

// Memory is a pod's working set: Bytes, and CallBytes more for each call that it has in service or in its queue.
type Memory struct {
	Bytes, CallBytes int64
}

// defaultMemory is the working set of batch pods and services without one. It only has to be above 0: metrics-server drops pods with 0.
const defaultMemory = 64 << 20

// OTLP is a receiver of OpenTelemetry data over HTTP.
type OTLP = exporter.Receiver

// withDefaults checks the configuration and fills in what is empty.
func (cfg Config) withDefaults() (Config, error) {
	switch {
	case cfg.Client == nil:
		return cfg, errors.New("field Client is nil, expected a client of the API server")
	case len(cfg.Namespaces) == 0:
		return cfg, errors.New("field Namespaces is empty, expected at least one")
	case !(cfg.Speedup > 0 && cfg.Speedup <= maxSpeedup):
		return cfg, fmt.Errorf("field Speedup is %v, expected a number in (0, %d]", cfg.Speedup, maxSpeedup)
	case cfg.Tick < 0:
		return cfg, fmt.Errorf("field Tick is %v, expected 0 for %v or more", cfg.Tick, DefaultTick)
	}
	for name, m := range cfg.Memory {
		if m.Bytes <= 0 || m.CallBytes < 0 || m.Bytes > math.MaxInt64/4 {
			return cfg, fmt.Errorf("field Memory[%q] is %+v, expected Bytes above 0 and CallBytes of at least 0", name, m)
		}
	}
	if cfg.Tick == 0 {
		cfg.Tick = DefaultTick
	}
	if cfg.ServiceLabel == "" {
		cfg.ServiceLabel = DefaultServiceLabel
	}
	if cfg.Host == "" {
		cfg.Host = DefaultHost
	}
	if cfg.OTLP == nil {
		cfg.Plant.SpanRate = 0 // nobody takes them
	} else {
		if err := cfg.OTLP.Validate(); err != nil {
			return cfg, fmt.Errorf("field OTLP: %w", err)
		}
	}
	return cfg, nil
}
