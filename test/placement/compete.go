package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/judge"
	"github.com/ballast-k8s/ballast/test/peers/rules"
)

// result is one placement.
type result struct {
	scenario  string
	name      string
	order     order
	batch     int
	seed      int
	verdict   judge.Verdict
	violation float64     // of Medea's constraints, weighted
	bound     judge.Bound // zero where none is published
	wall      time.Duration
}

// compete lets everyone place the batches of a scenario. All contestants see the same order of arrival.
func (d *data) compete(s scenario, all []contestant, o *options, progress io.Writer) ([]result, error) {
	batches, err := d.batches(s, o.batches)
	if err != nil {
		return nil, err
	}
	var results []result
	for _, c := range all {
		begin := time.Now()
		for b, counts := range batches {
			for seed := range o.seeds {
				r, err := d.place(s, c, b, seed, counts)
				if err != nil {
					return nil, fmt.Errorf("%s, %s, batch %d: %w", c.name, c.order, b, err)
				}
				results = append(results, r)
			}
		}
		fmt.Fprintf(progress, "%-9s %-22s %-9s %d batches in %.1f s\n", s, c.name, c.order, len(batches), time.Since(begin).Seconds())
	}
	return results, nil
}

// place lets one contestant place one batch. Only its own work is timed.
func (d *data) place(s scenario, c contestant, b, seed int, counts []int) (result, error) {
	r := result{scenario: s.String(), name: c.name, order: c.order, batch: b, seed: seed}
	p := peers.Problem{Batch: counts, Nodes: s.nodes, Slots: slots, Order: peers.ByClass(counts)}
	if c.order == shuffled {
		p.Order = peers.Shuffled(counts, rand.New(rand.NewPCG(uint64(b), uint64(seed))))
	}
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(b)))
	begin := time.Now()
	placement, err := c.placer.Place(p, rng)
	r.wall = time.Since(begin)
	if err != nil {
		return r, err
	}
	if err := p.Verify(placement); err != nil {
		return r, fmt.Errorf("not a placement of the batch: %w", err)
	}
	if r.verdict, err = d.judge.Judge(placement); err != nil {
		return r, err
	}
	r.violation = rules.Total(d.rules, placement)
	if bounds := d.bounds[r.scenario]; b < len(bounds) {
		r.bound = bounds[b]
	}
	return r, nil
}
