package canary

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/search"
)

// legal says what is wrong with shares, by the meaning of the limits: nobody below the machine's least or above its most, and together no
// more than what the spec gives and batch gave up.
func legal(t *testing.T, in *Input, d Decision) {
	t.Helper()
	if d.Setting == nil {
		return
	}
	var sum, most Shares
	for _, p := range in.Partitions {
		x, ok := d.Setting[p.Name]
		if !ok {
			t.Fatalf("nothing for %s: %v", p.Name, d.Setting)
		}
		for name, v := range map[string][2]int{"ways": {x.Ways, p.Given.Ways}, "bandwidth": {x.Bandwidth, p.Given.Bandwidth}} {
			limit := map[string]*Range{"ways": in.Limits.Ways, "bandwidth": in.Limits.Bandwidth}[name]
			if limit != nil && v[0] != 0 && (v[0] < limit.Min || v[0] > limit.Max) || (limit == nil || v[1] == 0) && v[0] != 0 {
				t.Fatalf("%s has %d of %s, limits %+v", p.Name, v[0], name, limit)
			}
		}
		sum.Ways, sum.Bandwidth = sum.Ways+x.Ways, sum.Bandwidth+x.Bandwidth
		most.Ways, most.Bandwidth = most.Ways+p.Given.Ways, most.Bandwidth+p.Given.Bandwidth
	}
	most.Ways += max(0, in.Batch.Given.Ways-in.Batch.Has.Ways)
	most.Bandwidth += max(0, in.Batch.Given.Bandwidth-in.Batch.Has.Bandwidth)
	if sum.Ways > most.Ways || sum.Bandwidth > most.Bandwidth {
		t.Fatalf("%+v together, there are %+v: %v", sum, most, d.Setting)
	}
}

// TestFinds: on 50 machines where what the spec gives and the equal split miss a set-point, and some division meets all, one that truly does
// is in force after at most 30 trials on at least 45; with 5 % of noise instead of 2 % on at least 42.
func TestFinds(t *testing.T) {
	for _, c := range []struct {
		noise float64
		want  int
	}{{0.02, 45}, {0.05, 42}} {
		found, drawn, trials, all, longest := 0, 0, 0, time.Duration(0), time.Duration(0)
		for seed := uint64(0); drawn < 50; seed++ {
			n := newNode(rand.New(rand.NewPCG(seed, 1)))
			n.noise = c.noise
			p, _ := newPool(n.input())
			equal := p.shares(p.equal())
			if !n.misses(func(i int) Shares { return n.given[i] }) || !n.misses(func(i int) Shares { return equal[i] }) {
				continue
			}
			drawn++
			if n.most() < 0.04 {
				t.Fatalf("seed %d: the best division leaves %.2f", seed, n.most())
			}
			most, took, d := n.search(t, New(seed))
			if most > mostTrials {
				t.Fatalf("seed %d: %d trials", seed, most)
			}
			trials, all, longest = trials+most, all+took, max(longest, took)
			if !n.misses(n.has) {
				found++
			} else {
				t.Logf("seed %d: %d services: %s; %s", seed, len(n.services), d.Words, d.Infeasible)
			}
		}
		t.Logf("noise %g: %d of %d found, %.1f trials and %s in the mean, the longest search took %s", c.noise, found, drawn,
			float64(trials)/float64(drawn), all/time.Duration(drawn), longest)
		if found < c.want {
			t.Errorf("noise %g: %d of %d found, want %d", c.noise, found, drawn, c.want)
		}
	}
}

// TestReportsInfeasible: on 50 machines where by brute force no division leaves all services a slack above -0.03, the search says so on at
// least 48, and what is in force at the end truly scores no less than the start, but for noise.
func TestReportsInfeasible(t *testing.T) {
	said, drawn, trials := 0, 0, 0
	for seed := uint64(0); drawn < 50; seed++ {
		n := newNode(rand.New(rand.NewPCG(seed, 2)))
		for i := range n.services {
			n.services[i].target *= 0.85
		}
		if n.most() > -0.03 {
			continue
		}
		drawn++
		before := n.score(func(i int) Shares { return n.given[i] })
		most, _, d := n.search(t, New(seed))
		trials += most
		if strings.HasPrefix(d.Infeasible, "infeasible mix: a") {
			said++
		} else {
			t.Logf("seed %d: %s", seed, d.Words)
		}
		if after := n.score(n.has); after < before-0.01 {
			t.Errorf("seed %d: the score was %.2f, and is %.2f: %s", seed, before, after, d.Words)
		}
	}
	t.Logf("%d of %d are reported, %.1f trials in the mean", said, drawn, float64(trials)/float64(drawn))
	if said < 48 {
		t.Errorf("%d of %d are reported", said, drawn)
	}
}

