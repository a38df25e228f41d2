package stake_test

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/graphscore/stake"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// near holds a number against one that was worked out by hand.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) < 1e-12) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// shop is an objective of 200 ms with two workloads: 2 pods of front, of which 40 ms are lost per unit of ln(slowdown), and 4 of back with
// 80 ms. A request waits for 3 calls of front to back. A call costs 0.1 ms on a node, 0.3 ms within a zone and 1.1 ms beyond.
func shop() stake.Model {
	return stake.Model{
		Namespace: "shop", Name: "checkout", Percentile: 99, Target: 0.2,
		Workloads: []stake.Workload{{Name: "front", Pods: 2, Slowdown: 0.04}, {Name: "back", Pods: 4, Slowdown: 0.08}},
		Calls:     []stake.Call{{From: "front", To: "back", Critical: 3}},
		Network:   [stake.Distances]float64{0.0001, 0.0003, 0.0011},
	}
}

func TestStakes(t *testing.T) {
	other := stake.Model{Namespace: "shop", Name: "search", Target: 1, Workloads: []stake.Workload{{Name: "back", Pods: 4, Slowdown: 1}}}
	table := stake.NewTable([]stake.Model{shop(), other})
	// 0.04/(2·0.2) = 0.1 and 0.08/(4·0.2) + 1/(4·1) = 0.1 + 0.25.
	front, back := table.Of(stake.Key{Namespace: "shop", Name: "front"}), table.Of(stake.Key{Namespace: "shop", Name: "back"})
	near(t, "front's", front.Slowdown, 0.1)
	near(t, "back's", back.Slowdown, 0.35)
	if len(back.Parts) != 2 || back.Parts[0].Model.Name != "search" || back.Parts[1].Model.Name != "checkout" {
		t.Errorf("parts of back are %+v, want search before checkout", back.Parts)
	}
	// A pod of front has half of the 3 calls: 1.5·(0.3−0.1) ms of 200 ms in a zone, 1.5·(1.1−0.1) beyond; a pod of back a quarter.
	want := [][stake.Distances]float64{{0, 0.0015, 0.0075}, {0, 0.00075, 0.00375}}
	for i, s := range []*stake.Stakes{front, back} {
		if len(s.Links) != 1 {
			t.Fatalf("links are %+v, want one", s.Links)
		}
		for d := range want[i] {
			near(t, "cost", s.Links[0].Cost[d], want[i][d])
		}
	}
	if table.Of(stake.Key{Namespace: "other", Name: "front"}) != nil {
		t.Error("a workload of another namespace has stakes")
	}
}

// What is out of range in a model counts for nothing, and spoils nothing else.
func TestStakesOfBadModels(t *testing.T) {
	bad := shop()
	bad.Workloads = append(bad.Workloads, stake.Workload{Name: "none", Pods: 0, Slowdown: 1}, stake.Workload{Name: "nan", Pods: 1, Slowdown: math.NaN()},
		stake.Workload{Name: "endless", Pods: 1, Slowdown: math.Inf(1)}, stake.Workload{Name: "minus", Pods: 1, Slowdown: -1})
	bad.Calls = append(bad.Calls, stake.Call{From: "front", To: "none", Critical: 1}, stake.Call{From: "front", To: "front", Critical: 1},
		stake.Call{From: "front", To: "back", Critical: math.NaN()})
	targetless := shop()
	targetless.Target = 0
	table := stake.NewTable([]stake.Model{bad, targetless})
	if n := table.Workloads(); n != 2 {
		t.Errorf("%d workloads have stakes, want 2", n)
	}
	front := table.Of(stake.Key{Namespace: "shop", Name: "front"})
	near(t, "front's", front.Slowdown, 0.1)
	if len(front.Links) != 1 {
		t.Errorf("links are %+v, want one", front.Links)
	}
}

