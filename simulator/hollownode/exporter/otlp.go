// Package exporter tells an OTLP receiver what a plant's services did, as instrumented services and the span metrics connector of the
// OpenTelemetry Collector would: SERVER spans of a sample of the requests, and cumulative histograms of the durations of all calls.
// Times of the plant are told as times of the wall, durations divided by the plant's speedup.
package exporter

import (
	"math"
	"slices"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"

	"github.com/ballast-k8s/ballast/simulator/plant/histogram"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// scopeName names who made the telemetry.
const scopeName = "github.com/ballast-k8s/ballast/simulator/hollownode"

const (
	// durationMetric is what the span metrics connector of the OpenTelemetry Collector calls the duration of spans.
	durationMetric = "traces.span.metrics.duration"
	// histogramScale gives buckets that are 2^(1/32) = 1.0219 wide. A value is put where the middle of the plant's bucket is,
	// which is at most 0.8 % from it: so it is counted in its own bucket or in the next.
	histogramScale = 5
	// maxBuckets is how many buckets OpenTelemetry's SDKs and the connector make unless told otherwise: 5 octaves at histogramScale, and for
	// more the scale falls.
	maxBuckets  = 160
	serverKind  = "SPAN_KIND_SERVER"
	statusUnset = "STATUS_CODE_UNSET"
	statusError = "STATUS_CODE_ERROR"
	// randomBits is the number of random bits of a trace that sampling by threshold looks at.
	randomBits = 56
)

// Snapshot is what telemetry is made from.
type Snapshot struct {
	// Spans are those of the plant since the last snapshot, of the share SpanRate of all requests.
	Spans    []queueing.Span
	SpanRate float64
	// Calls are the plant's totals.
	Calls []queueing.CallStats
	// Pods says who the pods of the spans are.
	Pods map[queueing.PodID]Pod
	// Namespace is the application's; Deployments are by service.
	Namespace   string
	Deployments map[string]string
	// Speedup is the number of plant seconds in a second of the wall; Wall gives the wall time of a plant time; Begun and Now are those of the
	// start and of where the plant stands.
	Speedup    float64
	Wall       func(plantSeconds float64) time.Time
	Begun, Now time.Time
}

// Pod is who a pod is; Deployment is empty for one without.
type Pod struct{ Namespace, Name, UID, Deployment string }

// metrics are the histograms of all kinds of calls, cumulative since the start, a resource a service. Those that are empty are sent
// too, so that whoever takes the first point of a series as its beginning misses nothing.
func (s *Snapshot) metrics() []*metrics.ResourceMetrics {
	points := map[string][]*metrics.ExponentialHistogramDataPoint{}
	var services []string
	for i := range s.Calls {
		c := &s.Calls[i]
		if !slices.Contains(services, c.Service) {
			services = append(services, c.Service)
		}
		for _, part := range []struct {
			values *histogram.Histogram
			status string
		}{{&c.Served, statusUnset}, {&c.Failed, statusError}} {
			point := s.point(part.values)
			point.Attributes = attributes("service.name", c.Service, "span.name", c.Operation, "span.kind", serverKind, "status.code", part.status)
			points[c.Service] = append(points[c.Service], point)
		}
	}
	var out []*metrics.ResourceMetrics
	for _, service := range services {
		metric := &metrics.Metric{Name: durationMetric, Unit: "s", Data: &metrics.Metric_ExponentialHistogram{
			ExponentialHistogram: &metrics.ExponentialHistogram{
				DataPoints: points[service], AggregationTemporality: metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE,
			},
		}}
		out = append(out, &metrics.ResourceMetrics{
			Resource: subject("service.name", service, "k8s.namespace.name", s.Namespace, "k8s.deployment.name", s.Deployments[service]),
			ScopeMetrics: []*metrics.ScopeMetrics{
				{Scope: &common.InstrumentationScope{Name: scopeName}, Metrics: []*metrics.Metric{metric}},
			},
		})
	}
	return out
}

// point converts a histogram, its values divided by Speedup.
func (s *Snapshot) point(h *histogram.Histogram) *metrics.ExponentialHistogramDataPoint {
	scale, offset, counts := exponential(h, s.Speedup)
	sum := h.Mean() * float64(h.Count()) / s.Speedup
	return &metrics.ExponentialHistogramDataPoint{
		StartTimeUnixNano: nano(s.Begun), TimeUnixNano: nano(s.Now),
		Count: h.Count(), Sum: &sum, Scale: scale,
		Positive: &metrics.ExponentialHistogramDataPoint_Buckets{Offset: offset, BucketCounts: counts},
	}
}

// exponential puts a histogram's values, divided by a factor, into exponential buckets: the i-th of counts is above base^(offset+i) and
// up to base^(offset+i+1), base = 2^(2^-scale). The scale is the largest, up to histogramScale, of at most maxBuckets.
func exponential(h *histogram.Histogram, divisor float64) (scale, offset int32, counts []uint64) {
	buckets := h.Buckets()
	if len(buckets) == 0 {
		return histogramScale, 0, nil
	}
	scale = histogramScale
	index := func(b histogram.Bucket) int32 {
		middle := (b.Low + b.High) / 2 / divisor
		return (int32(math.Ceil(math.Log2(middle)*(1<<histogramScale))) - 1) >> (histogramScale - scale)
	}
	last := len(buckets) - 1
	for index(buckets[last])-index(buckets[0]) >= maxBuckets {
		scale--
	}
	offset = index(buckets[0])
	counts = make([]uint64, index(buckets[last])-offset+1)
	for _, b := range buckets {
		counts[index(b)-offset] += b.Count
	}
	return scale, offset, counts
}

// subject is who telemetry is about. Empty values are left out.
func subject(pairs ...string) *resourcepb.Resource {
	return &resourcepb.Resource{Attributes: attributes(pairs...)}
}

// attributes are pairs of name and value.
func attributes(pairs ...string) []*common.KeyValue {
	var out []*common.KeyValue
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			value := &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: pairs[i+1]}}
			out = append(out, &common.KeyValue{Key: pairs[i], Value: value})
		}
	}
	return out
}

func nano(t time.Time) uint64 { return uint64(max(0, t.UnixNano())) } //nolint:gosec // not negative