// score is that of shares, without noise.
func (n *node) score(shares func(i int) Shares) float64 {
	var jobs []search.Job
	var slacks []float64
	for i := range n.services {
		jobs, slacks = append(jobs, search.Job{Latency: true}), append(slacks, n.services[i].slack(shares(i)))
	}
	return search.Score(jobs, performance(slacks))
}

// search runs until the first search is over, and says how many trials and how much time it took; 0: there was none in 300 s.
func (n *node) search(t *testing.T, m *Machine) (trials int, took time.Duration, d Decision) {
	t.Helper()
	var began time.Duration
	d = n.run(m, 300, func(in *Input, d Decision) bool {
		legal(t, in, d)
		if d.Running && began == 0 {
			began = in.Now
		}
		if d.Running {
			trials = m.run.trials
		}
		took = in.Now - began
		return began > 0 && !d.Running
	})
	return trials, took, d
}

// steps is a service whose slack depends on its ways alone: from so many on it is good, below bad.
type steps struct {
	from      int
	good, bad float64
}

// hand is a machine of 11 ways for two partitions that have 4 and 4 by the spec, and batch, which has 3 and is left 2 of them: 9 ways are
// divided. Readings come every other second and show what has been in force for the 2 s before.
type hand struct {
	now    time.Duration
	a, b   steps
	in     Input
	inside map[string]Shares // what is in force
	blind  string            // the partition that is not read
}

func newHand(a, b steps) *hand {
	return &hand{a: a, b: b, in: Input{
		Allowed: true, Spec: "1", Limits: Limits{Ways: &Range{Min: 1, Step: 1, Max: 11}},
		Batch:      Batch{Given: Shares{Ways: 3}, Has: Shares{Ways: 2}, AtMinimum: true},
		Partitions: []Partition{{Name: "a", Services: 1, Given: Shares{Ways: 4}}, {Name: "b", Services: 2, Given: Shares{Ways: 4}}},
	}}
}

func (h *hand) seconds(t *testing.T, m *Machine, n int) Decision {
	t.Helper()
	var d Decision
	for range n {
		h.now += time.Second
		h.in.Now = h.now
		for i, s := range []steps{h.a, h.b} {
			if i >= len(h.in.Partitions) {
				break
			}
			p := &h.in.Partitions[i]
			x := p.Given
			if given, is := h.inside[p.Name]; is {
				x = given
			}
			p.Slack = nil
			if h.now%(2*time.Second) == 0 && p.Name != h.blind {
				p.Slack = new(s.bad)
				if x.Ways >= s.from {
					p.Slack = new(s.good)
				}
			}
		}
		before := h.inside
		d = m.Step(h.in)
		h.inside = d.Setting
		if d.Changed == reflect.DeepEqual(before, d.Setting) {
			t.Fatalf("changed: %v, from %v to %v", d.Changed, before, d.Setting)
		}
		legal(t, &h.in, d)
	}
	return d
}

