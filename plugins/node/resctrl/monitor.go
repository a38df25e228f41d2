package resctrl

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// ReadingState says what a counter's file said.
type ReadingState int

// The states of a counter. Only a Valid reading has a value.
const (
	// Missing: there is no such file, or it could not be read or understood.
	Missing ReadingState = iota
	// Valid: a number.
	Valid
	// Unavailable: the hardware has no value now, for example right after the group was made.
	Unavailable
	// Unassigned: the group has no counter (AMD, assignable counters).
	Unassigned
	// Failed: the kernel could not read the counter, and says Error.
	Failed
)

// String is the state in one word.
func (s ReadingState) String() string {
	switch s {
	case Valid:
		return "valid"
	case Unavailable:
		return "unavailable"
	case Unassigned:
		return "unassigned"
	case Failed:
		return "failed"
	}
	return "missing"
}

// Reading is one counter of one group in one domain.
type Reading struct {
	State ReadingState
	// Value is in bytes; occupancy now, or traffic since the group was made.
	Value uint64
}

// Counters are the counters of one group in one L3 domain. Those of a control group are the sums of its own and of its monitor groups, so
// they go down when a monitor group is removed.
type Counters struct {
	// Group is the folder: ".", "lc", "lc/mon_groups/pod-a".
	Group  string
	Domain int
	// Occupancy of the cache, Total traffic between cache and memory, and the Local part of it, to memory of the same node.
	Occupancy, Total, Local Reading
}

// ReadCounters reads the counters of all groups, by group and domain. Where a machine's nodes share a cache (sub-NUMA clusters), the values
// are those of the whole cache. A group that goes away meanwhile is left out; one that cannot be listed is an error, see [ReadableCounters].
func ReadCounters(t Tree) ([]Counters, error) {
	out, unread, err := ReadableCounters(t)
	if err = errors.Join(append(unread, err)...); err != nil {
		return nil, err
	}
	return out, nil
}

// ReadableCounters reads the counters of all groups that can be read. Those of a group whose folder mon_data cannot be listed come last and are
// [Missing], in each domain that another group has; unread says why, and which monitor groups could not be listed. Without any counter that is
// the error.
func ReadableCounters(t Tree) (out []Counters, unread []error, err error) {
	all, unread, err := list(t)
	if err != nil {
		return nil, nil, err
	}
	var closed []string
	domains := map[int]bool{}
	for _, f := range all {
		counters, err := GroupCounters(t, f)
		if err != nil && !gone(err) {
			unread, closed = append(unread, err), append(closed, f)
		}
		for _, c := range counters {
			domains[c.Domain] = true
		}
		out = append(out, counters...)
	}
	if len(out) == 0 && len(unread) > 0 {
		return nil, nil, errors.Join(unread...)
	}
	for _, f := range closed {
		for _, d := range slices.Sorted(maps.Keys(domains)) {
			out = append(out, Counters{Group: f, Domain: d})
		}
	}
	return out, unread, nil
}

// GroupCounters reads the counters of one group. None is no error: the machine may not count.
func GroupCounters(t Tree, group string) ([]Counters, error) {
	folders, err := subfolders(t, path.Join(group, "mon_data"))
	if err != nil {
		return nil, err
	}
	var out []Counters
	for _, f := range folders {
		id, isL3 := strings.CutPrefix(f, "mon_L3_")
		domain, err := strconv.ParseUint(id, 10, 31)
		if !isL3 || err != nil {
			continue // counters of another kind, such as energy
		}
		base := path.Join(group, "mon_data", f)
		out = append(out, Counters{
			Group: group, Domain: int(domain),
			Occupancy: reading(t, path.Join(base, "llc_occupancy")),
			Total:     reading(t, path.Join(base, "mbm_total_bytes")),
			Local:     reading(t, path.Join(base, "mbm_local_bytes")),
		})
	}
	slices.SortFunc(out, func(a, b Counters) int { return a.Domain - b.Domain })
	return out, nil
}

// reading reads one counter.
func reading(t Tree, file string) Reading {
	text, err := t.ReadFile(file)
	if err != nil {
		return Reading{}
	}
	return ParseReading(string(text))
}

// ParseReading understands what the kernel writes into a counter's file (monitor.c and ctrlmondata.c, rdtgroup_mondata_show).
func ParseReading(text string) Reading {
	switch text = strings.TrimSpace(text); text {
	case "Unavailable":
		return Reading{State: Unavailable}
	case "Unassigned":
		return Reading{State: Unassigned}
	case "Error":
		return Reading{State: Failed}
	}
	v, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return Reading{}
	}
	return Reading{State: Valid, Value: v}
}

// Folders are the folders of all groups, monitor groups after their control group.
func Folders(t Tree) ([]string, error) {
	out, unread, err := list(t)
	if err = errors.Join(append(unread, err)...); err != nil {
		return nil, err
	}
	return out, nil
}

// list lists the folders of all groups; unread is why the monitor groups of some could not be.
func list(t Tree) (out []string, unread []error, err error) {
	names, err := subfolders(t, ".")
	if err != nil {
		return nil, nil, err
	}
	for _, control := range append([]string{schemata.DefaultGroup}, names...) {
		if reserved(control) {
			continue
		}
		out = append(out, control)
		monitors, err := subfolders(t, path.Join(control, "mon_groups"))
		if err != nil && !gone(err) {
			unread = append(unread, err)
		}
		for _, m := range monitors {
			out = append(out, path.Join(control, "mon_groups", m))
		}
	}
	return out, unread, nil
}
