package learn_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/application/learn"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

const ms = 1_000_000 // nanoseconds

// trace is spans with running numbers; parent counts from 1, 0 is none.
type trace []callgraph.Span

func (t *trace) add(parent, service int, operation string, kind callgraph.Kind, start, end int64) int {
	s := callgraph.Span{Service: service, Operation: operation, Kind: kind, Start: start, End: end}
	binary.BigEndian.PutUint64(s.ID[:], uint64(len(*t)+1))
	binary.BigEndian.PutUint64(s.Parent[:], uint64(parent))
	*t = append(*t, s)
	return len(*t)
}

// TestOneRequest computes the times of a request by hand.
func TestOneRequest(t *testing.T) {
	t.Parallel()
	var tr trace
	// web 0 to 100 ms calls db 10 to 40, of which db has 12 to 38 itself, cache 30 to 60 at the same time, then 70 to 90 something
	// without spans. A call of db takes 30 ms with the way there, cache 30 and the last 20 ms. cache hides db, so that web has
	// 100 − 20 − 30 = 50 ms, and 50 + max(30, 30) + 20 is the whole.
	web := tr.add(0, 0, "GET /", callgraph.Server, 0, 100*ms)
	client := tr.add(web, 0, "call db", callgraph.Client, 10*ms, 40*ms)
	tr.add(client, 1, "get", callgraph.Server, 12*ms, 38*ms)
	tr.add(web, 2, "get", callgraph.Server, 30*ms, 60*ms)
	tr.add(web, 0, "bank.pay", callgraph.Client, 70*ms, 90*ms)
	l := learn.New([]string{"web", "db", "cache"}, 60, 0.5)
	l.Add(tr)
	d, checks, err := l.Document(func(int) {})
	if err != nil || len(checks) != 0 {
		t.Fatal(err, checks)
	}
	m, err := application.New(d)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		kind string
		mean float64
	}{"web": {application.Prior, 0.05}, "db": {application.Prior, 0.03}, "cache": {application.Prior, 0.03}, "bank.pay (no spans)": {application.External, 0.02}} {
		i, ok := m.Service(name)
		if !ok {
			t.Fatalf("no service %q in %+v", name, d.Services)
		}
		s := &d.Services[i]
		// One call in 0.1 s, of which half of the requests have spans.
		if got := s.Mean(application.State{}); s.Kind != want.kind || math.Abs(got-want.mean) > 1e-9 || math.Abs(s.Rate-20) > 1e-6 {
			t.Errorf("%s: kind %s, mean %v, rate %v, want %+v and 20", name, s.Kind, got, s.Rate, want)
		}
	}
	want := application.Part{Series: []application.Part{
		{Service: "web", Operation: "GET /", Calls: 1},
		{Parallel: []application.Part{{Service: "db", Operation: "get", Calls: 1}, {Service: "cache", Operation: "get", Calls: 1}}},
		{Service: "bank.pay (no spans)", Calls: 1},
	}}
	// One request of a pattern, none of the pool: (1 + 1/2)/(1 + 2/2).
	e := d.Entries[0]
	if diff := cmp.Diff(want, e.Patterns[0].Part); diff != "" || len(e.Patterns) != 2 || e.Patterns[0].Share != 0.75 || e.Rate != 20 {
		t.Errorf("entry %+v: %s", e, diff)
	}
	// The pool is empty, and has what all requests have on the critical path: not db.
	pool := application.Part{Series: []application.Part{
		{Service: "bank.pay (no spans)", Calls: 1}, {Service: "cache", Operation: "get", Calls: 1}, {Service: "web", Operation: "GET /", Calls: 1},
	}}
	if diff := cmp.Diff(pool, e.Patterns[1].Part); diff != "" {
		t.Error(diff)
	}
}

