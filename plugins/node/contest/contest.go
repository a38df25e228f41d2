// Package contest notices that somebody else on the node writes other values into groups of Ballast, and says when to leave the groups to him.
//
// Two managers that each put their values back would do so for ever. So the values that a round left in the groups are compared with those that
// the next one finds. Nobody of Ballast writes in between, thus what differs was written by somebody else, unless the kernel did: what a
// group has that was just made, or in a domain that came back (rdtgroup_init_alloc, setup_default_ctrlval), is no sign of a manager, and
// neither is a group that is gone. Who only removes or resets groups is therefore not noticed.
//
// The package is pure: time is an argument.
package contest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

const (
	// Tries is how often groups are divided again that somebody else has rewritten within [Within]. With the next rewriting they are left.
	Tries = 3
	// Within is how long a rewriting counts.
	Within = 5 * time.Minute
	// Pause is how long the groups are left before they are divided once more. If they are rewritten within [Within] of that, they are left
	// again.
	Pause = 5 * time.Minute
)

// Watch remembers what was left in the groups, and how often they were rewritten since. The zero value has seen nothing.
type Watch struct {
	left     *schemata.State // by the round before; nil: not known
	wanted   []partition.Partition
	rewrites []time.Time // the latest, at most Tries + 1
	until    time.Time   // when the pause ends; zero: there is none
	tried    bool        // the groups were divided once more after a pause
	what     string      // was rewritten when the pause began
}

// Seen is what a round found.
type Seen struct {
	// Rewritten says that a wanted group has values that neither Ballast nor the kernel has put there.
	Rewritten bool
	// Begun says that with it the groups are left to somebody else, for the first time since they were at peace.
	Begun bool
}

// Look is the begin of a round: what it found in the groups, before it changes anything. wanted are the spec's partitions; others than in the
// round before are a new beginning.
func (w *Watch) Look(c schemata.Capacity, s schemata.State, wanted []partition.Partition, now time.Time) Seen {
	left := w.left
	w.left = nil
	if !reflect.DeepEqual(wanted, w.wanted) {
		*w = Watch{wanted: wanted}
	}
	if w.Yields() && !now.Before(w.until) {
		w.until, w.tried, w.rewrites = time.Time{}, true, slices.Repeat([]time.Time{now}, Tries)
	}
	w.rewrites = slices.DeleteFunc(w.rewrites, func(at time.Time) bool { return now.Sub(at) >= Within })
	if len(w.rewrites) == 0 {
		w.tried = false
	}
	what := ""
	if left != nil {
		what = difference(c, *left, s, wanted)
	}
	if what == "" {
		return Seen{}
	}
	w.rewrites = append(w.rewrites[max(0, len(w.rewrites)-Tries):], now)
	if len(w.rewrites) <= Tries || w.Yields() {
		return Seen{Rewritten: true}
	}
	w.until, w.what = now.Add(Pause), what
	return Seen{Rewritten: true, Begun: !w.tried}
}

// Left is the end of a round after which the groups are as that round wanted them. A round that does not end so says nothing.
func (w *Watch) Left(s schemata.State) { w.left = &s }

// Yields says that the groups are to be left to whoever rewrites them.
func (w *Watch) Yields() bool { return !w.until.IsZero() }

// Why says so in sentences, with what was rewritten.
func (w *Watch) Why() string {
	return fmt.Sprintf("Another manager of resctrl is at work on this node: %s, again although this was put back. The groups are left as they are, and "+
		"tried once more every %s, and at once when the partitions change. Look for pqos, containerd's rdt_config_file or another agent that "+
		"divides caches, and have it leave groups named %s* alone.", w.what, minutes(Pause), schemata.Prefix)
}

func minutes(d time.Duration) string { return fmt.Sprintf("%d minutes", int(d.Minutes())) }

// difference says which wanted groups have values that they were not left with, and that the kernel does not give; empty: none has.
func difference(c schemata.Capacity, left, now schemata.State, wanted []partition.Partition) string {
	var parts []string
	for _, p := range wanted {
		was, known := left.Group(schemata.Prefix + p.Name)
		is, there := now.Group(schemata.Prefix + p.Name)
		if !known || !there {
			continue
		}
		others, ours := schemata.Values{}, schemata.Values{}
		for _, r := range c.Resources {
			for _, d := range r.Domains {
				v, isV := is.Schemata.Value(r.Name, d)
				old, isOld := was.Schemata.Value(r.Name, d)
				if isV && isOld && v != old && !byKernel(r, d, v, now, is.Name) {
					others.Set(r.Name, d, v)
					ours.Set(r.Name, d, old)
				}
			}
		}
		if len(others) > 0 {
			parts = append(parts, fmt.Sprintf("%s has %s in the place of %s", is.Name, strings.Join(others.Lines(c), " "), strings.Join(ours.Lines(c), " ")))
		}
	}
	return strings.Join(parts, ", ")
}

// byKernel says whether the kernel gives a value to a group that was just made, or in a domain that came back: no limit of bandwidth, all ways, or
// of those that no group holds for itself alone the first run.
func byKernel(r schemata.Resource, domain int, v uint32, s schemata.State, group string) bool {
	switch {
	case r.Bandwidth != nil:
		return !r.Bandwidth.Limits(v)
	case r.Cache == nil:
		return false
	}
	free, shared := r.Cache.Full, r.Cache.Shareable
	for _, g := range s.Groups {
		switch ways := g.Schemata.Ways(r.CacheName(), domain); {
		case g.Name == group:
		case g.Exclusive():
			free &^= ways
		default:
			shared |= ways
		}
	}
	free |= shared
	lowest := free & -free
	return v == r.Cache.Full || v == free&^(free+lowest)
}