// a needs 6 of the 9 ways and b 3: neither what the spec gives (4 and 4) nor the equal split (5 and 4) will do. The first second
// is 1 s, so that 30 s are over at 31 s: the equal split. Its first reading after 2 + 2 s is that of 36 s: then nearly all to a (8 and 1),
// for 4 s. There b, at -0.6, gets a backlog, so that nearly all to b (1 and 8) is in force for 8 s, until 48 s.
func TestByHand(t *testing.T) {
	h, m := newHand(steps{6, 0.3, -0.2}, steps{3, 0.3, -0.6}), New(1)
	at := func(second int) Decision { return h.seconds(t, m, second-int(h.now/time.Second)) }
	if d := at(30); d.Running || d.Setting != nil || d.Words != "" {
		t.Fatalf("after 30 s: %+v", d)
	}
	var d Decision
	for _, c := range []struct{ second, a, b int }{{31, 5, 4}, {35, 5, 4}, {36, 8, 1}, {39, 8, 1}, {40, 1, 8}, {47, 1, 8}} {
		if d = at(c.second); !d.Running || d.Setting["a"].Ways != c.a || d.Setting["b"].Ways != c.b {
			t.Fatalf("%+v: %+v", c, d)
		}
	}
	if !strings.HasPrefix(d.Words, "trial 3 of at most 30: a 1 ways, b 8 ways; best so far: a 5 ways, 20 % over; b 4 ways, 30 % below") {
		t.Errorf("words %q", d.Words)
	}
	d = at(120)
	if d.Running || d.Setting["a"].Ways != 6 || d.Setting["b"].Ways != 3 || d.Infeasible != "" || !strings.Contains(d.Words, "kept: a 6 ways, 30 % below; b 3 ways, 30 % below; before: a 4 ways, 20 % over; b 4 ways") {
		t.Errorf("outcome %+v", d)
	}
	// Batch grows again, to what the spec gives it: a has most above its 4.
	h.in.Batch.Has, h.in.Batch.AtMinimum = Shares{Ways: 3}, false
	if d := at(121); d.Setting["a"].Ways != 5 || d.Setting["b"].Ways != 3 {
		t.Errorf("batch has its ways again: %+v", d.Setting)
	}
	h.in.Batch.Has, h.in.Batch.AtMinimum = Shares{Ways: 2}, true
	if d := at(122); d.Setting["a"].Ways != 6 || d.Setting["b"].Ways != 3 {
		t.Errorf("batch gave them up again: %+v", d.Setting)
	}
}

// The equal split is enough where it leaves 0.05: it is tried twice, and nothing else.
func TestEqualSplitWillDo(t *testing.T) {
	h, m := newHand(steps{5, 0.06, -0.2}, steps{3, 0.3, -0.6}), New(1)
	d := h.seconds(t, m, 40)
	if d.Running || d.Setting["a"].Ways != 5 || d.Setting["b"].Ways != 4 || !strings.HasPrefix(d.Words, "after 2 trials kept") {
		t.Errorf("%+v", d)
	}
}

// Nothing is tried where one of the conditions is missing, for five minutes.
func TestDoesNotStart(t *testing.T) {
	for name, c := range map[string]struct {
		change func(h *hand)
		words  string
	}{
		"not allowed":             {func(h *hand) { h.in.Allowed = false }, ""},
		"one partition":           {func(h *hand) { h.in.Partitions = h.in.Partitions[:1] }, "fewer than two partitions"},
		"batch above its minimum": {func(h *hand) { h.in.Batch.AtMinimum = false }, ""},
		"met":                     {func(h *hand) { h.a.bad = 0.01 }, ""},
		"not read":                {func(h *hand) { h.blind = "b" }, ""},
		"no ways given":           {func(h *hand) { h.in.Partitions[1].Given.Ways = 0 }, "neither ways nor limits"},
		"no cache":                {func(h *hand) { h.in.Limits.Ways = nil }, "neither ways nor limits"},
		"one division": {func(h *hand) {
			h.in.Partitions[0].Given.Ways, h.in.Partitions[1].Given.Ways = 1, 1
			h.in.Batch.Given.Ways = 2
		}, "neither ways"},
		"the spec is not in force": {func(h *hand) { h.in.Refused = "busy" }, ""},
		"nonsense":                 {func(h *hand) { h.a.bad = math.NaN() }, ""},
	} {
		h, m := newHand(steps{6, 0.3, -0.2}, steps{3, 0.3, -0.6}), New(1)
		c.change(h)
		d := h.seconds(t, m, 300)
		if m.runs != 0 || d.Setting != nil || c.words == "" != (d.Words == "") || !strings.Contains(d.Words, c.words) {
			t.Errorf("%s: %+v", name, d)
		}
	}
	h, m := newHand(steps{6, 0.3, -0.2}, steps{3, 0.3, -0.6}), New(1)
	for range 20 { // missed by 0.2 for 12 s, and met by 0.3 for as long: in the mean of 30 s it is met
		h.a.from = 6
		h.seconds(t, m, 12)
		h.a.from = 1
		if d := h.seconds(t, m, 12); d.Running {
			t.Fatalf("the set-point was met in between: %+v", d)
		}
	}
}

