package plant

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize/convex/lp"
)

// UpperBound is the largest mean performance a container that any placement of the batch on the nodes can reach under the truth.
//
// The performance of a node depends on its own mix alone, so a placement is a choice of a mix for each node, and its relaxation a
// linear programme over mixes: maximise sum_m x_m·V(m) subject to sum_m x_m·m = batch and sum_m x_m = nodes, x >= 0, over all
// mixes m of at most Slots containers, the empty one included (Metis' problem is separable in this way; the published bounds are
// computed alike). The programme is solved by gonum's simplex from the basis of nodes full of one class.
func UpperBound(truth Truth, batch []int, nodes int) (float64, error) {
	n := total(batch)
	slots := truth.Slots()
	if n == 0 || n > nodes*slots {
		return 0, fmt.Errorf("%d containers do not fit on %d nodes of %d slots", n, nodes, slots)
	}
	mixes := enumerate(len(batch), slots)
	rows := len(batch) + 1
	a := mat.NewDense(rows, len(mixes), nil)
	cost := make([]float64, len(mixes))
	basis := make([]int, rows)
	for col, mix := range mixes {
		performance, err := truth.Performance(mix)
		if err != nil {
			return 0, fmt.Errorf("bounding: %w", err)
		}
		for class, count := range mix {
			a.Set(class, col, float64(count))
			cost[col] -= float64(count) * performance[class] // the simplex minimises
			if count == slots {
				basis[class] = col
			}
		}
		a.Set(rows-1, col, 1)
		if total(mix) == 0 {
			basis[rows-1] = col
		}
	}
	b := make([]float64, rows)
	for class, count := range batch {
		b[class] = float64(count)
	}
	b[rows-1] = float64(nodes)
	const tolerance = 1e-9 // on reduced costs, which are of the order of one container's performance
	value, _, err := lp.Simplex(cost, a, b, tolerance, basis)
	if err != nil {
		return 0, fmt.Errorf("bounding %v on %d nodes: %w", batch, nodes, err)
	}
	return -value / float64(n), nil
}

// enumerate lists all mixes of at most slots containers of the given number of classes: C(classes+slots, slots) of them, 6,435
// for 7 classes and 8 slots.
func enumerate(classes, slots int) [][]int {
	var mixes [][]int
	mix := make([]int, classes)
	var fill func(class, left int)
	fill = func(class, left int) {
		if class == classes {
			mixes = append(mixes, append([]int(nil), mix...))
			return
		}
		for n := range left + 1 {
			mix[class] = n
			fill(class+1, left-n)
		}
		mix[class] = 0
	}
	fill(0, slots)
	return mixes
}
