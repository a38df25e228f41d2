package configlp

import (
	"cmp"
	"container/heap"
	"math"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// online places pods one after the other, each where it adds most. For every item it keeps the places in order of what they add, so that a
// pod costs little more than looking at the patterns that are new since the last of its kind.
type online struct {
	*placement
	places []place // all there ever were
	queues []queue // by item
	seen   []int   // by item, how many places are in its queue
	at     map[ref]int
}

// ref names a pattern of a group.
type ref struct {
	group  int
	column int32
}

// place is a pattern and on how many nodes it stands now.
type place struct {
	ref
	nodes int
}

func newOnline(in *pattern.Instance, demand []int) *online {
	o := &online{
		placement: newPlacement(in, demand), queues: make([]queue, len(demand)), seen: make([]int, len(demand)), at: map[ref]int{},
	}
	for g, k := range in.Kinds {
		o.add(ref{g, 0}, k.Nodes)
	}
	return o
}

// add makes a pattern stand on more nodes. A place that was left by all its nodes is not used again: the queues have dropped it.
func (o *online) add(r ref, nodes int) {
	at, ok := o.at[r]
	if !ok || o.places[at].nodes == 0 {
		at = len(o.places)
		o.places, o.at[r] = append(o.places, place{ref: r}), at
	}
	o.places[at].nodes += nodes
}

// next places a pod of an item. It returns false if it fits nowhere.
func (o *online) next(item int) bool {
	q := &o.queues[item]
	for ; o.seen[item] < len(o.places); o.seen[item]++ {
		p := o.places[o.seen[item]]
		if p.nodes == 0 {
			continue
		}
		from, k := p.ref, o.in.Kinds[p.group]
		if to := k.Changed(from.column, pattern.None, item); to >= 0 {
			heap.Push(q, option{shift{from.group, from.column, to, k.Value[to] - k.Value[from.column]}, o.seen[item]})
		}
	}
	for q.Len() > 0 {
		best := (*q)[0]
		if o.places[best.place].nodes == 0 {
			heap.Pop(q)
			continue
		}
		o.places[best.place].nodes--
		o.add(ref{best.group, best.to}, 1)
		o.change(best.group, best.from, best.to)
		o.unplaced[item]--
		return true
	}
	return false
}

// option is what a pod may do: change the pattern of a place.
type option struct {
	shift
	place int
}

// queue is options in order of gain, then of groups, then of age: a heap.
type queue []option

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(cmp.Compare(b.gain, a.gain), cmp.Compare(a.group, b.group), cmp.Compare(a.place, b.place)) < 0
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is for package heap.
func (q *queue) Push(x any) { *q = append(*q, x.(option)) } //nolint:forcetypeassert // a queue holds nothing else

// Pop is for package heap.
func (q *queue) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

// inTurn places a demand online, one pod of each item in turn: the placement that a better one has to beat, and patterns to start from,
// where not all are known. What it values besides, beyond the budget, is forgotten: too many poor patterns to choose from cost time.
func inTurn(p Problem, in *pattern.Instance, demand []int) *placement {
	trial := ordered(p, in.ItemOf, in.GroupOf)
	trial.Budget = math.MaxInt
	o := newOnline(trial, demand)
	full := make([]bool, len(demand))
	for more := true; more && trial.Err == nil; {
		more = false
		for i, left := range o.unplaced {
			if left > 0 && !full[i] {
				more, full[i] = true, !o.next(i)
			}
		}
	}
	if in.Err == nil {
		in.Err = trial.Err
	}
	in.Valued += trial.Valued
	in.Budget += trial.Valued
	start := newPlacement(in, demand)
	for g, k := range trial.Kinds {
		for _, s := range o.on[g] {
			start.place(g, in.Kinds[g].Know(k.Of(s.column)), s.nodes)
		}
	}
	return start
}
