package telemetry

import (
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/ballast-k8s/ballast/recommender/telemetry/otlp"
)

// flood sends a span of each of n operations whose names no entry has, that end so many milliseconds after the start.
func (f *fixture) flood(n int, end float64) {
	f.t.Helper()
	for i := range n {
		f.spans(of(from("frontend", "f1"), otSpan(10_000+i, 1, 0, "GET /"+strconv.Itoa(i), server, end-10, end)))
	}
}

// forgotten is how many spans and points came without a place for the name of their operation.
func (f *fixture) forgotten() float64 {
	return testutil.ToFloat64(f.counters.Dropped.WithLabelValues(otlp.SpanSignal, string(otlp.TooManyOperations))) +
		testutil.ToFloat64(f.counters.Dropped.WithLabelValues(otlp.PointSignal, string(otlp.TooManyOperations)))
}

// A service with ids in the names of its spans came first. The entry that windows are asked for is heard of all the same, by spans and by
// points, whether these name their namespace or not; what nobody asks for is kept and counted.
func TestEntryBesideFullNames(t *testing.T) {
	f := newFixture(t, Limits{Series: 10})
	f.flood(12, 1000)
	if len(f.names.by) != 10 || f.forgotten() != 2 || f.Store.spans != 12 {
		t.Fatalf("%d names, %g forgotten, %d spans; want 10, 2 and 12", len(f.names.by), f.forgotten(), f.Store.spans)
	}
	f.spans(of(from("frontend", "f1"), otSpan(1, 1, 0, "GET /", server, 1000, 2000))) // nobody has asked yet
	if got := f.minute(home); !got.Newest.IsZero() || got.Traces != 1 || f.forgotten() != 3 {
		t.Errorf("the first window: newest %v, %d traces, %g forgotten; want none, 1 and 3", got.Newest, got.Traces, f.forgotten())
	}
	for what, send := range map[string]func(end float64){
		"span": func(end float64) { f.spans(of(from("frontend", "f1"), otSpan(2, 1, 0, "GET /", server, 2000, end))) },
		"span without a namespace": func(end float64) {
			r := from("frontend", "f1")
			r.Attributes = pairs("service.name", "frontend")
			f.spans(of(r, otSpan(3, 1, 0, "GET /", server, 2000, end)))
		},
		"point": func(end float64) {
			f.metrics(from("frontend", "f1"), histogram(delta, "GET /", ok, 2000, end, 1, 0, 0))
		},
	} {
		f.names = names{f.names.limit, map[name]times{}}
		f.flood(10, 1000)
		f.minute(home)
		send(12_000)
		if got := f.minute(home).Newest; !got.Equal(start.Add(12 * time.Second)) {
			t.Errorf("%s: newest %v, want %v", what, got, start.Add(12*time.Second))
		}
	}
	if f.forgotten() != 3 {
		t.Errorf("%g forgotten, want no more than before", f.forgotten())
	}
}

// An entry that is silent for longer than data are kept, while others fill the names, is stale and not unknown; and it is heard of again.
func TestSilentEntryComesBack(t *testing.T) {
	f := newFixture(t, Limits{Series: 10})
	f.spans(request(1, 1000, "")...)
	want := start.Add(1100 * time.Millisecond)
	for minute := 1; minute <= 30; minute++ {
		f.clock.SetTime(start.Add(time.Duration(minute) * time.Minute))
		f.flood(12, 60_000*float64(minute))
		if got := f.minute(home).Newest; !got.Equal(want) {
			t.Fatalf("minute %d: newest %v, want %v", minute, got, want)
		}
	}
	f.spans(request(2, 60_000*30-200, "")...)
	if got, want := f.minute(home).Newest, start.Add(30*time.Minute-100*time.Millisecond); !got.Equal(want) {
		t.Errorf("newest %v, want %v", got, want)
	}
	// Once nobody asks for it any more, its place is free: of the names only the youngest stay.
	f.clock.SetTime(start.Add(45 * time.Minute))
	f.flood(12, 60_000*45)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sweep(f.clock.Now())
	if _, there := f.names.by[name{"hotel", "frontend", "GET /"}]; there || len(f.names.by) > 10 {
		t.Errorf("of %d names one is the entry's: %t", len(f.names.by), there)
	}
}

