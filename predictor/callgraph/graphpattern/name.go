package graphpattern

import (
	"cmp"
	"fmt"
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
	caller int // label, anyone, or nobody yet while a node is counted
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
	counts := make(map[int]features) // by node
	byEntry := make(map[int][]int)   // positions in patterns, by label
	for at, p := range patterns {
		root := b.Patterns[p].Root
		b.count(root, counts)
		byEntry[b.Nodes[root].Label] = append(byEntry[b.Nodes[root].Label], at)
	}
	names := make([]string, len(patterns))
	for entry, group := range byEntry {
		all := make([]features, len(group))
		for i, at := range group {
			all[i] = counts[b.Patterns[patterns[at]].Root]
		}
		for i, at := range group {
			with, without := remarks(i, all)
			names[at] = b.Labels[entry].text(services) + b.words(" with ", with, all, services) + b.words(" without ", without, all, services)
		}
	}
	number(names)
	return names
}

// count fills in how often each feature is in a node, a repeated part by the largest count of its bucket. Every node below is counted
// once, however often it is repeated.
func (b *Book) count(node int, counts map[int]features) {
	var below []int
	for stack := []int{node}; len(stack) > 0; {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if _, seen := counts[i]; seen {
			continue
		}
		counts[i] = features{}
		below = append(below, i)
		for _, p := range slices.Concat(b.Nodes[i].Parts, b.Nodes[i].Background) {
			stack = append(stack, p.Node)
		}
	}
	slices.Sort(below) // parts have lower numbers than the node that they are in
	for _, i := range below {
		b.countOne(i, counts)
	}
}

func (b *Book) countOne(i int, counts map[int]features) {
	n, sum := &b.Nodes[i], counts[i]
	switch n.Form {
	case Call:
		sum[feature{n.Label, anyone}], sum[feature{n.Label, nobody}] = 1, 1
	case Parallel:
		sum[feature{sideBySide, anyone}] = 1
	}
	for _, p := range slices.Concat(n.Parts, n.Background) {
		_, times := p.Bucket.Range()
		for f, k := range counts[p.Node] {
			if f.caller == nobody && n.Form == Call {
				f.caller = n.Label
			}
			sum[f] = int(min(float64(sum[f])+float64(times)*float64(k), math.MaxInt32))
		}
	}
}

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

// candidates are the remarks that hold for a pattern: what it has, how often, what it has not, and how often by caller.
func candidates(of features, rest []features) (has, often, hasNot, detail []remark) {
	known := make(map[feature]bool)
	for _, counts := range append(rest, of) {
		for f := range counts {
			known[f] = true
		}
	}
	inOrder := slices.SortedFunc(maps.Keys(known), func(a, b feature) int {
		return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.caller, b.caller))
	})
	for _, f := range inOrder {
		k := of[f]
		if k == 0 {
			if f.caller == anyone {
				hasNot = append(hasNot, remark{f, func(n int) bool { return n == 0 }, ""})
			}
			continue
		}
		bucket := bucketOf(k)
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
	return has, often, hasNot, detail
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
