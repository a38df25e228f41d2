package isolationfaults_test

import (
	"fmt"
	"maps"
	"math/bits"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
)

// shot is what a tree shows at one moment, read by other code than the product's.
type shot struct {
	groups map[string]*groupShot // control groups; "." is the default one
	at     map[int]string        // the control group of each thread
}

// groupShot is one control group. The texts are the files as they are.
type groupShot struct {
	schemata, mode, cpus, tasks string
	monitors                    map[string]string // the tasks of its monitor groups
	values                      map[string]map[int]uint32
	threads                     int
}

func (g *groupShot) ways(domain int) uint32 {
	return g.values["L3"][domain] | g.values["L3CODE"][domain] | g.values["L3DATA"][domain]
}

// take reads the tree. It must not be hit by faults.
func take(t *resctrlfs.Tree) (*shot, error) {
	s := &shot{groups: map[string]*groupShot{}, at: map[int]string{}}
	folders, err := t.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, folder := range append([]string{"./"}, folders...) {
		name, is := strings.CutSuffix(folder, "/")
		if !is || name == "info" || name == "mon_data" || name == "mon_groups" {
			continue
		}
		if s.groups[name], err = takeGroup(t, name); err != nil {
			return nil, err
		}
		for id := range strings.FieldsSeq(s.groups[name].tasks) {
			tid, err := strconv.Atoi(id)
			if err != nil {
				return nil, err
			}
			s.at[tid] = name
			s.groups[name].threads++
		}
	}
	return s, nil
}

func takeGroup(t *resctrlfs.Tree, name string) (*groupShot, error) {
	g := &groupShot{monitors: map[string]string{}}
	for file, text := range map[string]*string{"schemata": &g.schemata, "mode": &g.mode, "cpus_list": &g.cpus, "tasks": &g.tasks} {
		b, err := t.ReadFile(path.Join(name, file))
		if err != nil {
			return nil, err
		}
		*text = string(b)
	}
	monitors, err := t.ReadDir(path.Join(name, "mon_groups"))
	if err != nil {
		return nil, err
	}
	for _, m := range monitors {
		b, err := t.ReadFile(path.Join(name, "mon_groups", m, "tasks"))
		if err != nil {
			return nil, err
		}
		g.monitors[strings.TrimSuffix(m, "/")] = string(b)
	}
	g.values, err = parse(g.schemata)
	return g, err
}

// parse reads the text of a schemata file, padded or not.
func parse(text string) (map[string]map[int]uint32, error) {
	values := map[string]map[int]uint32{}
	for line := range strings.Lines(text) {
		name, list, _ := strings.Cut(strings.TrimSpace(line), ":")
		values[name] = map[int]uint32{}
		base := 16
		if name == "MB" {
			base = 10
		}
		for item := range strings.SplitSeq(list, ";") {
			id, value, _ := strings.Cut(item, "=")
			d, err := strconv.Atoi(strings.TrimSpace(id))
			if err != nil {
				return nil, err
			}
			v, err := strconv.ParseUint(strings.TrimSpace(value), base, 32)
			if err != nil {
				return nil, err
			}
			values[name][d] = uint32(v)
		}
	}
	return values, nil
}

// legal says which value the kernel should not have taken, by its own rules: cbm_validate, rdtgroup_cbm_overlaps and bw_validate in
// fs/resctrl/ctrlmondata.c and rdtgroup.c. A group of ours has a way of every cache.
func (s *shot) legal(spec *resctrlfs.Spec, online []int) string {
	for name, g := range s.groups {
		for line, domains := range g.values {
			if len(domains) != len(online) {
				return fmt.Sprintf("%s %s has %d domains of %d", name, line, len(domains), len(online))
			}
			for d, v := range domains {
				why := ""
				if line == "MB" {
					why = legalBandwidth(spec, v)
				} else {
					why = s.legalMask(spec, name, d, v)
				}
				if why != "" || !slices.Contains(online, d) {
					return fmt.Sprintf("%s %s:%d=%x is not legal: %s", name, line, d, v, why)
				}
			}
		}
	}
	return ""
}

func (s *shot) legalMask(spec *resctrlfs.Spec, name string, d int, v uint32) string {
	digits := strings.Trim(strconv.FormatUint(uint64(v), 2), "0")
	first, _, _ := strings.Cut(digits, "0")
	switch {
	case v == 0 && (spec.L3.MinCBMBits > 0 || ours(name)):
		return "no way"
	case bits.Len32(v) > spec.L3.Ways:
		return "more ways than there are"
	case first != digits && (!spec.L3.SparseMasks || ours(name)):
		return "a hole"
	case len(first) < spec.L3.MinCBMBits:
		return "too few ways"
	}
	for other, g := range s.groups {
		if other != name && strings.TrimSpace(g.mode) == "exclusive" && g.ways(d)&v != 0 {
			return "meets the exclusive group " + other
		}
	}
	return ""
}

func legalBandwidth(spec *resctrlfs.Spec, v uint32) string {
	b := spec.MB
	if v < b.Min || v > b.Max || v%b.Granularity != 0 && v != b.Max {
		return "bandwidth out of range or step"
	}
	return ""
}

// ours says whether a group is Ballast's.
func ours(name string) bool { return strings.HasPrefix(name, "ballast-") }

// foreign are the names of the groups that belong to somebody else.
func (s *shot) foreign() []string {
	var out []string
	for name := range s.groups {
		if name != "." && !ours(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// pair is two groups of ours, the lesser name first, and a domain.
type pair struct {
	a, b   string
	domain int
}

// sharing are the ways that two groups of ours both may use; with used set, only where both have threads.
func (s *shot) sharing(ids []int, used bool) map[pair]uint32 {
	out := map[pair]uint32{}
	for a, ga := range s.groups {
		for b, gb := range s.groups {
			if a >= b || !ours(a) || !ours(b) || used && (ga.threads == 0 || gb.threads == 0) {
				continue
			}
			for _, d := range ids {
				if both := ga.ways(d) & gb.ways(d); both != 0 {
					out[pair{a, b, d}] = both
				}
			}
		}
	}
	return out
}

// String shows the groups of ours with their values: value, then the domains that have it.
func (s *shot) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		g := s.groups[name]
		if !ours(name) {
			fmt.Fprintf(&b, "  %s, %d threads\n", name, g.threads)
			continue
		}
		fmt.Fprintf(&b, "  %s, %d threads", name, g.threads)
		for _, line := range slices.Sorted(maps.Keys(g.values)) {
			where := map[uint32][]int{}
			for _, d := range slices.Sorted(maps.Keys(g.values[line])) {
				where[g.values[line][d]] = append(where[g.values[line][d]], d)
			}
			for _, v := range slices.Sorted(maps.Keys(where)) {
				fmt.Fprintf(&b, "; %s %x: %v", line, v, where[v])
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
