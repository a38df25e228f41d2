package graphpattern

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
)

// remarksMost is how many things a name says to tell a pattern from the others: more is not read.
const remarksMost = 3

// feature is something that a pattern has a number of: calls of a label, from wherever or from one other label.
type feature struct {
	label  int // sideBySide: groups of calls side by side
	caller int // label, anyone, or nobody for the entry
}

const (
	sideBySide = -1
	anyone     = -1
	nobody     = -2
)

type features map[feature]int

// Names names patterns so that a person recognises them: by the entry and, where several have the same, by what tells each from the
// others: operations that it calls or does not call, or how often it does. Names are different from each other: what three such
// remarks do not tell apart gets a number. services are the names of services by number.
func (b *Book) Names(patterns []int, services []string) []string {
	byEntry := make(map[int][]int) // positions in patterns, by label
	for at, p := range patterns {
		entry := b.Nodes[b.Patterns[p].Root].Label
		byEntry[entry] = append(byEntry[entry], at)
	}
	names := make([]string, len(patterns))
	for entry, group := range byEntry {
		all := make([]features, len(group))
		for i, at := range group {
			all[i] = b.count(b.Patterns[patterns[at]].Root)
		}
		for i, at := range group {
			with, without := remarks(i, all)
			names[at] = b.Labels[entry].text(services) + b.words(" with ", with, all, services) + b.words(" without ", without, all, services)
		}
	}
	number(names)
	return names
}

// place is a node below a call of a label.
type place struct{ node, caller int }

// below are the parts of the node at a place, and where they stand.
func (b *Book) below(at place) iter.Seq2[Part, place] {
	return func(yield func(Part, place) bool) {
		n := &b.Nodes[at.node]
		if n.Form == Call {
			at.caller = n.Label
		}
		for _, parts := range [][]Part{n.Parts, n.Background} {
			for _, p := range parts {
				if !yield(p, place{p.Node, at.caller}) {
					return
				}
			}
		}
	}
}

// count is how often each feature is in the node that a request begins with, a repeated part by the largest count of its bucket. It goes
// from there downwards with how often each place is there, so that memory is for one request, however deep.
func (b *Book) count(root int) features {
	order := []place{{root, nobody}}
	copies := map[place]int{order[0]: 1}
	for k := 0; k < len(order); k++ {
		for _, next := range b.below(order[k]) {
			if _, seen := copies[next]; !seen {
				copies[next] = 0
				order = append(order, next)
			}
		}
	}
	slices.SortFunc(order, func(x, y place) int { return y.node - x.node }) // parts have lower numbers than the node that they are in
	sum := features{}
	for _, at := range order {
		times := copies[at]
		for p, next := range b.below(at) {
			_, most := p.Bucket.Range()
			copies[next] = plus(copies[next], most, times)
		}
		switch n := &b.Nodes[at.node]; n.Form {
		case Call:
			for _, caller := range []int{anyone, at.caller} {
				f := feature{n.Label, caller}
				sum[f] = plus(sum[f], 1, times)
			}
		case Parallel:
			f := feature{sideBySide, anyone}
			sum[f] = plus(sum[f], 1, times)
		}
	}
	return sum
}

// plus is sum + a·b, of what is not too many to tell apart.
func plus(sum, a, b int) int { return int(min(float64(sum)+float64(a)*float64(b), math.MaxInt32)) }

// remark is one thing that tells a pattern from others: it has a feature, has it not, or has it so often.
type remark struct {
	feature
	is    func(count int) bool
	often string
}

// remarks says what tells pattern i from the others of the same entry, the most telling first: what it has, and what it has not.
// Numbers of calls by caller are for when nothing else does.
func remarks(i int, all []features) (with, without []remark) {
	rest := slices.Delete(slices.Clone(all), i, i+1)
	for range remarksMost {
		has, often, hasNot, detail := candidates(all[i], rest)
		best, excluded := telling(slices.Concat(has, often, hasNot), rest)
		if excluded == 0 {
			best, excluded = telling(detail, rest)
		}
		if excluded == 0 {
			break
		}
		rest = slices.DeleteFunc(rest, func(other features) bool { return !best.is(other[best.feature]) })
		if best.is(0) {
			without = append(without, best)
		} else {
			with = append(with, best)
		}
	}
	return with, without
}

// telling is the remark that excludes the most others, the first of these.
func telling(list []remark, rest []features) (best remark, excluded int) {
	for _, r := range list {
		n := 0
		for _, other := range rest {
			if !r.is(other[r.feature]) {
				n++
			}
		}
		if n > excluded {
			best, excluded = r, n
		}
	}
	return best, excluded
}

// candidates are the remarks that hold for a pattern: what it has, how often, what it has not, and how often by caller. Of what it has not,
// that which most others have is enough.
func candidates(of features, rest []features) (has, often, hasNot, detail []remark) {
	for _, f := range slices.SortedFunc(maps.Keys(of), inOrder) {
		bucket := bucketOf(of[f])
		so := remark{f, func(n int) bool { return n > 0 && bucketOf(n) == bucket }, cmp.Or(bucket.String(), "once")}
		switch f.caller {
		case nobody: // the entry
		case anyone:
			has = append(has, remark{f, func(n int) bool { return n > 0 }, ""})
			often = append(often, so)
		default:
			detail = append(detail, so)
		}
	}
	others := make(map[feature]int) // that have it
	for _, counts := range rest {
		for f := range counts {
			if f.caller == anyone && of[f] == 0 {
				others[f]++
			}
		}
	}
	if len(others) > 0 {
		most := slices.MinFunc(slices.Collect(maps.Keys(others)), func(a, b feature) int {
			return cmp.Or(cmp.Compare(others[b], others[a]), inOrder(a, b))
		})
		hasNot = append(hasNot, remark{most, func(n int) bool { return n == 0 }, ""})
	}
	return has, often, hasNot, detail
}

// inOrder puts features in the order in which their operations came.
func inOrder(a, b feature) int {
	return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.caller, b.caller))
}

// words writes remarks out.
func (b *Book) words(before string, list []remark, all []features, services []string) string {
	var texts []string
	for _, r := range list {
		text := "calls side by side"
		if r.label != sideBySide {
			text = b.short(r.label, all, services)
		}
		if r.often != "" {
			text += " " + r.often
		}
		if r.caller != anyone {
			text += " from " + b.short(r.caller, all, services)
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return ""
	}
	return before + strings.Join(texts, ", ")
}

// short is a label by its service alone where the patterns call no other operation of it.
func (b *Book) short(label int, all []features, services []string) string {
	l := b.Labels[label]
	for _, counts := range all {
		for f := range counts {
			if f.label != sideBySide && f.label != label && b.Labels[f.label].Service == l.Service {
				return l.text(services)
			}
		}
	}
	if l.Service < 0 || l.Service >= len(services) {
		return l.text(services)
	}
	return services[l.Service]
}

// text is service and operation.
func (l Label) text(services []string) string {
	if l.Service == callgraph.Unknown || l.Service >= len(services) {
		return l.Operation
	}
	return services[l.Service] + " " + l.Operation
}

// number adds #2, #3 to names that were there before.
func number(names []string) {
	seen := make(map[string]int)
	for i, name := range names {
		seen[name]++
		if seen[name] > 1 {
			names[i] = fmt.Sprintf("%s #%d", name, seen[name])
		}
	}
}
