package main

import (
	"fmt"
	"regexp"

	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/kube"
	"github.com/ballast-k8s/ballast/test/peers/medea"
	"github.com/ballast-k8s/ballast/test/peers/metis"
	"github.com/ballast-k8s/ballast/test/peers/paragon"
	"github.com/ballast-k8s/ballast/test/peers/rules"
	"github.com/ballast-k8s/ballast/test/peers/trimaran"
)

// contestant is a placer and the order in which containers reach it.
type contestant struct {
	name   string
	placer peers.Placer
	order  order
}

// order is how containers arrive.
type order string

const (
	together order = "batch"    // all at once
	given    order = "given"    // class after class, as Metis' scripts place them
	shuffled order = "shuffled" // by chance, the honest case for a scheduler that takes pods as they come
)

// contestants are all that compete and whose name and order, as "name order", match the expression: ours first, then the published,
// then the stock schedulers. "judge's optimum" is no contestant: it places by the very table that judges, and shows what there is to gain.
func (d *data) contestants(only string) ([]contestant, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, usageError{fmt.Sprintf("-only %q: %v", only, err)}
	}
	ours, err := nodeValue(d.model, d.judge.Classes)
	if err != nil {
		return nil, err
	}
	set, err := rules.Compile(d.rules, d.judge.Classes)
	if err != nil {
		return nil, err
	}
	classes := len(d.judge.Classes)
	scores := paragon.NewScores(d.rules, classes, slots)
	node := trimaran.Node{Capacity: 2000 * slots, Limit: 2000, Loads: trimaran.MetisLoads()}
	all := []contestant{
		{"judge's optimum", batch(d.judge.Value), together},
		{"ballast", batch(ours), together},
		{"ballast", online(ours), given},
		{"ballast", online(ours), shuffled},
		{"metis nets", metis.Scheduler{Nets: d.nets}, together},
		{"medea exact", medea.Exact{Constraints: set}, together},
		{"medea tag popularity", medea.Heuristic{Constraints: set, Next: medea.TagPopularity(d.rules, classes)}, together},
		{"medea node candidates", medea.Heuristic{Constraints: set, Next: medea.NodeCandidates}, together},
	}
	for _, c := range []struct {
		name   string
		placer peers.Placer
	}{
		{"medea serial", medea.Heuristic{Constraints: set}},
		{"paragon strict", paragon.Strict{Scores: scores}},
		{"paragon by metis", paragon.Reimplemented{Scores: scores}},
		{"least + fewest same", kube.LeastAllocatedFewestSame(slots)},
		{"LeastAllocated", kube.LeastAllocated(slots)},
		{"MostAllocated", kube.MostAllocated(slots)},
		{"TargetLoadPacking", trimaran.TargetLoadPacking(node)},
		{"LoadVariationRisk", trimaran.LoadVariationRiskBalancing(node)},
		{"random", peers.Random()},
	} {
		all = append(all, contestant{c.name, c.placer, given}, contestant{c.name, c.placer, shuffled})
	}
	var chosen []contestant
	for _, c := range all {
		if pattern.MatchString(c.name + " " + string(c.order)) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, usageError{fmt.Sprintf("-only %q matches no contestant", only)}
	}
	return chosen, nil
}