// What windows are asked for is bounded too.
func TestBoundedEntries(t *testing.T) {
	f := newFixture(t, Limits{Series: 10})
	f.flood(12, 1000)
	for i := range 100 {
		f.minute(Entry{Namespace: "hotel", Service: "frontend", Operation: strconv.Itoa(i)})
	}
	if n := len(f.names.by); n != 20 {
		t.Errorf("%d names, want 20", n)
	}
}

// A sender's clock is 50 s ahead: its spans are taken, and what they belong to was heard of when they came.
func TestSenderAhead(t *testing.T) {
	f := newFixture(t, Limits{})
	if n := f.spans(request(1, 110_000-100, "")...); n != 0 {
		t.Fatalf("%d rejected", n)
	}
	for _, later := range []time.Duration{0, 30 * time.Second, time.Hour} {
		f.clock.SetTime(start.Add(time.Minute + later))
		if got := f.minute(home).Newest; !got.Equal(start.Add(time.Minute)) {
			t.Errorf("newest %v after %s, want when it came", got, later)
		}
	}
	// The receiver's clock stood half a minute ahead, and is set back.
	f.clock.SetTime(start.Add(30 * time.Second))
	if got := f.minute(home).Newest; !got.Equal(start.Add(30 * time.Second)) {
		t.Errorf("newest %v, want now", got)
	}
	f.spans(request(2, 20_000, "")...)
	if got := f.minute(home).Newest; !got.Equal(start.Add(20_100 * time.Millisecond)) {
		t.Errorf("newest %v, want that of the datum since", got)
	}
}

// The clock stood an hour ahead, and is set back: what was heard of then is not, until the next datum comes.
func TestClockSetBack(t *testing.T) {
	const hour = 3_600_000
	f := newFixture(t, Limits{})
	f.clock.SetTime(start.Add(time.Hour))
	f.spans(request(1, hour-1000, "")...)
	point := func(to float64) int64 {
		return f.metrics(from("frontend", "f1"), histogram(cumulative, "GET /", ok, 0, to, uint64(to), 0, 0))
	}
	point(hour - 1000)
	f.metrics(from("frontend", "f1"), histogram(delta, "GET /", failed, hour-2000, hour-1000, 1, 0, 0))
	if f.increments.len() != 1 {
		t.Fatalf("%d increments, want 1", f.increments.len())
	}
	if got := f.minute(home).Newest; !got.Equal(start.Add(time.Hour - 900*time.Millisecond)) {
		t.Fatalf("newest %v", got)
	}
	f.clock.SetTime(start.Add(time.Minute))
	if got := f.minute(home).Newest; !got.IsZero() {
		t.Errorf("newest %v, an hour ahead", got)
	}
	f.spans(request(2, 50_000, "")...)
	if got := f.minute(home).Newest; !got.Equal(start.Add(50_100 * time.Millisecond)) {
		t.Errorf("newest %v, want that of the datum since", got)
	}
	if f.increments.len() != 0 {
		t.Errorf("%d increments that end in an hour are held", f.increments.len())
	}
	// The series' last point is in an hour. The next sweep lets it begin anew.
	if n := point(40_000); n != 1 {
		t.Fatalf("%d points rejected, want 1", n)
	}
	f.mu.Lock()
	f.sweep(f.clock.Now())
	f.mu.Unlock()
	if n := point(41_000); n != 0 {
		t.Errorf("%d points rejected after a sweep", n)
	}
}

// A name that nobody asked for is swept with its time to come.
func TestSweepOfFuture(t *testing.T) {
	now := start.Add(time.Minute)
	n := names{10, map[name]times{
		{operation: "ahead"}:       {heard: now.Add(time.Hour).UnixNano()},
		{operation: "ahead asked"}: {heard: now.Add(time.Hour).UnixNano(), asked: start.UnixNano()},
		{operation: "near"}:        {heard: now.Add(time.Minute).UnixNano()},
		{operation: "old"}:         {heard: start.Add(-time.Hour).UnixNano()},
	}}
	n.sweep(now.Add(-10*time.Minute), now)
	if _, there := n.by[name{operation: "ahead"}]; there || len(n.by) != 3 {
		t.Errorf("%d names left: %v", len(n.by), n.by)
	}
	n.limit = 3
	n.sweep(now.Add(-10*time.Minute), now)
	if _, there := n.by[name{operation: "old"}]; there || len(n.by) != 2 {
		t.Errorf("%d names left where three are the limit: %v", len(n.by), n.by)
	}
}
