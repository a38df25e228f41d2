package otlp

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"github.com/ballast-k8s/ballast/recommender/telemetry/distribution"
)

// family is a metric that is read, and what its points have in common.
type family struct {
	source   Source
	unit     float64
	prefix   []byte // of the series key
	resource attributes
}

// addPoints takes in the metrics of one request.
func (s *receiver) addPoints(list []*metricspb.ResourceMetrics) Refusals {
	now := s.clock.Now()
	refused := Refusals{}
	var points []Point
	received := 0
	for _, rm := range list {
		a := attributes{}
		why := s.read(a, rm.GetResource().GetAttributes())
		of := digest(nil, rm.GetResource().GetAttributes())
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				n := size(m)
				received += n
				f, verdict := newFamily(m, a)
				if verdict == Kept {
					verdict = why
				}
				if verdict != Kept {
					refused[verdict] += n
					continue
				}
				f.prefix = digest(of, nil, sm.GetScope().GetName(), m.GetName(), m.GetUnit())
				points = s.readPoints(points, m, f, now, refused)
			}
		}
	}
	s.counters.Received.WithLabelValues(PointSignal).Add(float64(received))
	for why, n := range s.sink.AddPoints(points) {
		refused[why] += n
	}
	for why, n := range refused {
		s.counters.Drop(PointSignal, why, n)
	}
	return refused
}

func size(m *metricspb.Metric) int {
	return len(m.GetGauge().GetDataPoints()) + len(m.GetSum().GetDataPoints()) + len(m.GetSummary().GetDataPoints()) +
		len(m.GetHistogram().GetDataPoints()) + len(m.GetExponentialHistogram().GetDataPoints())
}

func newFamily(m *metricspb.Metric, of attributes) (family, Reason) {
	f := family{resource: of}
	unit := m.GetUnit()
	switch m.GetName() {
	case "traces.span.metrics.duration":
		f.source = SpanMetrics
	case "duration":
		f.source = OldSpanMetrics
	case "http.server.request.duration":
		f.source = HTTPServer
		if unit == "" {
			unit = "s"
		}
	default:
		return f, unused
	}
	switch unit {
	case "s":
		f.unit = 1
	case "ms", "": // the connector's default
		f.unit = 1e-3
	case "us":
		f.unit = 1e-6
	case "ns":
		f.unit = 1e-9
	default:
		return f, badPoint
	}
	if m.GetHistogram() == nil && m.GetExponentialHistogram() == nil {
		return f, unused
	}
	return f, Kept
}

// pointHead is what both kinds of histogram points have.
type pointHead interface {
	GetAttributes() []*commonpb.KeyValue
	GetStartTimeUnixNano() uint64
	GetTimeUnixNano() uint64
	GetFlags() uint32
}

func (s *receiver) readPoints(points []Point, m *metricspb.Metric, f family, now time.Time, refused Refusals) []Point {
	take := func(head pointHead, temporality metricspb.AggregationTemporality, value distribution.Histogram, err error) {
		p, why := s.readPoint(head, f, temporality, now)
		if why == Kept && err != nil {
			why = badPoint
		}
		if why != Kept {
			refused[why]++
			return
		}
		p.Value = value
		points = append(points, p)
	}
	for _, p := range m.GetHistogram().GetDataPoints() {
		value, err := explicit(p)
		take(p, m.GetHistogram().GetAggregationTemporality(), value, err)
	}
	for _, p := range m.GetExponentialHistogram().GetDataPoints() {
		value, err := exponential(p)
		take(p, m.GetExponentialHistogram().GetAggregationTemporality(), value, err)
	}
	return points
}

func explicit(p *metricspb.HistogramDataPoint) (distribution.Histogram, error) {
	if len(p.GetExplicitBounds()) == 0 { // allowed: count and sum only. Nothing of it would be within a target.
		return distribution.Histogram{}, errors.New("no buckets")
	}
	return distribution.Explicit(p.GetExplicitBounds(), p.GetBucketCounts())
}

func exponential(p *metricspb.ExponentialHistogramDataPoint) (distribution.Histogram, error) {
	zero := p.GetZeroCount() // durations below 0 are those of clocks that were set back
	for _, c := range p.GetNegative().GetBucketCounts() {
		zero += min(c, 1<<53)
	}
	return distribution.Exponential(p.GetScale(), zero, p.GetZeroThreshold(), p.GetPositive().GetOffset(), p.GetPositive().GetBucketCounts())
}

func (s *receiver) readPoint(head pointHead, f family, temporality metricspb.AggregationTemporality, now time.Time) (Point, Reason) {
	p := Point{Cumulative: temporality == metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE}
	if !p.Cumulative && temporality != metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA {
		return p, badPoint
	}
	if head.GetFlags()&uint32(metricspb.DataPointFlags_DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK) != 0 {
		return p, unused
	}
	if why := s.inTime(head.GetTimeUnixNano(), now); why != Kept {
		return p, why
	}
	if head.GetStartTimeUnixNano() > math.MaxInt64 {
		return p, badTime
	}
	// Connectors put the service's name on the resource or, older ones, on the point.
	a := attributes{}
	if why := s.read(a, head.GetAttributes()); why != Kept {
		return p, why
	}
	for key, value := range f.resource {
		if value != "" {
			a[key] = value
		}
	}
	if a[keyServiceName] == "" {
		return p, noService
	}
	if !f.label(a, &p.Labels) {
		return p, unused
	}
	p.Start, p.Time = int64(head.GetStartTimeUnixNano()), int64(head.GetTimeUnixNano())
	p.Key = SeriesKey(digest(f.prefix, head.GetAttributes(), temporality.String()))
	return p, Kept
}

// label reads what a series counts, and is false where that is not calls that came in.
func (f *family) label(a attributes, l *Labels) bool {
	*l = Labels{Source: f.source, Resource: a.resource(), Unit: f.unit}
	if f.source == HTTPServer {
		status := a[keyResponse]
		l.Operation = strings.TrimSuffix(a[keyMethod]+" "+a[keyRoute], " ")
		l.Failed = a[keyError] != "" || len(status) == 3 && status[0] == '5'
		return true
	}
	l.Operation = a[keySpanName]
	l.Failed = a[keyStatus] == "STATUS_CODE_ERROR"
	return a[keySpanKind] == "SPAN_KIND_SERVER" || a[keySpanKind] == "SPAN_KIND_CONSUMER"
}

// digest hashes texts and attributes, whatever the order of these, after what was hashed before.
func digest(before []byte, list []*commonpb.KeyValue, texts ...string) []byte {
	encoded := make([]string, 0, len(list))
	for _, kv := range list {
		value, err := proto.MarshalOptions{Deterministic: true}.Marshal(kv)
		if err == nil {
			encoded = append(encoded, string(value))
		}
	}
	slices.Sort(encoded)
	sum := append([]byte(nil), before...)
	for _, text := range append(encoded, texts...) {
		sum = binary.AppendUvarint(sum, uint64(len(text)))
		sum = append(sum, text...)
	}
	hash := sha256.Sum256(sum)
	return hash[:]
}