// Each of two services needs 6 of 9 ways: with nearly all (8) both would do, together they do not. The start is back, and the sentence names
// both and the trials; the next search waits for ten minutes, or a load that is a fifth higher.
func TestInfeasibleMix(t *testing.T) {
	h, m := newHand(steps{6, 0.1, -0.3}, steps{6, 0.1, -0.3}), New(3)
	h.in.Partitions[0].Load = new(1.0)
	d := h.seconds(t, m, 34)
	for d.Running {
		d = h.seconds(t, m, 1)
	}
	ended := h.now
	if d.Setting != nil && !strings.Contains(d.Words, "kept") || !strings.HasPrefix(d.Infeasible, "infeasible mix: a and b with batch at its minimum do not all meet") ||
		!strings.Contains(d.Infeasible, "trials") {
		t.Fatalf("%+v", d)
	}
	for h.now-ended < 10*time.Minute-time.Second {
		if d = h.seconds(t, m, 1); d.Running || d.Infeasible == "" {
			t.Fatalf("%s after the end: %+v", h.now-ended, d)
		}
	}
	if d = h.seconds(t, m, 3); !d.Running {
		t.Errorf("no search after ten minutes: %+v", d)
	}
	for d.Running {
		d = h.seconds(t, m, 1)
	}
	if d = h.seconds(t, m, 700); d.Running {
		t.Error("the third search does not wait for twenty minutes")
	}
	h.in.Partitions[0].Load = new(1.5)
	if d = h.seconds(t, m, 20); !d.Running {
		t.Error("another load does not begin a search")
	}
}

// A service that misses its set-point with 8 of 9 ways makes the mix infeasible at once: the equal split, and twice nearly all to a. Then the best is
// tried again.
func TestSeedFails(t *testing.T) {
	h, m := newHand(steps{9, 0.3, -0.2}, steps{3, 0.3, -0.1}), New(1)
	d := h.seconds(t, m, 36+3*4)
	if d.Running || d.Setting != nil || !strings.Contains(d.Infeasible, "after 4 trials: one misses its own even with nearly all: a 8 ways, 20 % over; b 1 ways, 10 % over") {
		t.Errorf("%+v", d)
	}
	// All met for half a minute: the sentence is withdrawn.
	h.a.from, h.b.from = 1, 1
	if d = h.seconds(t, m, 20); d.Infeasible == "" {
		t.Error("withdrawn after 20 s")
	}
	if d = h.seconds(t, m, 20); d.Infeasible != "" {
		t.Errorf("still %q", d.Infeasible)
	}
}

// Whatever ends a search before its time, what was before is in force again in the same second, and after what was kept, that.
func TestAborts(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(h *hand)
		seconds int
		words   string
		spec    bool // what was kept goes too
	}{
		"blind":         {func(h *hand) { h.blind = "b" }, 7, "there is no reading of b", false},
		"a pod came":    {func(h *hand) { h.in.Partitions[0].Services++ }, 1, "services came or went", false},
		"a pod left":    {func(h *hand) { h.in.Partitions = h.in.Partitions[:1] }, 1, "services came or went", false},
		"refused":       {func(h *hand) { h.in.Refused = "no run of ways" }, 2, "cannot be put in force: no run of ways", false},
		"batch":         {func(h *hand) { h.in.Batch.AtMinimum = false }, 1, "batch is no longer at its minimum", false},
		"spec":          {func(h *hand) { h.in.Spec = "2" }, 1, "the spec or the machine changed", true},
		"not allowed":   {func(h *hand) { h.in.Allowed = false }, 1, "no longer allowed", true},
		"another clock": {func(h *hand) { h.now -= time.Hour }, 1, "the clock went back", false},
	} {
		for _, kept := range []bool{false, true} {
			h, m := newHand(steps{6, 0.3, -0.2}, steps{3, 0.3, -0.3}), New(1)
			var want map[string]Shares
			if kept {
				want = h.seconds(t, m, 120).Setting
				if want == nil {
					t.Fatal("nothing was kept")
				}
				h.a.from = 7 // load has changed, and nothing that was found will do
				m.ended = nil
			}
			if c.spec {
				want = nil
			}
			d := h.seconds(t, m, 1)
			for i := 0; !d.Running && i < 60; i++ {
				d = h.seconds(t, m, 1)
			}
			if d = h.seconds(t, m, 5); !d.Running {
				t.Fatalf("%s: %+v", name, d)
			}
			c.change(h)
			if d = h.step(t, m, c.seconds); d.Running || !sameSetting(d.Setting, want) || !strings.Contains(d.Words, c.words) {
				t.Errorf("%s, kept %v: %+v, want %v", name, kept, d, want)
			}
		}
	}
}

