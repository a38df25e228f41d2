package hollownode

import (
	"time"

	"github.com/ballast-k8s/ballast/simulator/hollownode/figures"
)

// The figures for a report.
type (
	// Series is what happened, by minutes of the plant from Start on.
	Series = figures.Series
	// Minute is a span of plant time.
	Minute = figures.Minute
	// Operation is what became of the requests of an operation in some time.
	Operation = figures.Operation
	// Pod is a pod of the application at a time.
	Pod = figures.Pod
)

// Status is the state of the simulation itself.
type Status struct {
	// Started and Paused say whether the clock runs.
	Started, Paused bool
	// PlantSeconds is how far the plant has come.
	PlantSeconds float64
	// Lag is how far it is behind at present, in wall time; Slipped is the wall time by which its clock was put back, in all, because the
	// machine was too slow: 0 means that Speedup was kept.
	Lag, Slipped time.Duration
	// Pods are the pods in the plant, batch included; Pending those whose resize waits.
	Pods, Pending int
	// SpansSent and SpansDropped are what became of spans; SendFailures counts requests to the OTLP receiver that failed.
	SpansSent, SpansDropped, SendFailures uint64
	// Patches and PatchFailures count writes of pod status; what failed is tried again.
	Patches, PatchFailures uint64
	// Errors counts what went wrong, LastError is the last of it.
	Errors    uint64
	LastError string
}
