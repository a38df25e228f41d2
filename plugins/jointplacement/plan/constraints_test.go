package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// fenced is trio where a neighbour of quiet counts for a tenth.
func fenced(t testing.TB) *interference.Model {
	t.Helper()
	d := trio(t).Document()
	d.Settings = []interference.Setting{{Name: "/fence", Pressure: []float64{0.1, 1, 1}}}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	in, _ := m.In("/fence")
	return in
}

func setOf(t testing.TB, text string, profiles ...[]string) *constraints.Set {
	t.Helper()
	all, err := constraints.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := constraints.Compile(all, profiles)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// randomConstraints are for two profiles.
func randomConstraints(t testing.TB, r *rand.Rand) *constraints.Set {
	t.Helper()
	var text strings.Builder
	for range 1 + r.IntN(3) {
		least := r.IntN(3)
		fmt.Fprintf(&text, "{%c, {%c, %d, %d}, node} %.2f\n", 'x'+rune(r.IntN(2)), 'x'+rune(r.IntN(2)), least, least+r.IntN(3), 0.01+r.Float64())
	}
	return setOf(t, text.String(), []string{"x"}, []string{"y"})
}

// Two quiet pods gain 1.5 each beside the helper on node a, and 1 alone on node b. A wish to be apart from its like is kept by each of them
// where it costs less than the 0.5 that the second gains there: together they break it twice.
func TestSoftConstraintAgainstTheModel(t *testing.T) {
	in := Input{Model: trio(t), Kinds: []Kind{kindOf(quiet, 2, "q")}, Nodes: []Node{
		node("a", 2, interference.Mix{{Class: helper, Units: 1}}), node("b", 2, nil),
	}}
	for _, c := range []struct {
		weight     float64
		want       map[string]string
		gain, cost float64
		broken     []Broken
		sentence   string
	}{
		// 2·1.5 − 2·0.2 = 2.6, apart 1.5 + 1 = 2.5
		{0.2, map[string]string{"a": "q-0 q-1"}, 2.6, 0.4, []Broken{{"{quiet, {quiet, 0, 0}, node} 0.2", 0.4}}, "predicted mean performance 1.500 less 0.200 for soft constraints (optimal under the model)"},
		// 2·1.5 − 2·0.3 = 2.4
		{0.3, map[string]string{"a": "q-0", "b": "q-1"}, 2.5, 0, nil, "predicted mean performance 1.250 (optimal under the model)"},
	} {
		in.Constraints = setOf(t, fmt.Sprintf("{quiet, {quiet, 0, 0}, node} %v", c.weight), []string{"quiet"})
		p, err := Make(in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, byNode(p)); diff != "" {
			t.Errorf("weight %v (-want +got):\n%s", c.weight, diff)
		}
		if math.Abs(p.Gain-c.gain) > 1e-9 || math.Abs(p.Cost-c.cost) > 1e-9 || !p.Optimal() || !cmp.Equal(p.Broken, c.broken) || p.Sentence() != c.sentence {
			t.Errorf("weight %v: gain %v, cost %v, optimal %v, broken %v, want %v, %v and %v; %s", c.weight, p.Gain, p.Cost, p.Optimal(), p.Broken, c.gain, c.cost, c.broken, p.Sentence())
		}
	}
}

// What pods that are there want counts as well, and so does what a new pod mends: two web pods on b want one cache each.
func TestSoftConstraintsOfResidents(t *testing.T) {
	profiles := [][]string{{"web"}, {"cache"}}
	in := Input{Model: trio(t), Constraints: setOf(t, "{web, {cache, 1, 1}, node} 0.5", profiles...), Nodes: []Node{node("a", 3, nil), node("b", 3, nil)}}
	in.Nodes[1].Profiles = []int{2, 0}
	in.Kinds = []Kind{kindOf(helper, 1, "c")}
	in.Kinds[0].Profile = 1
	p, err := Make(in)
	if err != nil {
		t.Fatal(err)
	}
	// 1 for the pod itself, and 2·0.5 for what it mends.
	if byNode(p)["b"] != "c-0" || math.Abs(p.Gain-2) > 1e-9 || math.Abs(p.Cost+1) > 1e-9 || !p.Optimal() {
		t.Errorf("placed %v, gain %v, cost %v, optimal %v; want b, 2, -1", byNode(p), p.Gain, p.Cost, p.Optimal())
	}
	// Two more of them: one each is at most one, so that the second goes elsewhere.
	in.Kinds[0].Pods = []string{"c-0", "c-1"}
	if p, err = Make(in); err != nil || byNode(p)["a"] == "" || byNode(p)["b"] == "" {
		t.Errorf("placed %v, %v; want one on each node", byNode(p), err)
	}
}

// A node is worth the least that it may be worth, and nodes of other settings are not mixed up.
func TestModelsOfSettings(t *testing.T) {
	m, fence := trio(t), fenced(t)
	loudThere := interference.Mix{{Class: loud, Units: 1}}
	in := Input{Model: m, Kinds: []Kind{kindOf(quiet, 1, "q")}, Nodes: []Node{
		{Name: "a", Free: []int64{1}, Present: loudThere},
		{Name: "b", Free: []int64{1}, Present: loudThere, Setting: "fence", Models: []*interference.Model{fence}},
		{Name: "c", Free: []int64{1}, Present: loudThere, Setting: "doubtful", Models: []*interference.Model{fence, m}},
	}}
	if got := len(grouped(in)); got != 3 {
		t.Errorf("%d groups, want one for each setting", got)
	}
	p, err := Make(in)
	// 0.5 undivided, 0.5^0.1 = 0.933 behind the fence
	if err != nil || byNode(p)["b"] != "q-0" || math.Abs(p.Gain-math.Pow(0.5, 0.1)) > 1e-9 || math.Abs(p.Placements[0].Predicted-p.Gain) > 1e-9 {
		t.Errorf("placed %v, gain %v, %v", byNode(p), p.Gain, err)
	}
	in.Nodes = in.Nodes[2:]
	if p, err = Make(in); err != nil || math.Abs(p.Gain-0.5) > 1e-9 || math.Abs(p.Placements[0].Predicted-0.5) > 1e-9 {
		t.Errorf("in doubt: gain %v, %v; want 0.5", p.Gain, err)
	}
}

func TestRefusesWrongConstraints(t *testing.T) {
	set := setOf(t, "{x, {x, 0, 0}, node}", []string{"x"})
	q := kindOf(quiet, 1, "q")
	wrong := q
	wrong.Profile = 1
	for want, in := range map[string]Input{
		"kinds[0].profile is 1":          {Model: trio(t), Constraints: set, Kinds: []Kind{wrong}},
		"node a: profiles has 2 entries": {Model: trio(t), Constraints: set, Kinds: []Kind{q}, Nodes: []Node{{Name: "a", Free: []int64{1}, Profiles: []int{1, 1}}}},
		"node a: a model has other":      {Model: trio(t), Kinds: []Kind{q}, Nodes: []Node{{Name: "a", Free: []int64{1}, Models: []*interference.Model{one(t)}}}},
	} {
		if _, err := Make(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// one is a model of one class.
func one(t testing.TB) *interference.Model {
	t.Helper()
	d := trio(t).Document()
	d.Classes, d.Rank = []interference.Class{{
		Name: "quiet", Pressure: []float64{0}, Presence: []float64{0}, Response: make([]float64, 3), Covariance: make([]float64, 6),
		IntervalScale: 1, Min: 0.001, Max: 2, Observations: 9,
	}}, 1
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