func TestNetworkOfUnknownDistances(t *testing.T) {
	nan := math.NaN()
	cases := map[string]struct{ cost, front [stake.Distances]float64 }{
		"nothing known":             {[3]float64{nan, nan, nan}, [3]float64{}},
		"one known":                 {[3]float64{nan, 0.001, nan}, [3]float64{}},
		"node unknown":              {[3]float64{nan, 0.0003, 0.0011}, [3]float64{0, 0, 0.006}}, // 1.5·0.8 ms of 200
		"zone unknown":              {[3]float64{0.0001, nan, 0.0011}, [3]float64{0, 0, 0.0075}},
		"region seems nearer":       {[3]float64{0.0001, 0.0003, 0.0002}, [3]float64{0, 0.0015, 0.0015}},
		"zone seems nearer":         {[3]float64{0.0003, 0.0001, 0.0011}, [3]float64{0, 0, 0.006}},
		"not a time and not finite": {[3]float64{-1, math.Inf(1), 0.0011}, [3]float64{}},
	}
	for name, c := range cases {
		m := shop()
		m.Network = c.cost
		links := stake.NewTable([]stake.Model{m}).Of(stake.Key{Namespace: "shop", Name: "front"}).Links
		if len(links) == 0 {
			links = []stake.Link{{}} // costs nothing anywhere
		}
		for d := range c.front {
			near(t, name, links[0].Cost[d], c.front[d])
		}
	}
}

func TestWays(t *testing.T) {
	front := stake.NewTable([]stake.Model{shop()}).Of(stake.Key{Namespace: "shop", Name: "front"})
	where := map[stake.Place]int{{Node: "n1", Zone: "a"}: 1, {Node: "n2", Zone: "a"}: 1, {Node: "n3", Zone: "b"}: 2}
	ways := stake.NewWays(front, func(peer stake.Key) map[stake.Place]int {
		if peer != (stake.Key{Namespace: "shop", Name: "back"}) {
			t.Errorf("asked where %v is", peer)
		}
		return where
	})
	// Costs are 0, 0.0015 and 0.0075 by distance, over 4 pods.
	near(t, "n1", ways.Loss(stake.Place{Node: "n1", Zone: "a"}), (0+0.0015+2*0.0075)/4)
	near(t, "n3", ways.Loss(stake.Place{Node: "n3", Zone: "b"}), (2*0+2*0.0075)/4)
	near(t, "another node of a", ways.Loss(stake.Place{Node: "n4", Zone: "a"}), (2*0.0015+2*0.0075)/4)
	near(t, "another zone", ways.Loss(stake.Place{Node: "n5", Zone: "c"}), 4*0.0075/4)
	if nowhere := stake.NewWays(front, func(stake.Key) map[stake.Place]int { return nil }); !nowhere.Empty() || nowhere.Loss(stake.Place{}) != 0 {
		t.Error("a peer without pods makes a difference")
	}
}

