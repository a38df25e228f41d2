package queueing

import (
	"math"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// send makes one request of the first operation's first pattern now; loads would choose the time themselves.
func send(s *Simulation) {
	key := derive(s.cfg.Seed, s.operations[0].arrived)
	s.operations[0].arrived++
	s.issue(s.plan.roots[0][0].node, caller{parent: noVisit, root: true, key: key, trace: key, began: s.now, sampled: s.cfg.SpanRate > 0})
}

func seconds(x float64) servicegraph.Law { return servicegraph.Constant(x) }

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// front computes 1 s, calls a (2 s, network 0.25 s each way) and b (0.5 s of work, then 3 s of waiting) in parallel, starts c (10 s) without
// waiting for it, and computes 1 s: 1 + max(0.25+2+0.25, 0.5+3) + 1 = 5.5 s. c goes on until 1 + 10 = 11 s.
func TestStagesAndFanOut(t *testing.T) {
	t.Parallel()
	a := call("a", work(seconds(2)))
	a.Network = seconds(0.25)
	b := call("b", servicegraph.Stage{Work: seconds(0.5), Wait: seconds(3)})
	c := call("c", work(seconds(10)))
	c.Async = true
	root := call("front", work(seconds(1), a, b, c), work(seconds(1)))
	s := apart(t, root, 0, 1, servicegraph.Service{Name: "front"}, servicegraph.Service{Name: "a"}, servicegraph.Service{Name: "b"},
		servicegraph.Service{Name: "c"})
	s.cfg.SpanRate = 1
	send(s)
	mustAdvance(t, s, 20)
	o := s.Operations()[0]
	if o.Succeeded != 1 || o.InTime != 1 || o.InFlight() != 0 {
		t.Errorf("operation is %+v", o)
	}
	near(t, "response", o.Latency.Mean(), 5.5)
	spans, dropped := s.TakeSpans()
	if len(spans) != 4 || dropped != 0 {
		t.Fatalf("%d spans, %d dropped, want 4", len(spans), dropped)
	}
	root0 := spans[slices.IndexFunc(spans, func(s Span) bool { return s.Service == "front" })]
	for _, want := range []Span{
		{Service: "front", StartSeconds: 0, DurationSeconds: 5.5},
		{Service: "a", StartSeconds: 1.25, DurationSeconds: 2},
		{Service: "b", StartSeconds: 1, DurationSeconds: 3.5},
		{Service: "c", StartSeconds: 1, DurationSeconds: 10},
	} {
		got := spans[slices.IndexFunc(spans, func(s Span) bool { return s.Service == want.Service })]
		near(t, want.Service+" start", got.StartSeconds, want.StartSeconds)
		near(t, want.Service+" duration", got.DurationSeconds, want.DurationSeconds)
		if got.Trace != root0.Trace || got.Service != "front" && got.Parent != root0.ID || got.Service == "front" && got.Parent != 0 {
			t.Errorf("span %+v does not hang under %+v", got, root0)
		}
	}
}

// The client waits 0.5 s and tries three times a service that takes 1 s of one core: attempts at 0, 0.5 and 1 s, failure at 1.5 s. The callee,
// which does not know, works 3 s until 3 s.
func TestTimeoutAndRetry(t *testing.T) {
	t.Parallel()
	root := call("a", work(seconds(1)))
	root.TimeoutSeconds, root.Retries = 0.5, 2
	s := apart(t, root, 0, 1, servicegraph.Service{Name: "a"})
	s.cfg.SpanRate = 1
	send(s)
	mustAdvance(t, s, 1.4)
	if o := s.Operations()[0]; o.InFlight() != 1 {
		t.Errorf("at 1.4 s: %+v", o)
	}
	mustAdvance(t, s, 1.6)
	if o := s.Operations()[0]; o.Failed != 1 || o.InFlight() != 0 {
		t.Errorf("at 1.6 s: %+v", o)
	}
	mustAdvance(t, s, 10)
	a := s.Services()[0]
	if a.Calls != 3 || a.TimedOut != 3 || a.Retried != 2 || a.Served != 3 {
		t.Errorf("service is %+v", a)
	}
	p, _ := s.Pod(0)
	near(t, "CPU", p.CPUSeconds, 3)
	if spans, _ := s.TakeSpans(); len(spans) != 3 || spans[0].ID == spans[1].ID || spans[1].ID == spans[2].ID || spans[0].Trace != spans[2].Trace {
		t.Errorf("the attempts are not three calls of one trace: %+v", spans)
	}
	if p.Outstanding != 0 || len(s.unused) != len(s.visits) {
		t.Errorf("%d outstanding, %d of %d records unused", p.Outstanding, len(s.unused), len(s.visits))
	}
}

// A call that fails for good makes its caller fail, and the rest of the caller's calls void; an optional one does not.
func TestOptional(t *testing.T) {
	t.Parallel()
	for _, optional := range []bool{false, true} {
		slow := call("slow", work(seconds(5)))
		slow.TimeoutSeconds, slow.Retries, slow.Optional = 1, 1, optional
		root := call("front", work(seconds(0), slow, call("other", work(seconds(3)))), work(seconds(1)))
		s := apart(t, root, 0, 1, servicegraph.Service{Name: "front"}, servicegraph.Service{Name: "slow"}, servicegraph.Service{Name: "other"})
		send(s)
		mustAdvance(t, s, 30)
		o := s.Operations()[0]
		if optional { // two timeouts end at 2 s, the other call at 3 s, one more second of work
			near(t, "response", o.Latency.Mean(), 4)
		} else if o.Failed != 1 || s.Services()[0].Failed != 1 {
			t.Errorf("operation %+v", o)
		}
		if s.Services()[2].Served != 1 || len(s.unused) != len(s.visits) {
			t.Errorf("optional %v: the other call ended %d times", optional, s.Services()[2].Served)
		}
	}
}

// One at a time with room for two: of four requests at 0 s the last is refused at once, the others end at 1, 2 and 3 s in their order.
func TestQueue(t *testing.T) {
	t.Parallel()
	s := apart(t, call("a", work(seconds(1))), 0, 1, servicegraph.Service{Name: "a", Concurrency: 1, Queue: 2})
	for range 4 {
		send(s)
	}
	if o, a := s.Operations()[0], s.Services()[0]; o.Failed != 1 || a.Refused != 1 {
		t.Errorf("operation %+v, service %+v", o, a)
	}
	for i := range 3 {
		mustAdvance(t, s, float64(i)+1.001)
		if o := s.Operations()[0]; o.Succeeded != uint64(i)+1 { //nolint:gosec // small
			t.Errorf("at %v s %d have ended", s.Now(), o.Succeeded)
		}
	}
	latency := s.Operations()[0].Latency
	near(t, "mean", latency.Mean(), 2)
}

// A place is held while a call waits for its own calls: with one place the second request starts after the first has all its answers.
func TestPlaceIsHeld(t *testing.T) {
	t.Parallel()
	root := call("front", work(seconds(1), call("back", work(seconds(2)))))
	s := apart(t, root, 0, 1, servicegraph.Service{Name: "front", Concurrency: 1}, servicegraph.Service{Name: "back"})
	send(s)
	send(s)
	mustAdvance(t, s, 10)
	latency := s.Operations()[0].Latency
	near(t, "mean of 3 and 6 s", latency.Mean(), 4.5)
}

// Four requests over two pods: in turn two each. Least outstanding avoids the pod that is busy.
func TestBalance(t *testing.T) {
	t.Parallel()
	for _, balance := range []servicegraph.Balance{servicegraph.RoundRobin, servicegraph.LeastOutstanding} {
		s := single{cores: 4, rate: 1e-9, law: seconds(1), service: servicegraph.Service{Balance: balance}, pods: 2}.start(t)
		for range 4 {
			send(s)
		}
		for id := range PodID(2) {
			if p, _ := s.Pod(id); p.Outstanding != 2 {
				t.Errorf("balance %d: pod %d has %d calls, want 2", balance, id, p.Outstanding)
			}
		}
		third := mustAdd(t, s, PodSpec{Service: "s", Machine: "m", RequestCores: 1, Started: true})
		send(s)
		send(s)
		want := map[servicegraph.Balance]int{servicegraph.RoundRobin: 1, servicegraph.LeastOutstanding: 2}[balance]
		if p, _ := s.Pod(third); p.Outstanding != want {
			t.Errorf("balance %d: the new pod has %d calls, want %d", balance, p.Outstanding, want)
		}
	}
}

// A caller fails once, though both its calls do while its answer is on the way, and it makes no call after one has failed at once.
func TestFailsOnce(t *testing.T) {
	t.Parallel()
	slow, slower, missing := call("slow", work(seconds(9))), call("slow", work(seconds(9))), call("missing")
	slow.TimeoutSeconds, slower.TimeoutSeconds = 1, 1.5
	for _, calls := range [][]servicegraph.Call{{slow, slower}, {missing, slow}} {
		root := call("front", work(seconds(0), calls...))
		root.Network = seconds(1)
		s := apart(t, root, 0, 1, servicegraph.Service{Name: "front"}, servicegraph.Service{Name: "slow"}, servicegraph.Service{Name: "missing"})
		if err := s.Remove(2, 0); err != nil {
			t.Fatal(err)
		}
		send(s)
		mustAdvance(t, s, 40)
		made := uint64(2)
		if calls[0].Service == "missing" {
			made = 0
		}
		front, _ := s.Pod(0)
		if svc := s.Services(); svc[0].Failed != 1 || svc[1].Calls != made || front.Serving != 0 || s.Operations()[0].Failed != 1 {
			t.Errorf("%s: services %+v, %d serving", calls[0].Service, svc, front.Serving)
		}
	}
}

// Patterns are taken by share: of 20,000 requests three quarters go to a; the standard error is 0.3 %.
func TestShares(t *testing.T) {
	t.Parallel()
	s := apart(t, call("a"), 100, 1, servicegraph.Service{Name: "a"}, servicegraph.Service{Name: "b"})
	cfg := s.cfg
	cfg.Application.Operations[0].Patterns = []servicegraph.Pattern{{Share: 6, Root: call("a")}, {Share: 2, Root: call("b")}}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, s, PodSpec{Service: "a", Machine: "a", Started: true})
	mustAdd(t, s, PodSpec{Service: "b", Machine: "b", Started: true})
	mustAdvance(t, s, 200)
	svc := s.Services()
	if share := float64(svc[0].Served) / float64(svc[0].Served+svc[1].Served); math.Abs(share-0.75) > 0.012 || svc[0].Served < 14_000 {
		t.Errorf("a share of %v of %d requests takes the first pattern, want 0.75", share, svc[0].Served+svc[1].Served)
	}
}
