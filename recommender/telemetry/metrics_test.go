package telemetry

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
)

const (
	ok     = "STATUS_CODE_UNSET"
	failed = "STATUS_CODE_ERROR"
)

func TestCumulative(t *testing.T) {
	f := newFixture(t, Limits{})
	pod := from("frontend", "f1")
	type point struct {
		from, to float64 // seconds
		counts   []uint64
	}
	for _, test := range []struct {
		name             string
		points           []point
		requests, within float64
		covered          float64 // seconds, where the points go on all through the window but for less than their own interval: 60 s have more
	}{
		// Began in the store's life, so that the first point counts. Within 50 ms: 4 + 6·(50−10)/(100−10).
		{"new", []point{{1, 20, []uint64{4, 6, 0}}}, 10, 4 + 6*4.0/9, 60},
		// Began before: the first point is what the others are compared with.
		{"older than the store", []point{{-100, 20, []uint64{400, 600, 0}}, {-100, 40, []uint64{404, 606, 0}}}, 10, 4 + 6*4.0/9, 20},
		{"without a start", []point{{math.NaN(), 20, []uint64{400, 0, 0}}, {math.NaN(), 40, []uint64{404, 0, 0}}}, 4, 4, 20},
		// OpenTelemetry's way to say that the start is unknown: the time of the first point.
		{"unknown start", []point{{20, 20, []uint64{400, 0, 0}}, {20, 40, []uint64{404, 0, 0}}}, 4, 4, 20},
		{"reset by start", []point{{1, 20, []uint64{4, 0, 0}}, {25, 40, []uint64{9, 0, 0}}}, 13, 13, 60},
		{"reset by count", []point{{1, 20, []uint64{4, 0, 0}}, {1, 40, []uint64{3, 0, 0}}}, 7, 7, 39},
		// More in all, but fewer in a bucket: nothing that could be told.
		{"contradiction", []point{{1, 20, []uint64{4, 0, 0}}, {1, 40, []uint64{3, 9, 0}}, {1, 50, []uint64{3, 9, 1}}}, 5, 4, 29},
		{"backward", []point{{1, 40, []uint64{9, 0, 0}}, {1, 20, []uint64{4, 0, 0}}, {1, 40, []uint64{9, 0, 0}}}, 9, 9, 39},
		// [0 s, 60 s): the point at 60 s is the next window's.
		{"after the window", []point{{1, 20, []uint64{4, 0, 0}}, {1, 60, []uint64{9, 0, 0}}}, 4, 4, 60},
	} {
		entry := Entry{Service: "frontend", Operation: test.name}
		for _, p := range test.points {
			m := histogram(cumulative, test.name, ok, p.from*1000, p.to*1000, p.counts...)
			if math.IsNaN(p.from) {
				m.GetHistogram().DataPoints[0].StartTimeUnixNano = 0
			}
			f.metrics(pod, m)
		}
		got := f.minute(entry)
		requests, within := test.requests*60/test.covered, test.within*60/test.covered
		if math.Abs(got.Requests-requests) > 1e-9 || math.Abs(got.Within-within) > 1e-9 || got.FromSpans {
			t.Errorf("%s: requests %g, within %g; want %g, %g", test.name, got.Requests, got.Within, requests, within)
		}
	}
}

