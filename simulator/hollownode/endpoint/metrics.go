// Package endpoint is a kubelet's HTTPS endpoint, as far as metrics-server reads it: /metrics/resource. Names and help of the metrics are
// those of pkg/kubelet/metrics/collectors/resource_metrics.go of Kubernetes v1.36.3; swap, which no node here has, is left out.
package endpoint

import (
	"net/http"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Path is where the kubelet has its resource metrics.
const Path = "/metrics/resource"

// Node is what a node and its pods use, at a time: CPU in core-seconds since the start, memory in bytes.
type Node struct {
	At                      time.Time
	CPUSeconds, MemoryBytes float64
	Pods                    []Pod
}

// Pod is a pod of one container.
type Pod struct {
	Namespace, Name, Container string
	Started                    time.Time
	CPUSeconds, MemoryBytes    float64
}

// Handler serves what read returns, in Prometheus' text format with the time in it.
func Handler(read func() Node) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, _ *http.Request) {
		format := expfmt.NewFormat(expfmt.TypeTextPlain)
		w.Header().Set("Content-Type", string(format))
		encoder := expfmt.NewEncoder(w, format)
		for _, f := range expose(read()) {
			if len(f.Metric) > 0 && encoder.Encode(f) != nil {
				return // the client has gone
			}
		}
	})
	return mux
}

// expose makes the metrics of a node, by family.
func expose(n Node) []*dto.MetricFamily {
	e := newExposition(n.At)
	add(e.nodeCPU, n.CPUSeconds, e.at)
	add(e.nodeMemory, n.MemoryBytes, e.at)
	for i := range n.Pods {
		e.pod(&n.Pods[i])
	}
	add(e.failures, 0, nil)
	return e.families()
}

// exposition collects a node's metrics.
type exposition struct {
	at                                 *int64
	nodeCPU, nodeMemory                *dto.MetricFamily
	start, containerCPU, containerMemo *dto.MetricFamily
	podCPU, podMemory, failures        *dto.MetricFamily
}

func newExposition(at time.Time) *exposition {
	gauge, counter := dto.MetricType_GAUGE, dto.MetricType_COUNTER
	return &exposition{
		at:            new(at.UnixMilli()),
		nodeCPU:       family(counter, "node_cpu_usage_seconds_total", "Cumulative cpu time consumed by the node in core-seconds"),
		nodeMemory:    family(gauge, "node_memory_working_set_bytes", "Current working set of the node in bytes"),
		start:         family(gauge, "container_start_time_seconds", "Start time of the container since unix epoch in seconds"),
		containerCPU:  family(counter, "container_cpu_usage_seconds_total", "Cumulative cpu time consumed by the container in core-seconds"),
		containerMemo: family(gauge, "container_memory_working_set_bytes", "Current working set of the container in bytes"),
		podCPU:        family(counter, "pod_cpu_usage_seconds_total", "Cumulative cpu time consumed by the pod in core-seconds"),
		podMemory:     family(gauge, "pod_memory_working_set_bytes", "Current working set of the pod in bytes"),
		failures:      family(gauge, "resource_scrape_error", "1 if there was an error while getting container metrics, 0 otherwise"),
	}
}

func family(kind dto.MetricType, name, help string) *dto.MetricFamily {
	return &dto.MetricFamily{Name: &name, Help: &help, Type: &kind}
}

// families returns them in the order of their names.
func (e *exposition) families() []*dto.MetricFamily {
	return []*dto.MetricFamily{
		e.containerCPU, e.containerMemo, e.start, e.nodeCPU, e.nodeMemory, e.podCPU, e.podMemory, e.failures,
	}
}

// add adds a sample to a family. The time is nil where the kubelet gives none.
func add(f *dto.MetricFamily, value float64, at *int64, labels ...*dto.LabelPair) {
	m := &dto.Metric{Label: labels, TimestampMs: at}
	if f.GetType() == dto.MetricType_COUNTER {
		m.Counter = &dto.Counter{Value: &value}
	} else {
		m.Gauge = &dto.Gauge{Value: &value}
	}
	f.Metric = append(f.Metric, m)
}

// pod adds a pod.
func (e *exposition) pod(p *Pod) {
	const nanoPerSecond = 1e9
	ofPod := []*dto.LabelPair{label("namespace", p.Namespace), label("pod", p.Name)}
	ofContainer := append([]*dto.LabelPair{label("container", p.Container)}, ofPod...)
	add(e.start, float64(p.Started.UnixNano())/nanoPerSecond, nil, ofContainer...)
	add(e.containerCPU, p.CPUSeconds, e.at, ofContainer...)
	add(e.containerMemo, p.MemoryBytes, e.at, ofContainer...)
	add(e.podCPU, p.CPUSeconds, e.at, ofPod...)
	add(e.podMemory, p.MemoryBytes, e.at, ofPod...)
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }
