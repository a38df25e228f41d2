// Package network learns what a call costs on its way by how far apart caller and callee run. Times are seconds.
//
// # Law
//
// Traces tell how long the calls of one service by another are under way in the mean of a window, and the pods' nodes tell which part of the
// pairs of pods runs on one node, in one zone, and in two. With callees chosen alike
//
//	seconds = a + a_link + zone·k_zone + region·k_region + noise
//
// where zone and region are the shares of pairs at these distances, a + a_link is what calls of the link take on one node (serialisation,
// proxies, waiting before the callee begins, which is the larger part and different for each), and k what the way adds. Links are taken as
// drawn from one distribution whose width is learned (package regression): so k comes from links that moved, and, with less weight, from
// comparing links with each other.
package network

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference/regression"
)

// Window is the calls of one link in one window.
type Window struct {
	// Link names caller and callee.
	Link string
	// Seconds is the mean time on the way, at least 0, of so many Calls.
	Seconds, Calls float64
	// Zone and Region are the shares of pairs of pods on two nodes of a zone, and in two zones; what is left is on one node.
	Zone, Region float64
}

// Cost is a time.
type Cost struct {
	// Seconds is the mean; StandardError is that of what the distance adds to the cost on one node, and of that on one node of itself.
	Seconds, StandardError float64
	// Calls is how many were at this distance, by the shares of pairs.
	Calls float64
	// Known says that it is known well enough to place pods by.
	Known bool
}

// Costs are those of a call on one node, between two of a zone, and between zones, the average link's.
type Costs struct{ Node, Zone, Region Cost }

const (
	// MaxLinks bounds what is learned from: those with the most calls. Solving takes its cube, some 10 ms so, and more links would tell
	// little more of two numbers.
	MaxLinks = 50
	// negligible is a standard error that does not matter whatever the mean: 0.1 % of a target of 100 ms, a point of a score.
	negligible = 100e-6
	// heavy is the number of calls beyond which more make a window no surer: then what differs between windows is not chance.
	heavy = 100
	// prior is the standard deviation of what a distance adds before there are data: a few milliseconds, as between regions of a continent.
	prior = 5e-3
	// nothing is that of what all calls take on one node, which is as much as it is: a prior there would push time of its own into the way.
	nothing = 1.0
)

// The kinds of terms: what is common to all links, what distance adds, and what is a link's own.
const (
	constant = iota
	way
	own
)

// Learn returns what windows say, in whatever order. Those out of range count for nothing. The error says that there are none.
func Learn(windows []Window) (Costs, error) {
	links := busiest(windows)
	terms := make([]int, 3+len(links))
	for i := range terms {
		terms[i] = []int{constant, way, way, own}[min(i, 3)]
	}
	var rows [][]float64
	var y []float64
	var c Costs
	for _, w := range windows {
		at, ok := links[w.Link]
		if !ok || !sound(w) {
			continue
		}
		weight := math.Sqrt(min(w.Calls, heavy) / heavy)
		row := make([]float64, len(terms))
		row[0], row[1], row[2], row[3+at] = weight, weight*w.Zone, weight*w.Region, weight
		rows, y = append(rows, row), append(y, weight*w.Seconds*1e3) // in milliseconds: better conditioned
		c.Node.Calls += w.Calls * (1 - w.Zone - w.Region)
		c.Zone.Calls += w.Calls * w.Zone
		c.Region.Calls += w.Calls * w.Region
	}
	if len(rows) == 0 {
		return Costs{}, fmt.Errorf("no window with calls and their time on the way")
	}
	design := regression.New(terms, rows, y)
	found, residual, err := regression.Learn([]*regression.Design{design}, regression.Start{
		Prior:   regression.Prior{constant: nothing * nothing * 1e6, way: prior * prior * 1e6, own: 1},
		Learned: []bool{constant: false, way: false, own: true}, Residual: 0.01, Weight: 2, Rounds: 30,
	})
	if err != nil {
		return Costs{}, fmt.Errorf("learning from %d windows: %w", len(rows), err)
	}
	p, err := design.Solve(found, residual[0], len(terms))
	if err != nil {
		return Costs{}, fmt.Errorf("learning from %d windows: %w", len(rows), err)
	}
	c.describe(p)
	return c, nil
}

// describe fills in the costs: that on one node, and with what each distance adds.
func (c *Costs) describe(p *regression.Posterior) {
	at := func(terms ...int) (mean, sd float64) {
		var variance float64
		for _, i := range terms {
			mean += p.Mean[i]
			for _, j := range terms {
				variance += p.Covariance.At(i, j)
			}
		}
		return mean / 1e3, math.Sqrt(max(variance, 0)) / 1e3
	}
	for i, cost := range []*Cost{&c.Node, &c.Zone, &c.Region} {
		terms := []int{0, i}[:min(i, 1)+1]
		cost.Seconds, cost.StandardError = at(terms...)
		if cost.Seconds < 0 {
			cost.Seconds = 0
		}
		more := cost.Seconds
		if i > 0 {
			more, cost.StandardError = at(i) // what is common to all distances matters to nobody
		}
		cost.Known = cost.Calls > 0 && cost.StandardError <= max(negligible, math.Abs(more)/2)
	}
	c.Node.Known = c.Node.Known || c.Zone.Known || c.Region.Known // what they add is known, whatever it is added to
}

// busiest numbers the links with the most calls, the most first and of equals by name.
func busiest(windows []Window) map[string]int {
	calls := make(map[string]float64)
	for _, w := range windows {
		if sound(w) {
			calls[w.Link] += w.Calls
		}
	}
	names := make([]string, 0, len(calls))
	for name := range calls {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(-cmp.Compare(calls[a], calls[b]), cmp.Compare(a, b)) })
	numbers := make(map[string]int, len(names))
	for i, name := range names[:min(len(names), MaxLinks)] {
		numbers[name] = i
	}
	return numbers
}

// sound says that a window's numbers are in range.
func sound(w Window) bool {
	return w.Seconds >= 0 && !math.IsInf(w.Seconds, 1) && w.Calls > 0 && !math.IsInf(w.Calls, 1) &&
		w.Zone >= 0 && w.Region >= 0 && w.Zone+w.Region <= 1+1e-9
}