func TestDelta(t *testing.T) {
	f := newFixture(t, Limits{})
	for i := range 5 {
		begin := float64(i) * 10_000
		f.metrics(from("frontend", "f1"), histogram(delta, "GET /", ok, begin, begin+10_000, 1, 2, 0))
		f.metrics(from("frontend", "f2"), histogram(delta, "GET /", ok, begin, begin+10_000, 1, 0, 0))
		f.metrics(from("frontend", "f2"), histogram(delta, "GET /", failed, begin, begin+10_000, 0, 2, 0))
	}
	got := f.minute(home)
	// 5·(3 + 1 + 2) requests in 50 s, of which 5·2 failed: 36 in 60 s. Successful: 10 in (0,10], 10 in (10,100]; at most 50 ms
	// 10 + 10·4/9, and 60/50 of that. The median is at 10 ms.
	if math.Abs(got.Requests-36) > 1e-9 || math.Abs(got.Within-1.2*(10+40.0/9)) > 1e-9 || math.Abs(got.Percentile-0.01) > 1e-6 {
		t.Errorf("requests %g, within %g, percentile %g", got.Requests, got.Within, got.Percentile)
	}
	if !got.Newest.Equal(start.Add(50 * time.Second)) {
		t.Errorf("newest %v", got.Newest)
	}
	// 20 were measured. Of Binomial(20, 1/2), P(>= 6) = 0.979, P(>= 7) = 0.942, P(>= 14) = 0.058, P(>= 15) = 0.021: ranks 6 and 15. 0.6·10 = 6 ms, and
	// 10 + (15−10)/10·90 = 55 ms.
	if math.Abs(got.PercentileLow-0.006) > 1e-6 || math.Abs(got.PercentileHigh-0.055) > 1e-6 {
		t.Errorf("interval %g to %g", got.PercentileLow, got.PercentileHigh)
	}
}

// Calls count all operations and the rate of a series is over the time between its points; histograms go before spans.
func TestCallRates(t *testing.T) {
	f := newFixture(t, Limits{})
	f.spans(request(1, 1000, "")...)
	search := from("search", "s1")
	// Every 10 s from −7 s on, 50 calls each: the six points in the window cover 60 s. It began before the store.
	for i := range 7 {
		now := -7000 + float64(i)*10_000
		f.metrics(search, histogram(cumulative, "Nearby", ok, -500_000, now, uint64(50*i), 0, 0))
	}
	// Another operation, from 30 s on: 60 calls in this window. And calls that search makes, which are not calls of search.
	f.metrics(search, histogram(cumulative, "Other", ok, 30_000, 55_000, 60, 0, 0))
	calling := histogram(delta, "Nearby", ok, 0, 55_000, 1000, 0, 0)
	calling.GetHistogram().DataPoints[0].Attributes = pairs("span.name", "Nearby", "span.kind", "SPAN_KIND_CLIENT")
	f.metrics(search, calling)
	got := f.minute(home)
	// −7, 3, 13, 23, 33, 43, 53: 300 calls in (−7, 53], 5 a second; 60/60 s; 6 in all.
	if rate := got.Services[1].Calls; math.Abs(rate-6) > 1e-9 {
		t.Errorf("search is called %g times a second, want 6", rate)
	}
	if rate := got.Services[0].Calls; math.Abs(rate-1.0/60) > 1e-9 || !got.FromSpans {
		t.Errorf("frontend, without histograms: %g", rate)
	}
	// The same calls from another source do not count twice.
	f.metrics(search, &metricspb.Metric{
		Name: "http.server.request.duration", Unit: "s", Data: histogram(delta, "", ok, 0, 50_000, 500, 0, 0).GetData(),
	})
	if rate := f.minute(home).Services[1].Calls; math.Abs(rate-6) > 1e-9 {
		t.Errorf("with a second source search is called %g times a second, want 6", rate)
	}
}

