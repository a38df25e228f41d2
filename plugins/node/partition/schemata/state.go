package schemata

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

const (
	// Prefix begins the directory name of every group that Ballast owns.
	Prefix = "ballast-"
	// DefaultGroup is the kernel's default group, the root of the tree: every task that nobody moved is in it.
	DefaultGroup = "."
)

// Values are control values by resource name and domain: for a cache a mask of ways, for a bandwidth a number in the resource's unit.
// What is not in it is not stated.
type Values map[string]map[int]uint32

// Group is one control group.
type Group struct {
	// Name of the directory, or DefaultGroup.
	Name string
	// Mode of the group: shareable, exclusive, pseudo-locksetup, pseudo-locked; empty where it could not be read.
	Mode     string
	Schemata Values
	// Tasks is the number of threads in the group, as far as the reader's pid namespace shows them.
	Tasks int
	// CPUs are the processors whose tasks of the default group count as this group's, in list form; empty: none.
	CPUs string
	// Monitors are the names of the monitor groups in it. Each takes an RMID.
	Monitors []string
}

// Exclusive says whether the group keeps others out of its ways: a mask of another group that meets them is refused (fs/resctrl,
// rdtgroup_cbm_overlaps and rdtgroup_cbm_overlaps_pseudo_locked). One that is still to be locked (pseudo-locksetup) has none yet. A mode that could
// not be read, or that no kernel knows, keeps nobody out: the kernel makes every group shareable.
func (g Group) Exclusive() bool { return g.Mode == "exclusive" || g.Mode == "pseudo-locked" }

// State is the control groups of a tree, the default group first, then by name.
type State struct {
	Groups []Group
}

// Group returns the group of that name.
func (s State) Group(name string) (Group, bool) {
	for _, g := range s.Groups {
		if g.Name == name {
			return g, true
		}
	}
	return Group{}, false
}

// Owned says whether the group is Ballast's to create, change and remove. The default group is not: it is changed only when asked.
func Owned(name string) bool { return strings.HasPrefix(name, Prefix) }

// Foreign are the names of the groups that belong to somebody else.
func (s State) Foreign() []string {
	var names []string
	for _, g := range s.Groups {
		if g.Name != DefaultGroup && !Owned(g.Name) {
			names = append(names, g.Name)
		}
	}
	return names
}

// Set states one value.
func (s Values) Set(resource string, domain int, value uint32) {
	if s[resource] == nil {
		s[resource] = map[int]uint32{}
	}
	s[resource][domain] = value
}

// Value returns a stated value.
func (s Values) Value(resource string, domain int) (uint32, bool) {
	v, ok := s[resource][domain]
	return v, ok
}

// Clone copies the values.
func (s Values) Clone() Values {
	if s == nil {
		return nil
	}
	c := make(Values, len(s))
	for name, domains := range s {
		c[name] = maps.Clone(domains)
	}
	return c
}

// Overlay are the values with those of another put over them.
func (s Values) Overlay(over Values) Values {
	out := s.Clone()
	if out == nil {
		out = Values{}
	}
	for name, domains := range over {
		for d, v := range domains {
			out.Set(name, d, v)
		}
	}
	return out
}

// Only are the values for resources and domains that the machine has.
func (c Capacity) Only(values Values) Values {
	out := Values{}
	for _, r := range c.Resources {
		for _, d := range r.Domains {
			if v, ok := values.Value(r.Name, d); ok {
				out.Set(r.Name, d, v)
			}
		}
	}
	return out
}

// Lines are the values as the kernel takes them, one line for each resource by name: L3:0=f;1=f. Masks are hexadecimal, bandwidths decimal.
func (s Values) Lines(c Capacity) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		r, ok := c.Resource(name)
		if !ok || len(s[name]) == 0 {
			continue
		}
		var b strings.Builder
		b.WriteString(name)
		separator := ":"
		for _, d := range slices.Sorted(maps.Keys(s[name])) {
			format := "%s%d=%d"
			if r.Cache != nil {
				format = "%s%d=%x"
			}
			fmt.Fprintf(&b, format, separator, d, s[name][d])
			separator = ";"
		}
		lines = append(lines, b.String())
	}
	return lines
}

// Clone copies the state and its values.
func (s State) Clone() State {
	groups := slices.Clone(s.Groups)
	for i := range groups {
		groups[i].Schemata = groups[i].Schemata.Clone()
		groups[i].Monitors = slices.Clone(groups[i].Monitors)
	}
	return State{Groups: groups}
}

// Put adds or replaces a group and keeps the order.
func (s *State) Put(g Group) {
	i, found := slices.BinarySearchFunc(s.Groups, g.Name, func(have Group, name string) int { return compareNames(have.Name, name) })
	if found {
		s.Groups[i] = g
		return
	}
	s.Groups = slices.Insert(s.Groups, i, g)
}

// Drop takes a group out.
func (s *State) Drop(name string) {
	s.Groups = slices.DeleteFunc(s.Groups, func(g Group) bool { return g.Name == name })
}

// Sort puts the groups into the order of a State.
func (s *State) Sort() {
	slices.SortFunc(s.Groups, func(a, b Group) int { return compareNames(a.Name, b.Name) })
}

func compareNames(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == DefaultGroup:
		return -1
	case b == DefaultGroup:
		return 1
	}
	return strings.Compare(a, b)
}

// Difference says what of a wanted state is not so in another, one sentence each: groups that are missing or should not be there, and
// values that differ. Values that want does not state, and groups of others that it does not name, are not compared.
func Difference(want, have State) []string {
	var out []string
	for _, w := range want.Groups {
		h, ok := have.Group(w.Name)
		if !ok {
			out = append(out, fmt.Sprintf("group %s is missing", w.Name))
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(w.Schemata)) {
			for _, d := range slices.Sorted(maps.Keys(w.Schemata[name])) {
				out = appendDifferent(out, w, h, name, d)
			}
		}
	}
	for _, h := range have.Groups {
		if _, ok := want.Group(h.Name); !ok && Owned(h.Name) {
			out = append(out, fmt.Sprintf("group %s should not be there", h.Name))
		}
	}
	return out
}

func appendDifferent(out []string, want, have Group, name string, domain int) []string {
	w := want.Schemata[name][domain]
	h, ok := have.Schemata.Value(name, domain)
	switch {
	case !ok:
		return append(out, fmt.Sprintf("group %s has no value for %s domain %d", want.Name, name, domain))
	case h != w:
		return append(out, fmt.Sprintf("group %s has %s:%d=%s, wanted %s", want.Name, name, domain, value(name, h), value(name, w)))
	}
	return out
}

// value prints a value in the base that schemata uses for the resource.
func value(resource string, v uint32) string {
	if strings.HasPrefix(resource, "L") {
		return strconv.FormatUint(uint64(v), 16)
	}
	return strconv.FormatUint(uint64(v), 10)
}

// Ranges prints ascending numbers as ranges: 0-7,16-23.
func Ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		if i == j {
			parts = append(parts, strconv.Itoa(numbers[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d-%d", numbers[i], numbers[j]))
		}
		i = j + 1
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ",")
}

// Ways are the ways of a cache that the values allow, for code or data.
func (s Values) Ways(cache string, domain int) uint32 {
	return s[cache][domain] | s[cache+"CODE"][domain] | s[cache+"DATA"][domain]
}

// WayRanges prints a mask as way numbers: 0-3,8.
func WayRanges(mask uint32) string {
	var ways []int
	for m := mask; m != 0; m &= m - 1 {
		ways = append(ways, bits.TrailingZeros32(m))
	}
	return Ranges(ways)
}
