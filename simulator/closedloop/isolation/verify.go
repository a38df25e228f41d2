package isolation

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Node is how a node stands, by its object on the API server and by the emulated tree, which is read past the agent.
func (a *Agents) Node(o *v1alpha1.NodeIsolation) (Node, error) {
	h, ok := a.homes[o.Name]
	if !ok {
		return Node{}, fmt.Errorf("NodeIsolation %s: no agent here is for this node", o.Name)
	}
	held, err := held(h.tree)
	if err != nil {
		return Node{}, fmt.Errorf("reading the tree of node %s: %w", o.Name, err)
	}
	n := newNode(o)
	n.Differences = differences(o, held)
	if device := waysOf(deviceWays); n.Ways != cacheWays || n.WayBytes != wayBytes || !slices.Equal(n.DeviceWays, device) {
		n.Differences = append(n.Differences, fmt.Sprintf("the report is of %d ways of %d bytes, those of devices %s; "+
			"the machine has %d of %d, those of devices %s", n.Ways, n.WayBytes, n.DeviceWays, cacheWays, wayBytes, device))
	}
	return n, nil
}

// division are the lines of schemata, sorted, by the folder of the group.
type division map[string][]string

// differences says what does not agree. The lines that a spec asks for are worked out here and not by the product's planner: all ranges
// are fixed.
func differences(o *v1alpha1.NodeIsolation, held division) []string {
	var out []string
	s := &o.Status
	if s.ObservedGeneration != o.Generation {
		out = append(out, fmt.Sprintf("the report answers to generation %d of the spec, which is at %d", s.ObservedGeneration, o.Generation))
	}
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionApplied); c == nil {
		out = append(out, "the agent has not said whether the spec is applied")
	} else if c.Status != metav1.ConditionTrue || c.Reason != v1alpha1.ReasonInForce {
		out = append(out, fmt.Sprintf("%s is %s (%s): %s", c.Type, c.Status, c.Reason, c.Message))
	}
	if s.Plan != "" {
		first, _, _ := strings.Cut(s.Plan, "\n")
		out = append(out, "steps are left to do, first: "+first)
	}
	reported := division{}
	for _, g := range s.Groups {
		reported[g.Name] = slices.Sorted(slices.Values(g.Schemata))
	}
	out = append(out, compare("the report", reported, held)...)
	return append(out, compare("the spec", asked(o.Spec), held)...)
}

// compare says where the tree is not what somebody says.
func compare(who string, says, held division) []string {
	var out []string
	groups := maps.Clone(says)
	maps.Copy(groups, held)
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		if want, is := strings.Join(says[name], " "), strings.Join(held[name], " "); want != is {
			out = append(out, fmt.Sprintf("group %s is %q in the tree, %q for %s", name, is, want, who))
		}
	}
	return out
}

// asked is what a spec of fixed ranges asks for on the machine, the default group as at boot.
func asked(spec v1alpha1.NodeIsolationSpec) division {
	d := division{schemata.DefaultGroup: {value(cacheID, strconv.FormatUint(1<<cacheWays-1, 16)), value(bandwidthID, strconv.Itoa(unlimited))}}
	for _, p := range spec.Partitions {
		mask, percent := uint64(0), int32(unlimited)
		for _, c := range p.Caches {
			if c.Cache == cacheID && c.From != nil && c.To != nil {
				mask |= 1<<*c.To - 1<<*c.From
			}
		}
		for _, b := range p.Bandwidth {
			if b.Percent != nil {
				percent = *b.Percent
			}
		}
		d[schemata.Prefix+p.Name] = []string{value(cacheID, strconv.FormatUint(mask, 16)), value(bandwidthID, strconv.Itoa(int(percent)))}
	}
	return d
}

// held is what a tree has.
func held(t tree) (division, error) {
	names, err := t.ReadDir(".")
	if err != nil {
		return nil, err
	}
	d := division{}
	for _, name := range append([]string{"./"}, names...) {
		folder, isFolder := strings.CutSuffix(name, "/")
		if !isFolder || folder == "info" || strings.HasPrefix(folder, "mon_") {
			continue
		}
		text, err := t.ReadFile(path.Join(folder, "schemata"))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			d[folder] = append(d[folder], strings.TrimSpace(line))
		}
		slices.Sort(d[folder])
	}
	return d, nil
}
