package telemetry

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

var nearly = cmp.Options{cmpopts.EquateApprox(1e-9, 1e-12), cmpopts.EquateNaNs()}

// request is one of GET / in three pods: frontend [0,100], its client span [10,90], search [20,80], from begin on.
func request(trace int, begin float64, state string) []*tracepb.ResourceSpans {
	root := otSpan(trace, 1, 0, "GET /", server, begin, begin+100)
	call := otSpan(trace, 2, 1, "search", client, begin+10, begin+90)
	work := otSpan(trace, 3, 2, "Nearby", server, begin+20, begin+80)
	for _, s := range []*tracepb.Span{root, call, work} {
		s.TraceState = state
	}
	return []*tracepb.ResourceSpans{of(from("frontend", "f1"), root, call), of(from("search", "s1"), work)}
}

func hotelService(name string) Identity {
	return Identity{Namespace: "hotel", Service: name, Deployment: name, Container: "app"}
}

func TestOneTrace(t *testing.T) {
	f := newFixture(t, Limits{})
	if n := f.spans(request(1, 1000, "")...); n != 0 {
		t.Fatalf("%d rejected", n)
	}
	got := f.minute(home)
	// Frontend 10 + 10 of its own, network 10 + 10, search 60; 100 in all. One call of each in 60 s. 1 request is fewer than ln 0.05 /
	// ln 0.5 = 4.3.
	want := Window{
		From: start, To: start.Add(time.Minute), Newest: start.Add(1100 * time.Millisecond),
		Requests: 1, Within: 0, Percentile: math.NaN(), PercentileLow: math.NaN(), PercentileHigh: math.NaN(),
		FromSpans: true, Duration: 0.1, Network: 0.02, Traces: 1,
		Services: []Service{
			{ID: hotelService("frontend"), Pods: []string{"f1"}, Calls: 1.0 / 60, Visits: 1, Critical: 1, Self: 0.02, Traces: 1},
			{ID: hotelService("search"), Pods: []string{"s1"}, Calls: 1.0 / 60, Visits: 1, Critical: 1, Self: 0.06, Traces: 1},
		},
		Links: []Link{{From: hotelService("frontend"), To: hotelService("search"), Calls: 1, Critical: 1, Network: 0.02, Traces: 1}},
	}
	if diff := cmp.Diff(want, got, nearly); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A request that calls search twice side by side, [10,90] and [10,50]: two visits, of which by time 80/(80+40)·2 = 4/3 are on the path.
func TestVisitsAndCritical(t *testing.T) {
	f := newFixture(t, Limits{})
	f.spans(
		of(from("frontend", "f1"), otSpan(1, 1, 0, "GET /", server, 0, 100)),
		of(from("search", "s1"), otSpan(1, 2, 1, "Nearby", server, 10, 90)),
		of(from("search", "s2"), otSpan(1, 3, 1, "Nearby", server, 10, 50)),
	)
	got := f.minute(home)
	want := Service{
		ID: hotelService("search"), Pods: []string{"s1", "s2"}, Calls: 2.0 / 60, Visits: 2, Critical: 4.0 / 3, Self: 0.06, Traces: 1,
	}
	if diff := cmp.Diff(want, got.Services[1], nearly); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	link := []Link{{From: hotelService("frontend"), To: hotelService("search"), Calls: 2, Critical: 4.0 / 3, Traces: 2}}
	if diff := cmp.Diff(link, got.Links, nearly); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
}

// Half the requests were sampled with probability 1/4 (th:c: 3/4 rejected), half with 1: the first count four times.
func TestSamplingWeights(t *testing.T) {
	f := newFixture(t, Limits{})
	for i := range 10 {
		f.spans(request(1+i, 1000, "vendor=x,ot=rv:ef;th:c")...)
		f.spans(of(from("frontend", "f2"), otSpan(100+i, 1, 0, "GET /", server, 2000, 2020)))
	}
	got := f.minute(home)
	// 40 requests of 100 ms and 10 of 20 ms: 50, mean (40·100 + 10·20)/50 = 84 ms. Within 50 ms: 10. Search: 40 calls of 60 ms, 0.8 a
	// request. The median is the 25th: 100 ms. Kish: 50²/(10·16 + 10·1) = 14.7 requests are enough for an interval of a median.
	if got.Requests != 50 || got.Within != 10 || math.Abs(got.Duration-0.084) > 1e-12 || got.Traces != 20 {
		t.Errorf("requests %g, within %g, duration %g, traces %d", got.Requests, got.Within, got.Duration, got.Traces)
	}
	if math.Abs(got.Percentile-0.1) > 1e-6 || !(got.PercentileLow <= 0.1) || math.Abs(got.PercentileHigh-0.1) > 1e-6 {
		t.Errorf("percentile %g (%g to %g)", got.Percentile, got.PercentileLow, got.PercentileHigh)
	}
	// 14.7 are not enough for the 90th percentile, which wants 29.
	if got := f.Window(home, 0.9, 0.05, start, start.Add(time.Minute)); !math.IsNaN(got.Percentile) {
		t.Errorf("90th percentile %g", got.Percentile)
	}
	want := Service{
		ID: hotelService("search"), Pods: []string{"s1"}, Calls: 40.0 / 60, Visits: 0.8, Critical: 0.8, Self: 0.06, Traces: 10,
	}
	if diff := cmp.Diff(want, got.Services[1], nearly); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The parts of every window add up, and a failed request is not within the target however fast.
func TestAddsUp(t *testing.T) {
	f := newFixture(t, Limits{})
	for i := range 30 {
		f.spans(request(1+i, float64(100*i), "")...)
		bad := otSpan(100+i, 1, 0, "GET /", server, 0, float64(i+1))
		bad.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR}
		f.spans(of(from("frontend", "f1"), bad))
	}
	got := f.minute(home)
	sum := got.Network
	for _, s := range got.Services {
		sum += s.Critical * s.Self
	}
	if math.Abs(sum-got.Duration) > 1e-12 || got.Requests != 60 || got.Within != 0 || math.Abs(got.Percentile-0.1) > 1e-6 {
		t.Errorf("sum %g of %g, requests %g, within %g, percentile %g", sum, got.Duration, got.Requests, got.Within, got.Percentile)
	}
}

// Requests that all fail are requests.
func TestAllFail(t *testing.T) {
	f := newFixture(t, Limits{})
	bad := otSpan(1, 1, 0, "GET /", server, 0, 10)
	bad.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR}
	f.spans(of(from("frontend", "f1"), bad))
	if got := f.minute(home); got.Requests != 1 || got.Within != 0 || !got.FromSpans || !math.IsNaN(got.Percentile) {
		t.Errorf("%+v", got)
	}
}

