package node

import (
	"maps"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// absent names what the node does not show, by signal: resctrl or what it does not count, containers, and what these lack, such as perf events.
func absent(i isolator.Found, v *containers.View) []v1alpha1.AbsentSignal {
	why := map[string]string{}
	if i.None != "" {
		why["resctrl"] = i.None
	} else {
		maps.Copy(why, usesUnseen(i))
	}
	if v.Problem != "" {
		why["containers"] = v.Problem
	}
	for _, a := range v.Absent {
		why[string(a.Signal)] = a.Why
	}
	var out []v1alpha1.AbsentSignal
	for _, signal := range slices.Sorted(maps.Keys(why)) {
		out = append(out, v1alpha1.AbsentSignal{Signal: signal, Why: cut(why[signal], maxWhy)})
	}
	return out
}

// uses are what the kernel counts of a group: the signal, the counters' names in mon_features, and their readings.
var uses = []struct {
	signal   string
	features []string
	readings func(resctrl.Counters) []resctrl.Reading
}{
	{"cache occupancy", []string{"llc_occupancy"}, func(c resctrl.Counters) []resctrl.Reading { return []resctrl.Reading{c.Occupancy} }},
	{
		"memory bandwidth",
		[]string{"mbm_total_bytes", "mbm_local_bytes"},
		func(c resctrl.Counters) []resctrl.Reading { return []resctrl.Reading{c.Total, c.Local} },
	},
}

// usesUnseen are the signals of which no counter has a value, and why. The machine has a tree.
func usesUnseen(i isolator.Found) map[string]string {
	why := map[string]string{}
	for _, u := range uses {
		m := i.Inventory.Capacity.Monitoring
		switch {
		case m == nil:
			why[u.signal] = "the kernel has no info/L3_MON"
		case !slices.ContainsFunc(u.features, func(f string) bool { return slices.Contains(m.Features, f) }):
			why[u.signal] = "info/L3_MON/mon_features has no " + strings.Join(u.features, " or ")
		case i.Unread != nil:
			why[u.signal] = "reading the counters: " + i.Unread.Error()
		default:
			if state := best(i.Counters, u.readings); state != resctrl.Valid {
				why[u.signal] = "no counter has a value, they are " + state.String()
			}
		}
	}
	return why
}

// best is Valid if any reading is, else the state of the last one that its file told, else Missing.
func best(list []resctrl.Counters, readings func(resctrl.Counters) []resctrl.Reading) resctrl.ReadingState {
	state := resctrl.Missing
	for _, c := range list {
		for _, r := range readings(c) {
			if r.State != resctrl.Missing && state != resctrl.Valid {
				state = r.State
			}
		}
	}
	return state
}
