package configlp

import (
	"fmt"
	"math"
)

// Greedy places one pod after the other, in the order of item indices given, each on the node to whose value it adds most: what an online
// scheduler's Score does. Of several such nodes it takes one of the first group and, in it, the one that holds the pattern that came up
// first, so an empty one before others. A pod that fits nowhere stays out.
// Bound is +Inf: it proves nothing.
func Greedy(p Problem, order []int) (*Plan, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	times := make([]int, len(p.Items))
	for at, i := range order {
		if i < 0 || i >= len(p.Items) {
			return nil, fmt.Errorf("order[%d] is %d, expected an index into %d items", at, i, len(p.Items))
		}
		times[i]++
	}
	for i, n := range times {
		if n != p.Items[i].Count {
			return nil, fmt.Errorf("order has item %d %d times, expected items[%d].count, %d times", i, n, i, p.Items[i].Count)
		}
	}
	in := ordered(p, positions(len(p.Items)), positions(len(p.Groups)))
	in.Budget = math.MaxInt
	o := newOnline(in, in.Counts)
	for _, i := range order {
		o.next(i)
		if in.Err != nil {
			return nil, in.Err
		}
	}
	plan := o.plan(p.Groups)
	plan.Bound, plan.Columns = math.Inf(1), in.Valued
	return plan, nil
}