// A connector that does not name the deployment: its calls are shared by those of two deployments' spans, 3 to 1.
func TestVagueSeries(t *testing.T) {
	f := newFixture(t, Limits{})
	canary := from("search", "s2")
	canary.Attributes[3] = pairs("k8s.deployment.name", "canary")[0]
	for i := range 4 {
		parts := request(1+i, 1000, "")
		if i == 0 {
			parts[1].Resource = canary
		}
		f.spans(parts...)
	}
	vague := &resourcepb.Resource{Attributes: pairs("service.name", "search")}
	f.metrics(vague, histogram(delta, "Nearby", ok, 0, 59_000, 240, 0, 0))
	var calls []float64
	for _, s := range f.minute(home).Services {
		calls = append(calls, s.Calls)
	}
	// 240/59 s over all: the series covers the window but for less than its own interval. By identity: frontend, canary, search.
	if diff := cmp.Diff([]float64{4.0 / 60, 60.0 / 59, 180.0 / 59}, calls, nearly); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestHTTPServer(t *testing.T) {
	f := newFixture(t, Limits{})
	send := func(status string, n uint64) {
		m := histogram(delta, "", "", 0, 30_000, n, 0, 0)
		m.Name, m.Unit = "http.server.request.duration", "s"
		p := m.GetHistogram().DataPoints[0]
		p.ExplicitBounds = []float64{0.01, 0.1}
		p.Attributes = pairs("http.request.method", "GET", "http.route", "/", "http.response.status_code", status)
		if rejected := f.metrics(from("frontend", "f1"), m); rejected != 0 {
			t.Fatalf("%d rejected", rejected)
		}
	}
	send("200", 10)
	send("404", 5)
	send("503", 3)
	// Of a first half minute, with points that reach half a minute: as many again in the second.
	if got := f.minute(home); got.Requests != 36 || got.Within != 30 {
		t.Errorf("requests %g, within %g", got.Requests, got.Within)
	}
}

// exponential is one cumulative point of spanmetrics' exponential histogram, in milliseconds, of a series that is older than the store.
func exponential(scale, offset int32, to float64, counts ...uint64) *metricspb.Metric {
	m := histogram(cumulative, "GET /", ok, 0, 0, 0)
	p := &metricspb.ExponentialHistogramDataPoint{
		Attributes: m.GetHistogram().DataPoints[0].Attributes, StartTimeUnixNano: at(-5e5), TimeUnixNano: at(to * 1000), Scale: scale,
		ZeroCount: 2, Positive: &metricspb.ExponentialHistogramDataPoint_Buckets{Offset: offset, BucketCounts: counts},
	}
	m.Data = &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: &metricspb.ExponentialHistogram{
		AggregationTemporality: cumulative, DataPoints: []*metricspb.ExponentialHistogramDataPoint{p},
	}}
	return m
}

func TestExponentialPoints(t *testing.T) {
	f := newFixture(t, Limits{})
	send := func(scale, offset int32, to float64, counts ...uint64) {
		if n := f.metrics(from("frontend", "f1"), exponential(scale, offset, to, counts...)); n != 0 {
			t.Fatalf("%d rejected", n)
		}
	}
	// At scale 1 buckets 8 and 9 are (16, 22.6], (22.6, 32] ms, at scale 0 together bucket 4.
	send(1, 8, 10, 5, 5)
	send(0, 4, 20, 30, 0, 10) // 20 more in (16,32], 10 in (64,128]
	got := f.minute(home)
	// 30 requests; number 15 of them is 15/20 through (16,32] in the logarithm: 16·2^0.75 = 26.9 ms.
	if got.Requests != 30 || math.Abs(got.Within-20) > 1e-9 || math.Abs(got.Percentile-0.016*math.Pow(2, 0.75)) > 1e-6 {
		t.Errorf("requests %g, within %g, percentile %g", got.Requests, got.Within, got.Percentile)
	}
}

// One slow request widens a sender's histogram for as long as it counts, here to 417 buckets. Its series goes on all the same.
func TestSlowRequest(t *testing.T) {
	f := newFixture(t, Limits{})
	counts := make([]uint64, 417) // at scale 5 from bucket 0, (1, 1.02] ms, to bucket 416, (8192, 8371] ms
	counts[0] = 100
	for i, slow := range []uint64{0, 1, 1, 1} {
		counts[416] = slow
		if n := f.metrics(from("frontend", "f1"), exponential(5, 0, 14+15*float64(i), counts...)); n != 0 {
			t.Fatalf("point %d: %d rejected", i, n)
		}
		counts[0] += 100
	}
	// 301 more from 14 to 59 s, which is 301·60/45 in the minute, all but one of them fast.
	if got := f.minute(home); math.Abs(got.Requests-301*4.0/3) > 1e-9 || math.Abs(got.Within-300*4.0/3) > 1e-9 || got.FromSpans {
		t.Errorf("requests %g, within %g; want %g and %g", got.Requests, got.Within, 301*4.0/3, 300*4.0/3)
	}
}

