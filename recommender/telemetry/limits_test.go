package telemetry

import (
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// Whatever comes in, no limit is passed, the newest stay, and the memory behind the oldest is let go.
func TestBounded(t *testing.T) {
	limits := Limits{Spans: 200, Traces: 50, SpansPerTrace: 20, Series: 30, Points: 100}
	f := newFixture(t, limits)
	trace := 0
	for range 200 {
		var spans []*tracepb.Span
		for i := range 10 {
			trace++
			for j := range 1 + i {
				spans = append(spans, otSpan(trace, j+1, j, "op"+strconv.Itoa(trace), server, 0, 10))
			}
		}
		f.spans(of(from("frontend", "f1"), spans...))
		for i := range 40 {
			f.metrics(from("frontend", "f1"), histogram(delta, strconv.Itoa(i), ok, float64(trace), float64(trace)+1, 1, 0, 0))
		}
		held := 0
		for _, one := range f.traces {
			held += len(one.spans)
		}
		if held != f.Store.spans || held > 200 || len(f.traces) > 50 || f.arrivals.len() != len(f.traces) || len(f.series) > 30 ||
			f.increments.len() > 100 || len(f.names.by) > 30 {
			t.Fatalf("%d of %d spans, %d traces in %d, %d series, %d points, %d names", held, f.Store.spans, len(f.traces), f.arrivals.len(),
				len(f.series), f.increments.len(), len(f.names.by))
		}
		if len(f.arrivals.items) > 64+2*50+20 || len(f.increments.items) > 64+2*100+40 {
			t.Fatalf("queues of %d and %d items", len(f.arrivals.items), len(f.increments.items))
		}
	}
	if _, ok := f.traces[callgraph.TraceID(traceID(trace))]; !ok {
		t.Error("the newest trace is gone")
	}
}

// What a full store takes. DefaultLimits' comment names it.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("fills a store")
	}
	f := newFixture(t, Limits{})
	before := heap()
	for i := range 1000 {
		var spans []*tracepb.Span
		for j := range 500 {
			spans = append(spans, otSpan(1+i*50+j/10, 1+j%10, j%10, "operation", server, 0, 10))
		}
		f.spans(of(from("frontend", "f1"), spans...))
	}
	if f.Store.spans < 390_000 {
		t.Errorf("%d spans", f.Store.spans)
	}
	if used := heap() - before; used > 64<<20 {
		t.Errorf("%d spans take %d MiB", f.Store.spans, used>>20)
	} else {
		t.Logf("%d spans take %d MiB", f.Store.spans, used>>20)
	}
	runtime.KeepAlive(f)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Senders and readers at once; what was read is not changed by what comes after. Meant for the race detector.
func TestConcurrent(t *testing.T) {
	f := newFixture(t, Limits{Spans: 200, Points: 50, Requests: 100})
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range 100 {
				f.spans(request(1+worker*1000+i/2, float64(i), "")...)
				f.metrics(from("frontend", "f"+strconv.Itoa(worker)), histogram(cumulative, "GET /", ok, 0, float64(i+1), uint64(i), 0, 0))
			}
		})
	}
	for range 2 {
		wait.Go(func() {
			for range 50 {
				w := f.minute(home)
				sum := w.Network
				for _, s := range w.Services {
					sum += s.Critical * s.Self
				}
				if w.Traces > 0 && (sum-w.Duration > 1e-9 || w.Duration-sum > 1e-9) {
					t.Errorf("parts add up to %g of %g", sum, w.Duration)
				}
			}
		})
	}
	wait.Wait()
}

// BenchmarkWindow reads a minute of 6,000 traces of 10 spans, out of ten held.
func BenchmarkWindow(b *testing.B) {
	f := newFixture(b, Limits{})
	for i := range 400 {
		var spans []*tracepb.Span
		for j := range 1000 {
			spans = append(spans, otSpan(1+i*100+j/10, 1+j%10, j%10, "GET /", server, float64(i*150), float64(i*150+10)))
		}
		f.spans(of(from("frontend", "f1"), spans...))
	}
	b.ReportAllocs()
	for b.Loop() {
		if w := f.Window(home, 0.99, 0.1, start.Add(54*time.Second), start.Add(time.Minute)); w.Traces == 0 {
			b.Fatal("no traces")
		}
	}
}

// BenchmarkSpans takes in requests of 1,000 spans.
func BenchmarkSpans(b *testing.B) {
	f := newFixture(b, Limits{})
	var spans []*tracepb.Span
	for j := range 1000 {
		spans = append(spans, otSpan(1+j/10, 1+j%10, j%10, "GET /", server, 0, 10))
	}
	list := of(from("frontend", "f1"), spans...)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for j, s := range spans {
			s.TraceId = traceID(1 + i*100 + j/10)
		}
		f.spans(list)
	}
}

// Points are bounded by what they hold, not by their number alone: of ten that count in 3 buckets each, a limit of 10 keeps the last three.
func TestBoundedBuckets(t *testing.T) {
	f := newFixture(t, Limits{Buckets: 10})
	for i := range 10 {
		f.metrics(from("frontend", "f1"), histogram(delta, "GET /", ok, float64(1000*i), float64(1000*i+1000), 1, 1, 1))
	}
	if f.buckets != 9 || f.increments.len() != 3 || f.increments.first().from != int64(at(7000)) {
		t.Errorf("%d buckets in %d points from %d on, want 9 in 3", f.buckets, f.increments.len(), f.increments.first().from)
	}
	f.clock.SetTime(start.Add(time.Hour))
	f.Window(home, 0.5, 0.05, start, start.Add(time.Minute))
	if f.buckets != 0 || f.increments.len() != 0 {
		t.Errorf("an hour later there are %d buckets in %d points", f.buckets, f.increments.len())
	}
}

// The batch of 8,192 spans that the Collector makes by default, of spans as HTTP instrumentation makes them, is taken in one request.
func TestDefaultBatch(t *testing.T) {
	f := newFixture(t, Limits{})
	attributes := pairs("http.request.method", "GET", "http.route", "/search", "url.scheme", "http", "url.path", "/search",
		"url.query", "q=shoes&page=2", "server.address", "frontend.shop.svc.cluster.local", "server.port", "8080",
		"client.address", "10.20.30.40", "network.peer.address", "10.20.30.40", "network.peer.port", "43210",
		"user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
		"http.response.status_code", "200", "network.protocol.version", "1.1", "thread.name", "http-nio-8080-exec-7", "thread.id", "73")
	spans := make([]*tracepb.Span, 8192)
	for i := range spans {
		spans[i] = otSpan(1+i/10, 1+i%10, i%10, "GET /search", server, 0, 10)
		spans[i].Attributes = attributes
	}
	if n := f.spans(of(from("frontend", "f1"), spans...)); n != 0 || f.Store.spans != len(spans) {
		t.Errorf("%d spans rejected, %d held", n, f.Store.spans)
	}
}