// step is seconds without the check of sums, which are those of the partitions that are there.
func (h *hand) step(t *testing.T, m *Machine, n int) (d Decision) {
	t.Helper()
	for range n {
		h.now += time.Second
		h.in.Now = h.now
		for i := range h.in.Partitions {
			p := &h.in.Partitions[i]
			if p.Slack = nil; h.now%(2*time.Second) == 0 && p.Name != h.blind {
				p.Slack = new(-0.2)
			}
		}
		d = m.Step(h.in)
		h.inside = d.Setting
	}
	return d
}

// searches counts those that begin within so many seconds, and the seconds of trials.
func (h *hand) searches(t *testing.T, m *Machine, n int, each func(second int)) (begun, trials int) {
	t.Helper()
	running := false
	for i := range n {
		each(i)
		d := h.step(t, m, 1)
		if d.Running && !running {
			begun++
		}
		if running = d.Running; running {
			trials++
		}
	}
	return begun, trials
}

// A mix that changes each minute does not begin a search each minute: they wait for 10 minutes, and, as they find nothing, for 10, 20 and 40 more.
func TestChurn(t *testing.T) {
	h, m := newHand(steps{6, 0.3, -0.2}, steps{3, 0.3, -0.3}), New(1)
	h.in.Partitions[1].Load = new(1.0)
	begun, trials := h.searches(t, m, 3600, func(second int) {
		if second%60 == 59 { // as does the load
			h.in.Partitions[1].Services = 5 - h.in.Partitions[1].Services
			h.in.Partitions[1].Load = new(float64(h.in.Partitions[1].Services))
		}
	})
	if begun < 2 || begun > 3 || trials > 60 {
		t.Errorf("%d searches in an hour, %d s of trials", begun, trials)
	}
}

// Whatever changes, no more than six searches begin within an hour: a load that is another one all the time, and a spec that is.
func TestSixAnHour(t *testing.T) {
	for name, change := range map[string]func(h *hand, second int){
		"load": func(h *hand, second int) { h.in.Partitions[0].Load = new(1 + float64(second/90%2)) },
		"spec": func(h *hand, second int) { h.in.Spec = fmt.Sprint(second / 60) },
	} {
		h, m := newHand(steps{6, 0.3, -0.2}, steps{3, 0.3, -0.3}), New(1)
		begun, _ := h.searches(t, m, 3600, func(second int) { change(h, second) })
		if begun != 6 {
			t.Errorf("%s: %d searches in the first hour", name, begun)
		}
		if begun, _ = h.searches(t, m, 3600, func(second int) { change(h, second) }); begun < 5 || begun > 6 {
			t.Errorf("%s: %d searches in the second hour", name, begun)
		}
	}
}

// What was kept outlives services that are away for a moment, but not for ten seconds.
func TestMomentAway(t *testing.T) {
	h, m := newHand(steps{6, 0.3, -0.2}, steps{3, 0.3, -0.3}), New(1)
	kept := h.seconds(t, m, 120).Setting
	all := h.in.Partitions
	h.in.Partitions = all[:1]
	if d := h.step(t, m, 9); kept == nil || !sameSetting(d.Setting, kept) {
		t.Errorf("after 9 s: %+v", d.Setting)
	}
	h.in.Partitions = all
	h.step(t, m, 2)
	h.in.Partitions = all[:1]
	if d := h.step(t, m, 10); !sameSetting(d.Setting, kept) {
		t.Errorf("after 9 s again: %+v", d.Setting)
	}
	if d := h.step(t, m, 1); d.Setting != nil || !d.Changed {
		t.Errorf("after 10 s: %+v", d.Setting)
	}
}