// trio is quiet (halved by each unit of loud, 1.5 times as fast beside a helper), loud (0.8 for each further loud), helper.
func trio(t testing.TB) *interference.Model {
	t.Helper()
	d := interference.Document{Format: interference.Format, Rank: 3}
	responses := [][]float64{
		{0, 0, math.Log(0.5), 0, 0, 0, math.Log(1.5)}, // constant, by units of each, by presence of each
		{0, 0, math.Log(0.8), 0, 0, 0, 0},
		{0, 0, 0, 0, 0, 0, 0},
	}
	for i, name := range []string{"quiet", "loud", "helper"} {
		unit := make([]float64, 3)
		unit[i] = 1
		d.Classes = append(d.Classes, interference.Class{
			Name: name, Pressure: unit, Presence: unit, Response: responses[i], Covariance: make([]float64, 28),
			IntervalScale: 1, Min: 0.001, Max: 10, Observations: 9,
		})
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	quiet = iota
	loud
	helper
)

// node is one that is in no doubt about its setting.
func node(m *interference.Model, residents []stake.Resident) *stake.Node {
	return stake.NewNode([]*interference.Model{m}, residents)
}

// Of the settings that a node may be in the one counts in which most is lost: helpers help in the one, and nobody presses in the other.
func TestNodeInDoubt(t *testing.T) {
	m := trio(t)
	d := m.Document()
	d.Settings = []interference.Setting{{Name: "divided", Pressure: []float64{1e-12, 1e-12, 1e-12}, Cells: 9}}
	d.Setting, d.Version = "whole", ""
	d.Version = interference.Fingerprint(d)
	whole, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	divided, ok := whole.In("divided")
	if !ok {
		t.Fatal("the setting is not known")
	}
	residents := []stake.Resident{{Class: loud}}
	sure, doubtful := stake.NewNode([]*interference.Model{divided}, residents), stake.NewNode([]*interference.Model{divided, whole}, residents)
	near(t, "divided", sure.Loss(quiet, 0.1).Own, 0)
	near(t, "in doubt", doubtful.Loss(quiet, 0.1).Own, 0.1*math.Log(2))
}

func TestMostAffected(t *testing.T) {
	little, much := &stake.Model{Name: "little"}, &stake.Model{Name: "much"}
	n := node(trio(t), []stake.Resident{{Class: quiet, Slowdown: 0.3, Model: much}, {Class: loud, Slowdown: 0.3, Model: little}})
	if got := n.MostAffected(loud); got != much { // quiet is halved, loud runs at 0.8
		t.Errorf("most affected is %+v", got)
	}
	if got := n.MostAffected(helper); got != nil {
		t.Errorf("a helper costs %+v", got)
	}
}

func TestNodeLoss(t *testing.T) {
	m := trio(t)
	ln2 := math.Log(2)
	cases := map[string]struct {
		residents       []stake.Resident
		class           int
		own, neighbours float64
	}{
		"alone":                       {nil, quiet, 0, 0},
		"beside two loud":             {[]stake.Resident{{Class: loud}, {Class: loud}}, quiet, 0.1 * 2 * ln2, 0},
		"beside a helper":             {[]stake.Resident{{Class: helper}}, quiet, -0.1 * math.Log(1.5), 0},
		"helps a resident":            {[]stake.Resident{{Class: quiet, Slowdown: 0.3}}, helper, 0, -0.3 * math.Log(1.5)},
		"presses on two residents":    {[]stake.Resident{{Class: quiet, Slowdown: 0.3}, {Class: quiet, Slowdown: 0.2}}, loud, 0, 0.5 * ln2},
		"residents without objective": {[]stake.Resident{{Class: quiet}}, loud, 0, 0},
		"both ways":                   {[]stake.Resident{{Class: loud, Slowdown: 0.5}}, loud, -0.1 * math.Log(0.8), -0.5 * math.Log(0.8)},
	}
	for name, c := range cases {
		got := node(m, c.residents).Loss(c.class, 0.1)
		near(t, name+": own", got.Own, c.own)
		near(t, name+": neighbours", got.Neighbours, c.neighbours)
	}
}

// A node does not look better for what is not known about it.
func TestUnknownLoadNeverHelps(t *testing.T) {
	m := trio(t)
	residents := []stake.Resident{{Class: quiet, Slowdown: 0.3}, {Class: loud, Slowdown: 0.1}}
	for class := range 3 {
		known := node(m, residents).Loss(class, 0.1)
		for n := range 5 {
			residents := append([]stake.Resident{}, residents...)
			for range n {
				residents = append(residents, stake.Resident{Class: interference.Unknown, Slowdown: 0.2})
			}
			with := node(m, residents).Loss(class, 0.1)
			if with.Own < known.Own-1e-12 || with.Neighbours < known.Neighbours-1e-12 {
				t.Errorf("class %d, %d unknown: loses %+v, without them %+v", class, n, with, known)
			}
		}
	}
}

func TestLossAllocatesNothing(t *testing.T) {
	n := node(trio(t), []stake.Resident{{Class: quiet, Slowdown: 0.3}, {Class: loud, Slowdown: 0.1}, {Class: helper}})
	if allocations := testing.AllocsPerRun(100, func() { n.Loss(quiet, 0.1) }); allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func BenchmarkLoss(b *testing.B) {
	n := node(trio(b), []stake.Resident{{Class: quiet, Slowdown: 0.3}, {Class: loud, Slowdown: 0.1}, {Class: helper}})
	for b.Loop() {
		n.Loss(quiet, 0.1)
	}
}