// The histogram of failures goes on with nothing to count, that of successes is missing: refused, or dropped on the way. Spans show requests.
func TestNothingCounted(t *testing.T) {
	f := newFixture(t, Limits{})
	for i := range 6 {
		f.metrics(from("frontend", "f1"), histogram(cumulative, "GET /", failed, 0, 9000+10_000*float64(i), 0, 0, 0))
	}
	if got := f.minute(home); got.Requests != 0 || got.FromSpans {
		t.Errorf("without spans: requests %g, from spans %t; want none", got.Requests, got.FromSpans)
	}
	f.spans(request(1, 1000, "")...)
	if got := f.minute(home); got.Requests != 1 || !got.FromSpans {
		t.Errorf("requests %g, from spans %t; want the one that there is a trace of", got.Requests, got.FromSpans)
	}
}

func TestRejectedPoints(t *testing.T) {
	f := newFixture(t, Limits{Attribute: 20, Series: 2})
	pod := from("frontend", "f1")
	for name, spoil := range map[string]func(*metricspb.Metric){
		"unit":        func(m *metricspb.Metric) { m.Unit = "By" },
		"temporality": func(m *metricspb.Metric) { m.GetHistogram().AggregationTemporality = 0 },
		"bounds":      func(m *metricspb.Metric) { m.GetHistogram().DataPoints[0].ExplicitBounds = []float64{1} },
		"future":      func(m *metricspb.Metric) { m.GetHistogram().DataPoints[0].TimeUnixNano = at(1e6) },
		"no time":     func(m *metricspb.Metric) { m.GetHistogram().DataPoints[0].TimeUnixNano = 0 },
		"start":       func(m *metricspb.Metric) { m.GetHistogram().DataPoints[0].StartTimeUnixNano = math.MaxUint64 },
		"attribute": func(m *metricspb.Metric) {
			m.GetHistogram().DataPoints[0].Attributes = pairs("span.name", "123456789012345678901")
		},
	} {
		m := histogram(delta, "GET /", ok, 0, 1000, 1, 0, 0)
		spoil(m)
		if n := f.metrics(pod, m); n != 1 {
			t.Errorf("%s: %d rejected", name, n)
		}
	}
	// Of no use here, and no fault of the sender's.
	stale := histogram(delta, "GET /", ok, 0, 1000, 1, 0, 0)
	stale.GetHistogram().DataPoints[0].Flags = 1
	numbers := &metricspb.Gauge{DataPoints: []*metricspb.NumberDataPoint{{}}}
	gauge := &metricspb.Metric{Name: "cpu", Data: &metricspb.Metric_Gauge{Gauge: numbers}}
	if n := f.metrics(pod, stale, gauge); n != 0 {
		t.Errorf("unused: %d rejected", n)
	}
	// Two series are the limit, and those that stop are forgotten.
	one := func(operation string) *metricspb.Metric { return histogram(delta, operation, ok, 0, 1000, 1, 0, 0) }
	if n := f.metrics(pod, one("a"), one("b"), one("c")); n != 1 {
		t.Errorf("over the limit of series: %d rejected", n)
	}
	f.clock.SetTime(start.Add(12 * time.Minute))
	if n := f.metrics(pod, histogram(delta, "c", ok, 660_000, 700_000, 1, 0, 0)); n != 0 || len(f.series) != 1 {
		t.Errorf("after the others' age: %d rejected, %d series", n, len(f.series))
	}
}

// A series that was away for longer than its age begins with a comparison: what it counted before is not counted again.
func TestSeriesComesBack(t *testing.T) {
	f := newFixture(t, Limits{MaxAge: 5 * time.Minute})
	pod := from("frontend", "f1")
	f.metrics(pod, histogram(cumulative, "GET /", ok, 1000, 20_000, 100, 0, 0))
	f.clock.SetTime(start.Add(20 * time.Minute))
	f.metrics(pod, histogram(cumulative, "GET /", ok, 1000, 1_190_000, 500, 0, 0))
	f.metrics(pod, histogram(cumulative, "GET /", ok, 1000, 1_195_000, 507, 0, 0))
	if got := f.Window(home, 0.5, 0.05, start, start.Add(time.Hour)); got.Requests != 7 {
		t.Errorf("%g requests, want 7", got.Requests)
	}
}

