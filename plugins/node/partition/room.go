package partition

import (
	"math/bits"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// makeRoom is for groups that wait for each other's ways and keep none of their own: one goes to that part of its end which is free, else
// one is squeezed to the machine's least for a moment, so that such a part becomes free. It is false where neither can be done: then
// the ways are all in use and groups have the least already.
func (t *transition) makeRoom() bool {
	for _, g := range t.pending {
		if !t.missing[g] && t.cut(g, t.aside) {
			return true
		}
	}
	for _, g := range t.pending {
		if t.missing[g] || t.squeezed[g] {
			continue
		}
		t.squeezed[g] = true
		if t.cut(g, t.squeeze) {
			return true
		}
	}
	return false
}

// cut writes a group's part of each cache that it does not keep anything of, as far as to has a legal mask for it.
func (t *transition) cut(group string, to func(group string, r schemata.Resource, domain int) uint32) bool {
	small := schemata.Values{}
	for _, r := range t.capacity.Resources {
		if r.Cache == nil {
			continue
		}
		for _, d := range r.Domains {
			now, has := t.now[group].Value(r.Name, d)
			if !has || now&^t.end[group][r.Name][d] == 0 {
				continue
			}
			if m := to(group, r, d); m != 0 && m != now && r.Check(d, m) == nil {
				small.Set(r.Name, d, m)
			}
		}
	}
	then := t.now[group].Overlay(small)
	if len(small) == 0 || len(t.meets(group, then)) > 0 {
		return false
	}
	t.operations = append(t.operations, Operation{Action: Write, Group: group, Values: small})
	t.now[group] = then
	return true
}

// aside is the longest run of a group's ways at the end that nobody keeps it from.
func (t *transition) aside(group string, r schemata.Resource, domain int) uint32 {
	name := r.CacheName()
	var blocked uint32
	for other, values := range t.now {
		if other == group {
			continue
		}
		theirs := values.Ways(name, domain)
		already := t.now[group].Ways(name, domain) & theirs
		meant := t.end[group].Ways(name, domain) & t.end[other].Ways(name, domain)
		blocked |= theirs &^ already &^ meant
	}
	return longestRun(t.end[group][r.Name][domain] &^ blocked)
}

// squeeze is the least run of a group's ways now of which others want fewest.
func (t *transition) squeeze(group string, r schemata.Resource, domain int) uint32 {
	var wanted uint32
	for _, other := range t.pending {
		if other != group {
			wanted |= t.end[other].Ways(r.CacheName(), domain)
		}
	}
	now, least := t.now[group][r.Name][domain], r.Cache.Least()
	best := uint32(0)
	for from := 0; from+least <= r.Cache.Ways(); from++ {
		m := schemata.Run(from, from+least)
		if m&^now == 0 && (best == 0 || bits.OnesCount32(m&wanted) < bits.OnesCount32(best&wanted)) {
			best = m
		}
	}
	return best
}

// longestRun is the longest run of bits of a mask, of several the lowest.
func longestRun(mask uint32) uint32 {
	var best uint32
	for mask != 0 {
		low := bits.TrailingZeros32(mask)
		run := schemata.Run(low, low+bits.TrailingZeros64(^(uint64(mask)>>low)))
		if bits.OnesCount32(run) > bits.OnesCount32(best) {
			best = run
		}
		mask &^= run
	}
	return best
}
