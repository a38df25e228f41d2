package partition

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// transition orders the writes between two states: what shrinks comes first, a group takes ways only when nobody else holds them any
// more, and a group is made right before its values are written, because a container may be put into it as soon as it is there.
type transition struct {
	capacity   schemata.Capacity
	end        map[string]schemata.Values // the values at the end, by group
	now        map[string]schemata.Values // the values after the operations so far; a group that is not there yet has none
	missing    map[string]bool            // groups to create
	shrunk     map[string]bool
	squeezed   map[string]bool
	empty      map[string]bool // groups that are there and hold no threads
	pending    []string        // groups that have values to write, in the order of the states
	operations []Operation
	notes      []string
}

func newTransition(c schemata.Capacity, from, to schemata.State, gone []string) *transition {
	t := &transition{
		capacity: c, end: map[string]schemata.Values{}, now: map[string]schemata.Values{}, missing: map[string]bool{}, shrunk: map[string]bool{},
		squeezed: map[string]bool{}, empty: map[string]bool{},
	}
	for _, g := range from.Groups {
		if slices.Contains(gone, g.Name) {
			continue
		}
		t.now[g.Name], t.end[g.Name] = g.Schemata.Clone(), g.Schemata.Clone()
		t.empty[g.Name] = g.Tasks == 0
	}
	for _, g := range to.Groups {
		have, there := t.now[g.Name]
		if !schemata.Owned(g.Name) && (g.Name != schemata.DefaultGroup || !there) {
			continue
		}
		want := c.Writable(have, g.Schemata, !there)
		t.missing[g.Name] = !there
		t.now[g.Name] = have
		t.end[g.Name] = have.Overlay(want)
		if !there || len(want.Changes(have)) > 0 {
			t.pending = append(t.pending, g.Name)
		}
	}
	return t
}

// run empties the list of pending groups. Each round finishes one of them, shrinks one that was not shrunk yet, or brings a part of one to where
// it ends, so it ends.
func (t *transition) run() {
	for len(t.pending) > 0 {
		if i := slices.IndexFunc(t.pending, func(g string) bool { return t.only(g, lower) && len(t.meets(g, t.end[g])) == 0 }); i >= 0 {
			t.finish(i)
		} else if i := slices.IndexFunc(t.pending, func(g string) bool { return len(t.meets(g, t.end[g])) == 0 }); i >= 0 {
			t.finish(i)
		} else if !t.shrinkOne() && !t.advance() && !t.makeRoom() {
			t.changePlaces()
		}
	}
}

// changePlaces writes the last values of a group although others still use some of its ways: where each waits for another, one must begin.
// A group without threads does nobody harm meanwhile.
func (t *transition) changePlaces() {
	i := max(0, slices.IndexFunc(t.pending, func(g string) bool { return t.empty[g] }))
	g := t.pending[i]
	for _, other := range t.meets(g, t.end[g]) {
		t.notes = append(t.notes, fmt.Sprintf("%s and %s change places: for one write both use the same ways.", g, other))
	}
	t.finish(i)
}

// finish writes the last values of a pending group, and makes it first if need be.
func (t *transition) finish(i int) {
	g := t.pending[i]
	t.pending = slices.Delete(t.pending, i, i+1)
	if t.missing[g] {
		t.operations = append(t.operations, Operation{Action: Create, Group: g})
	}
	if values := t.end[g].Changes(t.now[g]); len(values) > 0 {
		t.operations = append(t.operations, Operation{Action: Write, Group: g, Values: values})
	}
	t.now[g] = t.end[g]
}

// shrinkOne gives up what a pending group does not keep, where what it keeps is legal; false if no group can.
func (t *transition) shrinkOne() bool {
	for _, g := range t.pending {
		if t.shrunk[g] || t.missing[g] {
			continue
		}
		t.shrunk[g] = true
		small := t.common(g)
		if values := small.Changes(t.now[g]); len(values) > 0 {
			t.operations = append(t.operations, Operation{Action: Write, Group: g, Values: values})
			t.now[g] = t.now[g].Overlay(small)
			return true
		}
	}
	return false
}

// advance writes the last ways of a pending group in those domains where nobody else uses them, as two groups may wait for each other in
// different domains; false if there are none.
func (t *transition) advance() bool {
	for _, g := range t.pending {
		if t.missing[g] {
			continue
		}
		if values := t.free(g).Changes(t.now[g]); len(values) > 0 {
			t.operations = append(t.operations, Operation{Action: Write, Group: g, Values: values})
			t.now[g] = t.now[g].Overlay(values)
			return true
		}
	}
	return false
}

// free are the ways that a group has at the end, of the caches in whose domain they meet nobody.
func (t *transition) free(group string) schemata.Values {
	out := schemata.Values{}
	for name, domains := range t.end[group] {
		r, ok := t.capacity.Resource(name)
		for d, end := range domains {
			if ok && r.Cache != nil && !t.meetsIn(group, r.CacheName(), d) {
				out.Set(name, d, end)
			}
		}
	}
	return out
}

// meetsIn says whether the last ways of a group meet anybody in a domain of a cache.
func (t *transition) meetsIn(group, cache string, domain int) bool {
	for other := range t.now {
		if other != group && t.shareIn(group, other, t.end[group], cache, domain) {
			return true
		}
	}
	return false
}

// common are the values that a group has both now and at the end: the ways in both masks, the lesser of both bandwidths.
func (t *transition) common(group string) schemata.Values {
	out := schemata.Values{}
	for name, domains := range t.end[group] {
		r, ok := t.capacity.Resource(name)
		for d, end := range domains {
			now, has := t.now[group].Value(name, d)
			switch {
			case !ok || !has:
			case r.Cache != nil:
				if both := now & end; both != 0 && r.Check(d, both) == nil {
					out.Set(name, d, both)
				}
			default:
				out.Set(name, d, min(now, end))
			}
		}
	}
	return out
}

// lower says whether a value takes nothing that the other does not have.
func lower(r schemata.Resource, now, end uint32) bool {
	if r.Cache != nil {
		return end&^now == 0
	}
	return end <= now
}

// only says whether all changes of a group that is there are of one kind.
func (t *transition) only(group string, kind func(r schemata.Resource, now, end uint32) bool) bool {
	if t.missing[group] {
		return false
	}
	for name, domains := range t.end[group] {
		r, _ := t.capacity.Resource(name)
		for d, end := range domains {
			if now, ok := t.now[group].Value(name, d); !ok || !kind(r, now, end) {
				return false
			}
		}
	}
	return true
}

// meets names the groups whose ways a write would come to share though the two share them neither now nor at the end.
func (t *transition) meets(group string, values schemata.Values) []string {
	var met []string
	for _, other := range slices.Sorted(maps.Keys(t.now)) {
		if other != group && t.share(group, other, values) {
			met = append(met, other)
		}
	}
	return met
}

func (t *transition) share(group, other string, values schemata.Values) bool {
	for _, r := range t.capacity.Resources {
		if r.Cache == nil {
			continue
		}
		for _, d := range r.Domains {
			if t.shareIn(group, other, values, r.CacheName(), d) {
				return true
			}
		}
	}
	return false
}

func (t *transition) shareIn(group, other string, values schemata.Values, cache string, d int) bool {
	theirs := t.now[other].Ways(cache, d)
	already := t.now[group].Ways(cache, d) & theirs
	meant := t.end[group].Ways(cache, d) & t.end[other].Ways(cache, d)
	return values.Ways(cache, d)&theirs&^already&^meant != 0
}