// Two pods at 10 requests a second each export every 60 s, one of them a second early or late, so that its points fall out of a window
// and two into the next; a tenth of the requests is traced. Every window has its 1,200 requests, of which a tenth failed.
func TestExportersMinutes(t *testing.T) {
	f := newFixture(t, Limits{})
	jitter := []float64{-1, 1, -1, 1, 1, -1, -1, 1, -1, 1}
	windows := 0
	for minute, off := range jitter {
		f.clock.SetTime(start.Add(time.Duration(minute+1) * time.Minute))
		for pod, second := range map[string]float64{"f1": 45 + off, "f2": 20} {
			now := 1000 * (second + 60*float64(minute))
			calls := uint64(10*now/1000 + 0.5)
			f.metrics(from("frontend", pod), histogram(cumulative, "GET /", ok, 0, now, calls-calls/10, 0, 0),
				histogram(cumulative, "GET /", failed, 0, now, calls/10, 0, 0))
		}
		f.spans(request(1+minute, 1000*float64(60*minute), "")...)
		if minute < 2 {
			continue
		}
		windows++
		end := start.Add(time.Duration(60*minute+45) * time.Second)
		w := f.Window(home, 0.5, 0.05, end.Add(-time.Minute), end)
		if math.Abs(w.Requests-1200) > 25 || math.Abs(w.Within-1080) > 25 || w.FromSpans {
			t.Errorf("minute %d: %.0f requests, %.0f within, from spans %t; want 1200, 1080", minute, w.Requests, w.Within, w.FromSpans)
		}
		if got := w.Services[0].Calls; math.Abs(got-20) > 0.5 {
			t.Errorf("minute %d: %.2f calls a second, want 20", minute, got)
		}
	}
	// Both stop, after points at 560 s and 586 s. Until two are missing, what they counted last is taken to go on.
	for _, after := range []struct{ to, requests float64 }{{645, 1200}, {705, 600}, {765, 0}} {
		to := start.Add(time.Duration(after.to) * time.Second)
		if w := f.Window(home, 0.5, 0.05, to.Add(-time.Minute), to); math.Abs(w.Requests-after.requests) > 1e-6 || windows != 8 {
			t.Errorf("%g requests in the minute to %v s, want %v; %d windows read", w.Requests, after.to, after.requests, windows)
		}
	}
}

// A replica that waited for a day takes over: of a process that is older than that, the first point is what the next is compared with.
func TestOpen(t *testing.T) {
	f := newFixture(t, Limits{})
	f.clock.SetTime(start.Add(24 * time.Hour))
	f.Open()
	f.clock.SetTime(start.Add(24*time.Hour + time.Minute))
	const day = 86_400_000
	f.metrics(from("frontend", "f1"), histogram(cumulative, "GET /", ok, day-480_000, day+20_000, 5000, 0, 0))
	f.metrics(from("frontend", "f2"), histogram(cumulative, "GET /", ok, day+10_000, day+20_000, 7, 0, 0))
	f.metrics(from("frontend", "f1"), histogram(cumulative, "GET /", ok, day-480_000, day+50_000, 5300, 0, 0))
	// 300 of f1 in 30 s, so 600 in the minute, and the 7 of f2, which began after the takeover.
	if w := f.Window(home, 0.5, 0.05, start.Add(24*time.Hour), start.Add(24*time.Hour+time.Minute)); w.Requests != 607 {
		t.Errorf("%g requests, want 607", w.Requests)
	}
}

// A histogram of a count and a sum alone says nothing about a target, and must not count as missing it.
func TestCountAndSumAlone(t *testing.T) {
	f := newFixture(t, Limits{})
	m := histogram(delta, "GET /", ok, 0, 30_000)
	p := m.GetHistogram().DataPoints[0]
	p.ExplicitBounds, p.Count = nil, 9
	if n := f.metrics(from("frontend", "f1"), m); n != 1 {
		t.Errorf("%d points rejected, want 1", n)
	}
	p.BucketCounts = []uint64{9}
	if n := f.metrics(from("frontend", "f1"), m); n != 1 {
		t.Errorf("one bucket without bounds: %d points rejected, want 1", n)
	}
}
