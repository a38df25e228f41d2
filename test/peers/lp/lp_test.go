package lp_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/lp"
)

// Two of each class on three nodes of two slots, where a pair of unlike ones is worth 3 and anything else nothing: both pairs are found.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	p := peers.Problem{Batch: []int{2, 2}, Nodes: 3, Slots: 2, Order: []int{0, 0, 1, 1}}
	plan, err := configlp.Solve(lp.Problem(p, func(counts []int) float64 { return 3 * float64(min(counts[0], counts[1])) }), configlp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	placement, err := lp.Placement(p, plan)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(placement); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(placement, slices.Compare)
	if want := (peers.Placement{{0, 0}, {1, 1}, {1, 1}}); !slices.EqualFunc(placement, want, slices.Equal) {
		t.Errorf("placement %v, want %v", placement, want)
	}
}

func TestPlacementRefusesOtherPlans(t *testing.T) {
	t.Parallel()
	p := peers.Problem{Batch: []int{2}, Nodes: 1, Slots: 2}
	for want, plan := range map[string]*configlp.Plan{
		"more than 1 nodes": {Groups: [][]configlp.Assignment{{{Counts: []int{1}, Nodes: 2}}}},
		"1 containers of":   {Groups: [][]configlp.Assignment{{{Counts: []int{1}, Nodes: 1}}}, Unplaced: []int{1}},
	} {
		if _, err := lp.Placement(p, plan); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v, want %q", plan, err, want)
		}
	}
}