func TestOutOfOrderAndLate(t *testing.T) {
	f := newFixture(t, Limits{})
	parts := request(1, 1000, "")
	f.spans(parts[1]) // search before its caller
	if got := f.minute(home); got.Traces != 0 || !got.Newest.IsZero() || !math.IsNaN(got.Duration) || len(got.Services) != 0 {
		t.Errorf("without the root: %+v", got)
	}
	f.clock.SetTime(start.Add(90 * time.Second))
	f.spans(parts[0])
	if got := f.minute(home); got.Traces != 1 || len(got.Services) != 2 || got.Repairs != (callgraph.Repairs{}) {
		t.Errorf("complete: %+v", got)
	}
	// A minute later nothing new: the services are still known, but not what they do.
	got := f.Window(home, 0.5, 0.05, start.Add(time.Minute), start.Add(2*time.Minute))
	if len(got.Services) != 2 || !math.IsNaN(got.Services[0].Self) || !math.IsNaN(got.Services[0].Visits) || got.Traces != 0 {
		t.Errorf("the next window: %+v", got)
	}
	if want := start.Add(1100 * time.Millisecond); !got.Newest.Equal(want) {
		t.Errorf("newest %v, want %v", got.Newest, want)
	}
	// Past their age they are gone, and the time of the last datum is not.
	f.clock.SetTime(start.Add(time.Hour))
	if got := f.minute(home); len(got.Services) != 0 || got.Newest.IsZero() {
		t.Errorf("an hour later: %+v", got)
	}
}