// What was kept and cannot be put in force for ten seconds is given up, since it keeps other plans from being carried out.
func TestKeptIsRefused(t *testing.T) {
	h, m := newHand(steps{6, 0.3, -0.2}, steps{3, 0.3, -0.3}), New(1)
	kept := h.seconds(t, m, 120).Setting
	h.in.Refused = "no class is left"
	if d := h.seconds(t, m, 10); kept == nil || !sameSetting(d.Setting, kept) {
		t.Errorf("after 9 s: %+v", d)
	}
	if d := h.seconds(t, m, 1); d.Setting != nil || !strings.Contains(d.Words, "no class is left") {
		t.Errorf("after 10 s: %+v", d)
	}
}

// Whatever comes, shares are legal, and the machine does not panic: random specs, machines, readings, holes, batch and changes.
func TestAlwaysLegal(t *testing.T) {
	running := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 9))
		m := New(seed)
		in := randomInput(r)
		for range 600 {
			now := in.Now + time.Duration(500+r.IntN(1000))*time.Millisecond
			if r.IntN(400) == 0 {
				in = randomInput(r)
			}
			if in.Now = now; r.IntN(1000) == 0 {
				in.Now = 0
			}
			if in.Batch.AtMinimum = r.IntN(300) > 0; !in.Batch.AtMinimum {
				in.Batch.Has.Ways, in.Batch.Has.Bandwidth = r.IntN(in.Batch.Given.Ways+2), r.IntN(in.Batch.Given.Bandwidth+2)
			}
			for i := range in.Partitions {
				p := &in.Partitions[i]
				switch p.Slack = nil; r.IntN(40) {
				case 0:
					p.Slack = new([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300}[r.IntN(5)])
				default:
					p.Slack = new(-0.3 + 0.4*r.NormFloat64())
				}
			}
			d := m.Step(in)
			if d.Running {
				running++
			}
			if len(d.Setting) == len(in.Partitions) || d.Setting == nil {
				legal(t, &in, d)
			}
		}
	}
	if running < 8000 {
		t.Errorf("only %d seconds of trials: the property says little", running)
	}
}

func randomInput(r *rand.Rand) Input {
	in := Input{Allowed: r.IntN(20) > 0, Spec: fmt.Sprint(r.IntN(1000)), Batch: Batch{AtMinimum: true}, Limits: Limits{UnitMBps: float64(125 * r.IntN(2))}}
	if r.IntN(5) > 0 {
		in.Limits.Ways = &Range{Min: 1 + r.IntN(2), Step: 1, Max: 8 + r.IntN(13)}
		in.Batch.Given.Ways = r.IntN(8)
		in.Batch.Has.Ways = min(2, in.Batch.Given.Ways)
	}
	if r.IntN(2) == 0 {
		step := 1 + r.IntN(10)
		in.Limits.Bandwidth = &Range{Min: 1 + r.IntN(2*step), Step: step, Max: 100 + r.IntN(2000)}
		in.Batch.Given.Bandwidth = r.IntN(100)
		in.Batch.Has.Bandwidth = in.Batch.Given.Bandwidth / 2
	}
	for i := range 1 + r.IntN(5) {
		in.Partitions = append(in.Partitions, Partition{
			Name: string(rune('a' + i)), Services: 1 + r.IntN(3), Given: Shares{r.IntN(6), r.IntN(80)}, Load: new(r.Float64()),
		})
	}
	return in
}

// Machines of the same seed do the same; those of another do not.
func TestDeterminism(t *testing.T) {
	record := func(seed uint64) (all []Decision) {
		n := newNode(rand.New(rand.NewPCG(5, 1))) // four services
		n.run(New(seed), 300, func(_ *Input, d Decision) bool {
			all = append(all, d)
			return false
		})
		return all
	}
	a := record(4)
	if !reflect.DeepEqual(a, record(4)) {
		t.Error("the same seed does something else")
	}
	if reflect.DeepEqual(a, record(5)) {
		t.Error("another seed does the same: the seed is not used")
	}
}