// TestCounts: a loop of three calls in seven of ten requests, of four in the others, is one pattern with 3.3 calls.
func TestCounts(t *testing.T) {
	t.Parallel()
	l := learn.New([]string{"web", "db"}, 60, 1)
	for i := range int64(100) {
		var tr trace
		web := tr.add(0, 0, "GET /", callgraph.Server, i*1000*ms, i*1000*ms+100*ms)
		n := int64(3)
		if i%10 < 3 {
			n = 4
		}
		for k := range n {
			tr.add(web, 1, "get", callgraph.Server, i*1000*ms+k*20*ms, i*1000*ms+k*20*ms+10*ms)
		}
		l.Add(tr)
	}
	d, err := l.Fit(l.Windows())
	if err != nil {
		t.Fatal(err)
	}
	want := []application.Part{{Service: "web", Operation: "GET /", Calls: 1}, {Service: "db", Operation: "get", Calls: 3.3}}
	got := d.Entries[0].Patterns[0].Part.Series
	if len(got) != 2 || math.Abs(got[1].Calls-3.3) > 1e-9 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestParallelLoop: twice one after the other three calls at the same time, each with a call below.
func TestParallelLoop(t *testing.T) {
	t.Parallel()
	l := learn.New([]string{"web", "db", "disk"}, 60, 1)
	for i := range int64(10) {
		begin := i * 1000 * ms
		var tr trace
		web := tr.add(0, 0, "GET /", callgraph.Server, begin, begin+100*ms)
		for k := range int64(6) {
			start := begin + k/3*50*ms
			db := tr.add(web, 1, "get", callgraph.Server, start, start+40*ms)
			tr.add(db, 2, "read", callgraph.Server, start+10*ms, start+30*ms)
		}
		l.Add(tr)
	}
	d, err := l.Fit(l.Windows())
	if err != nil {
		t.Fatal(err)
	}
	branch := application.Part{Series: []application.Part{
		{Service: "db", Operation: "get", Calls: 1}, {Service: "disk", Operation: "read", Calls: 1},
	}}
	block := application.Part{Parallel: []application.Part{branch, branch, branch}}
	want := application.Part{Series: []application.Part{{Service: "web", Operation: "GET /", Calls: 1}, block, block}}
	if diff := cmp.Diff(want, d.Entries[0].Patterns[0].Part, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
		t.Error(diff)
	}
	if _, err := application.New(d); err != nil {
		t.Error(err)
	}
}

// world is web, which calls db with half the work, both with one pod of half a core and exponential times.
type world struct {
	learner *learn.Learner
	r       *rand.Rand
}

const webWork, cores = 0.02, 0.5

func newWorld() *world {
	return &world{learn.New([]string{"web", "db"}, 60, 1), rand.New(rand.NewPCG(7, 8))}
}

// minute plays a minute of load requests per second, of which web can obtain so many cores: M/G/1 processor sharing. web waits 5 ms for a
// disk in each.
func (w *world) minute(minute int, load, obtained float64) {
	begin := int64(minute) * 60_000 * ms
	n := int(60 * load)
	for i := range n {
		start := begin + int64(i)*60_000*ms/int64(n)
		own := 0.005 + w.r.ExpFloat64()*webWork/(obtained-load*webWork)
		db := w.r.ExpFloat64() * webWork / 2 / (cores - load*webWork/2)
		half, whole := int64(own/2*1e9), int64((own+db)*1e9)
		var tr trace
		web := tr.add(0, 0, "GET /", callgraph.Server, start, start+whole)
		tr.add(web, 1, "get", callgraph.Server, start+half, start+half+int64(db*1e9))
		w.learner.Add(tr)
	}
	middle := float64(minute)*60 + 30
	foreign := cores - obtained
	w.learner.Observe(learn.Usage{Service: "web", Time: middle, Pods: 1, Used: load*webWork + foreign, Cores: cores})
	w.learner.Observe(learn.Usage{Service: "db", Time: middle, Pods: 1, Used: load * webWork / 2, Cores: cores})
}

// TestLaws fits laws to windows of known ones.
func TestLaws(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range 24 {
		w.minute(i, []float64{4, 8, 12, 16, 18, 20}[i%6], cores)
	}
	w.minute(24, 10, 0.3) // two fifths of web's CPU are somebody else's
	d, checks, err := w.learner.Document(func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	m, err := application.New(d)
	if err != nil {
		t.Fatal(err)
	}
	i, _ := m.Service("web")
	s := &d.Services[i]
	if s.Kind != application.Measured || math.Abs(s.Law.Work/webWork-1) > 0.02 || s.Pods != 1 || s.Cores != cores {
		t.Errorf("web is %+v, want measured with work %v", s, webWork)
	}
	for _, at := range []application.State{{Load: 14, Cores: cores}, {Load: 5, Cores: 0.2}, {Load: 30, Cores: 1}} {
		want := 0.005 + webWork/(at.Cores-at.Load*webWork)
		if got := s.Mean(at); math.Abs(got/want-1) > 0.1 {
			t.Errorf("web at %+v: %v s, want %v", at, got, want)
		}
	}
	if math.Abs(s.Shape-1) > 0.15 {
		t.Errorf("shape %v of exponential times", s.Shape)
	}
	checkTail(t, &d.Entries[0], checks)
	if got := w.learner.States(m, 24)[i]; math.Abs(got.Load-10) > 0.3 || math.Abs(got.Cores-0.3) > 0.01 {
		t.Errorf("web worked under %+v, want 10 calls/s and 0.3 cores", got)
	}
	// The mean that was seen is the one that Seen makes of the law.
	seen := w.learner.Seen(m, 24)[i]
	if got, want := s.Mean(seen), 0.005+webWork/(0.3-10*webWork); math.Abs(got/want-1) > 0.15 {
		t.Errorf("web as seen takes %v s, want %v", got, want)
	}
	if again, _, err := w.learner.Document(func(int) {}); err != nil || again.Version != d.Version {
		t.Errorf("the same data gave version %s, then %s, %v", d.Version, again.Version, err)
	}
}

// checkTail looks at how the windows of TestLaws were predicted.
func checkTail(t *testing.T, e *application.Entry, checks []learn.Check) {
	t.Helper()
	if math.Abs(e.Tail-1) > 0.05 || e.TailWindows != 25 || e.TailSpread > 0.15 || e.TailLow >= e.Tail || e.TailHigh <= e.Tail {
		t.Errorf("tail %v ± %v, %v to %v of %d windows: independent times as the laws say give 1", e.Tail, e.TailSpread, e.TailLow, e.TailHigh, e.TailWindows)
	}
	for _, c := range checks {
		if ratio := c.Predicted[0] / c.Observed[0]; c.Window == 24 && math.Abs(ratio-1) > 0.25 {
			t.Errorf("the minute with less CPU: predicted %v, observed %v", c.Predicted[0], c.Observed[0])
		}
	}
}

// TestSteady: with load and CPU always the same, the law says that it does not know what they do.
func TestSteady(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for i := range 6 {
		w.minute(i, 10, cores)
	}
	d, _, err := w.learner.Document(func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Services {
		if s.Kind != application.Steady {
			t.Errorf("%s is %s, want steady", s.Name, s.Kind)
		}
	}
	if d.Entries[0].TailWindows != 6 {
		t.Errorf("%d windows were predicted, want 6", d.Entries[0].TailWindows)
	}
}

func TestNothing(t *testing.T) {
	t.Parallel()
	if _, _, err := learn.New([]string{"web"}, 60, 1).Document(func(int) {}); err == nil {
		t.Error("an application of no requests")
	}
}