func TestEntryMatching(t *testing.T) {
	f := newFixture(t, Limits{})
	f.spans(
		of(from("frontend", "f1"), otSpan(1, 1, 0, "GET /", server, 0, 10), otSpan(2, 1, 0, "GET /", client, 0, 10)),
		of(&resourcepb.Resource{Attributes: pairs("service.name", "frontend")}, otSpan(3, 1, 0, "GET /", server, 0, 10)),
		of(&resourcepb.Resource{Attributes: pairs("service.name", "frontend", "service.namespace", "hotel")},
			otSpan(4, 1, 0, "GET /", server, 0, 10)),
		of(&resourcepb.Resource{Attributes: pairs("service.name", "frontend", "service.namespace", "hotel", "k8s.namespace.name", "other")},
			otSpan(5, 1, 0, "GET /", server, 0, 10)),
	)
	for _, test := range []struct {
		entry Entry
		want  int
	}{
		{home, 3}, // f1's, the one without namespace, and the one by service.namespace; no client span
		{Entry{Service: "frontend", Operation: "GET /"}, 4},
		{Entry{Namespace: "other", Service: "frontend", Operation: "GET /"}, 2},
		{Entry{Namespace: "hotel", Service: "frontend", Operation: "POST /"}, 0},
	} {
		if got := f.minute(test.entry); got.Traces != test.want {
			t.Errorf("%+v: %d traces, want %d", test.entry, got.Traces, test.want)
		}
	}
	// The window is [from, to): all ended 10 ms after the start.
	end := start.Add(10 * time.Millisecond)
	if a, b := f.Window(home, 0.5, 1, end, end.Add(1)), f.Window(home, 0.5, 1, start, end); a.Traces != 3 || b.Traces != 0 {
		t.Errorf("%d traces from their end on, %d before", a.Traces, b.Traces)
	}
}

func TestRejectedSpans(t *testing.T) {
	f := newFixture(t, Limits{Attribute: 20, SpansPerTrace: 3})
	good := func() *tracepb.Span { return otSpan(1, 1, 0, "GET /", server, 0, 10) }
	for name, spoil := range map[string]func(*tracepb.Span){
		"short trace id": func(s *tracepb.Span) { s.TraceId = s.TraceId[:8] },
		"zero trace id":  func(s *tracepb.Span) { s.TraceId = make([]byte, 16) },
		"no span id":     func(s *tracepb.Span) { s.SpanId = nil },
		"odd parent":     func(s *tracepb.Span) { s.ParentSpanId = []byte{1} },
		"no start":       func(s *tracepb.Span) { s.StartTimeUnixNano = 0 },
		"backward":       func(s *tracepb.Span) { s.StartTimeUnixNano = at(11) },
		"future":         func(s *tracepb.Span) { s.EndTimeUnixNano = at(200_000) },
		"far future":     func(s *tracepb.Span) { s.EndTimeUnixNano = math.MaxUint64 },
		"old":            func(s *tracepb.Span) { s.StartTimeUnixNano, s.EndTimeUnixNano = 1, 2 },
		"too long":       func(s *tracepb.Span) { s.StartTimeUnixNano = at(10 - 600_001) },
		"months":         func(s *tracepb.Span) { s.StartTimeUnixNano = 1 },
		"long name":      func(s *tracepb.Span) { s.Name = "123456789012345678901" },
	} {
		s := good()
		spoil(s)
		if n := f.spans(of(from("frontend", "f1"), s, good())); n != 1 {
			t.Errorf("%s: %d rejected", name, n)
		}
		f.traces, f.arrivals, f.Store.spans = map[callgraph.TraceID]*trace{}, queue[*trace]{}, 0
	}
	longest := good()
	longest.StartTimeUnixNano = at(10 - 600_000)
	if n := f.spans(of(from("frontend", "f1"), longest)); n != 0 {
		t.Errorf("a span of ten minutes: %d rejected", n)
	}
	f.traces, f.arrivals, f.Store.spans = map[callgraph.TraceID]*trace{}, queue[*trace]{}, 0
	if n := f.spans(of(&resourcepb.Resource{}, good())); n != 1 {
		t.Errorf("no service: %d rejected", n)
	}
	if n := f.spans(of(from("frontend", "f1"), good(), good(), good(), good(), good())); n != 2 {
		t.Errorf("full trace: %d rejected", n)
	}
}
