package telemetry

import (
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/recommender/telemetry/distribution"
	"github.com/ballast-k8s/ballast/recommender/telemetry/otlp"
)

// series is what is known of one. Cumulative ones keep their last state, to take the next difference.
type series struct {
	labels  *otlp.Labels
	start   int64 // unix nanoseconds: since when the last point counted, 0 if it did not say
	last    int64 // unix nanoseconds: time of the last point
	total   distribution.Histogram
	bounds  []float64 // of the last point: all of a series share them in memory
	arrived time.Time
}

// increment is what one point added to its series: calls that ended in (from, at].
type increment struct {
	labels            *otlp.Labels
	from, at, arrived int64                   // unix nanoseconds
	calls             *distribution.Histogram // nil: none
}

func (in *increment) buckets() int {
	if in.calls == nil {
		return 0
	}
	return len(in.calls.Counts)
}

// addPoint takes one point in. The lock is held.
func (s *Store) addPoint(p *otlp.Point, now time.Time) otlp.Reason {
	one, known := s.series[p.Key]
	switch {
	case !known && len(s.series) >= s.limits.Series:
		return otlp.TooManySeries
	case known && p.Time <= one.last:
		return otlp.OutOfOrder
	case !known:
		own := p.Labels // not a pointer into the request's points, which would keep all of them
		one = &series{labels: &own}
		s.series[p.Key] = one
	}
	if slices.Equal(one.bounds, p.Value.Bounds) {
		p.Value.Bounds = one.bounds
	}
	one.bounds = p.Value.Bounds
	s.heard(otlp.PointSignal, p.Labels.Resource.Value(), p.Labels.Operation, p.Time, now)
	if calls, from, ok := s.added(one, known, p, now); ok {
		in := increment{labels: one.labels, from: from, at: p.Time, arrived: now.UnixNano()}
		if calls.Count() > 0 {
			in.calls = &calls
		}
		s.increments.push(in)
		s.buckets += in.buckets()
	}
	one.start, one.last, one.arrived = p.Start, p.Time, now
	if p.Cumulative {
		one.total = p.Value
	}
	return otlp.Kept
}

// added is what a point adds to its series, and since when; false where that cannot be told: then it is what the next one is compared
// with. A cumulative series begins anew where its start time moves past its last point, or where its count falls (OpenTelemetry
// metrics data model, "Resets and gaps").
func (s *Store) added(one *series, known bool, p *otlp.Point, now time.Time) (calls distribution.Histogram, from int64, ok bool) {
	switch {
	case !p.Cumulative:
		from = p.Start
		if from == 0 {
			from = one.last
		}
		return p.Value, from, from != 0 && from <= p.Time
	case !known:
		// Of a series that was here before and stopped, or that another replica knew, the beginning has been counted.
		since := max(s.opened.UnixNano(), now.Add(-s.limits.MaxAge).UnixNano())
		return p.Value, p.Start, p.Start >= since && p.Start < p.Time
	case p.Start > one.start && p.Start >= one.last:
		return p.Value, p.Start, p.Start < p.Time
	}
	if calls, ok = p.Value.Since(one.total); ok {
		return calls, one.last, true
	}
	return p.Value, one.last, p.Value.Count() < one.total.Count()
}
