package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Classes of the model in these tests: quiet is halved by each unit of loud and runs 1.5 times as fast where a helper is present;
// loud runs at 0.8 for each further unit of loud; nothing touches helper.
const (
	quiet = iota
	loud
	helper
)

func trio(t testing.TB) *interference.Model {
	t.Helper()
	d := interference.Document{Format: interference.Format, Rank: 3}
	response := [3][7]float64{
		quiet:  {1 + loud: math.Log(0.5), 4 + helper: math.Log(1.5)},
		loud:   {1 + loud: math.Log(0.8)},
		helper: {},
	}
	for i, name := range []string{"quiet", "loud", "helper"} {
		unit := make([]float64, 3)
		unit[i] = 1
		d.Classes = append(d.Classes, interference.Class{
			Name: name, Pressure: unit, Presence: unit, Response: response[i][:], Covariance: make([]float64, 7*8/2),
			IntervalScale: 1, Min: 0.001, Max: 2, Observations: 9,
		})
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// kindOf is n pods of a class that take one place each.
func kindOf(class, n int, prefix string) Kind {
	k := Kind{Class: class, Size: []int64{1}}
	for i := range n {
		k.Pods = append(k.Pods, fmt.Sprintf("%s-%d", prefix, i))
	}
	return k
}

func node(name string, free int64, present interference.Mix) Node {
	return Node{Name: name, Free: []int64{free}, Present: present}
}

// byNode is what a plan puts where, pods sorted.
func byNode(p *Plan) map[string]string {
	pods := map[string][]string{}
	for _, at := range p.Placements {
		pods[at.Node] = append(pods[at.Node], at.Pod)
	}
	out := map[string]string{}
	for n, names := range pods {
		slices.Sort(names)
		out[n] = strings.Join(names, " ")
	}
	return out
}

func TestPlans(t *testing.T) {
	m := trio(t)
	one := func(class int) interference.Mix { return interference.Mix{{Class: class, Units: 1}} }
	for name, c := range map[string]struct {
		in       Input
		want     map[string]string
		gain     float64
		unplaced []string
		proven   bool
	}{
		// Apart, quiet runs at 1 and loud at 0.8 beside each other: 2·1 + 2·0.8 = 3.6. Mixed, each node has 0.5 + 1 = 1.5.
		"keeps the loud apart": {
			Input{Kinds: []Kind{kindOf(quiet, 2, "q"), kindOf(loud, 2, "l")}, Nodes: []Node{node("a", 2, nil), node("b", 2, nil)}},
			map[string]string{"a": "q-0 q-1", "b": "l-0 l-1"},
			3.6, nil, true,
		},
		// Beside the helper both quiet run at 1.5; the helper itself is not touched.
		"joins a helper": {
			Input{Kinds: []Kind{kindOf(quiet, 2, "q")}, Nodes: []Node{node("a", 2, nil), node("b", 2, one(helper))}},
			map[string]string{"b": "q-0 q-1"},
			3, nil, true,
		},
		// A helper gains 1 anywhere, and gives the quiet beside it 0.5 each: it goes to the node with two.
		"helps those that are there": {
			Input{Kinds: []Kind{kindOf(helper, 1, "h")}, Nodes: []Node{node("a", 1, one(quiet)), node("b", 1, interference.Mix{{Class: quiet, Units: 2}})}},
			map[string]string{"b": "h-0"},
			2, nil, true,
		},
		// A loud one gains 1 - 0.5 = 0.5 beside a quiet one and 2·0.8 - 1 = 0.6 beside a loud one.
		"counts what neighbours lose": {
			Input{Kinds: []Kind{kindOf(loud, 1, "l")}, Nodes: []Node{node("a", 1, one(quiet)), node("b", 1, one(loud))}},
			map[string]string{"b": "l-0"},
			0.6, nil, true,
		},
		// Of no known class: quiet loses the cube root of its 0.5 there, so the empty node is better.
		"shuns load it does not know": {
			Input{Kinds: []Kind{kindOf(quiet, 1, "q")}, Nodes: []Node{node("a", 1, one(interference.Unknown)), node("b", 1, nil)}},
			map[string]string{"b": "q-0"},
			1, nil, true,
		},
		"places what it can": {
			Input{Kinds: []Kind{kindOf(quiet, 3, "q")}, Nodes: []Node{node("a", 2, nil), node("b", -1, nil)}},
			map[string]string{"a": "q-0 q-1"},
			2,
			[]string{"q-2"},
			true,
		},
		"follows constraints": {
			Input{Kinds: []Kind{kindOf(quiet, 1, "q"), kindOf(loud, 1, "l")}, Nodes: []Node{
				{Name: "a", Free: []int64{2}, Allowed: []bool{true, true}}, {Name: "b", Free: []int64{2}, Allowed: []bool{false, false}},
			}},
			map[string]string{"a": "l-0 q-0"},
			1.5, nil, true,
		},
		"finds no node": {
			Input{Kinds: []Kind{kindOf(quiet, 1, "q")}, Nodes: []Node{node("a", 0, nil)}},
			map[string]string{},
			0,
			[]string{"q-0"},
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.in.Model = m
			p, err := Make(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, byNode(p)); diff != "" {
				t.Errorf("placements (-want +got):\n%s", diff)
			}
			if math.Abs(p.Gain-c.gain) > 1e-9 || !slices.Equal(p.Unplaced, c.unplaced) || p.Proven != c.proven {
				t.Errorf("gain %v, unplaced %v, proven %v; want %v, %v, %v", p.Gain, p.Unplaced, p.Proven, c.gain, c.unplaced, c.proven)
			}
			if c.proven && !p.Optimal() {
				t.Errorf("gain %v with bound %v is not optimal", p.Gain, p.Bound)
			}
		})
	}
}

func TestPredictedPerformance(t *testing.T) {
	p, err := Make(Input{Model: trio(t), Kinds: []Kind{kindOf(quiet, 1, "q"), kindOf(loud, 1, "l")}, Nodes: []Node{
		node("a", 2, interference.Mix{{Class: helper, Units: 1}}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	// quiet: 0.5 of the loud one beside it, times 1.5 of the helper; loud: alone of its kind.
	want := []Placement{{"q-0", "a", 0.75}, {"l-0", "a", 1}}
	if len(p.Placements) != 2 || math.Abs(p.Placements[0].Predicted-0.75) > 1e-9 || math.Abs(p.Placements[1].Predicted-1) > 1e-9 {
		t.Errorf("placements are %v, want %v", p.Placements, want)
	}
}

// Unknown load lowers what a new pod achieves, and changes nothing of what it does to the others (as in the scores of InterferenceFit).
func TestGainBesideUnknownLoad(t *testing.T) {
	present := interference.Mix{{Class: interference.Unknown, Units: 1}, {Class: quiet, Units: 1}}
	w := newWorth(Input{Model: trio(t), Kinds: []Kind{kindOf(loud, 1, "l")}}, Node{Present: present})
	// The resident falls from 1 to 0.5 as if the unknown were absent; loud runs at the cube root of 0.8, the mean of the logarithms
	// 0, 0 and ln 0.8 of what the three classes do to it.
	if got, want := w.gain([]int{1}), math.Cbrt(0.8)-0.5; math.Abs(got-want) > 1e-9 {
		t.Errorf("gain is %v, want %v", got, want)
	}
	if got := w.gain([]int{0}); got != 0 {
		t.Errorf("gain of nothing is %v", got)
	}
}

func TestNodesThatCannotBeToldApart(t *testing.T) {
	kinds := []Kind{{Class: quiet, Size: []int64{1, 600}, Pods: []string{"q"}}, {Class: loud, Size: []int64{1, 900}, Pods: []string{"l"}}}
	helped := interference.Mix{{Class: helper, Units: 1}}
	in := Input{Model: trio(t), Kinds: kinds, Nodes: []Node{
		{Name: "a", Free: []int64{110, 1600}}, // both fit: as good as 2 places and 1,500
		{Name: "b", Free: []int64{2, 64000}},
		{Name: "c", Free: []int64{110, 1400}},                  // 1,400 is 1,200 in steps of 300: one of them
		{Name: "d", Free: []int64{110, 1205}},                  // likewise
		{Name: "e", Free: []int64{1, 1500}},                    // one place
		{Name: "f", Free: []int64{110, 500}},                   // nothing fits
		{Name: "g", Free: []int64{110, 1600}, Present: helped}, // another mix
		{Name: "h", Free: []int64{2, 1500}, Allowed: []bool{true, false}},
		{Name: "i", Free: []int64{2, 1500}, Allowed: []bool{false, false}},
	}}
	var got [][]string
	for _, g := range grouped(in) {
		got = append(got, g.nodes)
	}
	if diff := cmp.Diff([][]string{{"a", "b"}, {"c", "d"}, {"e"}, {"g"}, {"h"}}, got); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

// random is a problem with everything in it.
func random(t testing.TB, m *interference.Model, r *rand.Rand) Input {
	t.Helper()
	in := Input{Model: m}
	if r.IntN(2) == 0 {
		in.Constraints = randomConstraints(t, r)
	}
	for k := range 1 + r.IntN(4) {
		kind := Kind{Class: r.IntN(3), Profile: r.IntN(2), Size: []int64{1, int64(1 + r.IntN(3))}}
		for i := range 1 + r.IntN(5) {
			kind.Pods = append(kind.Pods, fmt.Sprintf("p-%d-%d", k, i))
		}
		in.Kinds = append(in.Kinds, kind)
	}
	for i := range 1 + r.IntN(6) {
		n := Node{Name: fmt.Sprintf("n-%d", i), Free: []int64{int64(r.IntN(5)), int64(r.IntN(9) - 1)}}
		for class := interference.Unknown; class < 3; class++ {
			if r.IntN(3) == 0 {
				n.Present = append(n.Present, interference.Load{Class: class, Units: float64(1 + r.IntN(2))})
			}
		}
		if in.Constraints != nil && r.IntN(3) > 0 {
			n.Profiles = []int{r.IntN(3), r.IntN(3)}
		}
		if r.IntN(3) == 0 {
			n.Setting, n.Models = "doubtful", []*interference.Model{fenced(t), m}
		}
		for range in.Kinds {
			n.Allowed = append(n.Allowed, r.IntN(4) > 0)
		}
		in.Nodes = append(in.Nodes, n)
	}
	return in
}

// Whatever is planned fits, is worth what it says, and is not worth more than the bound or less than placing one pod after the other.
func TestProperties(t *testing.T) {
	m := trio(t)
	for seed := range uint64(300) {
		in := random(t, m, rand.New(rand.NewPCG(seed, 1)))
		p, err := Make(in)
		if err != nil {
			t.Fatal(err)
		}
		at := map[string]string{}
		free := map[string][]int64{}
		allowed := map[string][]bool{}
		for _, n := range in.Nodes {
			free[n.Name], allowed[n.Name] = slices.Clone(n.Free), n.Allowed
		}
		i := 0
		for k, kind := range in.Kinds {
			for ; i < len(p.Placements) && slices.Contains(kind.Pods, p.Placements[i].Pod); i++ {
				place := p.Placements[i]
				at[place.Pod] = place.Node
				if !allowed[place.Node][k] {
					t.Fatalf("seed %d: pod %s is on %s, where it may not be", seed, place.Pod, place.Node)
				}
				for r, size := range kind.Size {
					if free[place.Node][r] -= size; free[place.Node][r] < 0 {
						t.Fatalf("seed %d: node %s is too full", seed, place.Node)
					}
				}
			}
		}
		if got := Gain(in, at); math.Abs(got-p.Gain) > 1e-9 {
			t.Fatalf("seed %d: the plan gains %v and says %v", seed, got, p.Gain)
		}
		if p.Gain > p.Bound+1e-9 {
			t.Fatalf("seed %d: gain %v is above the bound %v", seed, p.Gain, p.Bound)
		}
		greedy, err := With(func(problem configlp.Problem, _ configlp.Options) (*configlp.Plan, error) {
			var order []int
			for k, item := range problem.Items {
				order = append(order, slices.Repeat([]int{k}, item.Count)...)
			}
			return configlp.Greedy(problem, order)
		}, in)
		if err != nil {
			t.Fatal(err)
		}
		if len(greedy.Unplaced) < len(p.Unplaced) || len(greedy.Unplaced) == len(p.Unplaced) && sameKinds(in, greedy, p) && greedy.Gain > p.Gain+1e-9 {
			t.Errorf("seed %d: one after the other gains %v with %d unplaced, the plan %v with %d", seed, greedy.Gain, len(greedy.Unplaced), p.Gain, len(p.Unplaced))
		}
		slices.Reverse(in.Nodes)
		again, err := Make(in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Fatalf("seed %d: another order of nodes gives another plan:\n%s", seed, diff)
		}
	}
}

// sameKinds reports whether two plans leave out the same number of every kind.
func sameKinds(in Input, a, b *Plan) bool {
	for _, k := range in.Kinds {
		left := func(p *Plan) (n int) {
			for _, pod := range k.Pods {
				if slices.Contains(p.Unplaced, pod) {
					n++
				}
			}
			return n
		}
		if left(a) != left(b) {
			return false
		}
	}
	return true
}

func TestUpperIsABound(t *testing.T) {
	m := trio(t)
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		in := random(t, m, r)
		w := newWorth(in, in.Nodes[0])
		upper := w.upper()
		counts, bound := make([]int, len(in.Kinds)), 0.0
		for k := range counts {
			counts[k] = r.IntN(4)
			bound += float64(counts[k]) * upper[k]
		}
		if got := w.gain(counts); got > bound+1e-9 {
			t.Fatalf("seed %d: %v gain %v, more than %v", seed, counts, got, bound)
		}
	}
}

func TestRefusesWhatItCannotPlan(t *testing.T) {
	m := trio(t)
	q := kindOf(quiet, 1, "q")
	for want, in := range map[string]Input{
		"model is nil":                  {Kinds: []Kind{q}},
		"kinds[0].class is 3":           {Model: m, Kinds: []Kind{kindOf(3, 1, "x")}},
		"kinds[0].class is -1":          {Model: m, Kinds: []Kind{kindOf(interference.Unknown, 1, "x")}},
		"kinds[1].size has 2":           {Model: m, Kinds: []Kind{q, {Size: []int64{1, 1}}}},
		"kinds[0].size is [0]":          {Model: m, Kinds: []Kind{{Size: []int64{0}}}},
		"kinds[0].size is [2 -1]":       {Model: m, Kinds: []Kind{{Size: []int64{2, -1}}}},
		"node a: free has 0 resources":  {Model: m, Kinds: []Kind{q}, Nodes: []Node{{Name: "a"}}},
		"node a: allowed has 2 entries": {Model: m, Kinds: []Kind{q}, Nodes: []Node{{Name: "a", Free: []int64{1}, Allowed: make([]bool, 2)}}},
	} {
		if _, err := Make(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestSentence(t *testing.T) {
	for want, p := range map[string]Plan{
		"no pod found room": {Unplaced: []string{"a"}},
		"predicted mean performance 0.900 (optimal under the model)":                       {Placements: make([]Placement, 2), Gain: 1.8, Bound: 1.8, Proven: true},
		"predicted mean performance 0.900, bound 1.000 (gap 10.0 %)":                       {Placements: make([]Placement, 2), Gain: 1.8, Bound: 2, Proven: true},
		"predicted mean performance 0.900 (not proven: the bound of 0.900 is a loose one)": {Placements: make([]Placement, 2), Gain: 1.8, Bound: 1.8},
		"predicted mean performance 0.900 (no bound is known)":                             {Placements: make([]Placement, 2), Gain: 1.8, Bound: math.Inf(1)},
		"predicted mean performance 1.000, no room for 1 more, bound 1.250 (gap 20.0 %)":   {Placements: make([]Placement, 1), Unplaced: []string{"b"}, Gain: 1, Bound: 1.25, Proven: true},
	} {
		if got := p.Sentence(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
