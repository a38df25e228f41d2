package meter

import (
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// folder is one group.
type folder struct {
	name string
	// control is the control group; monitor is empty where it is that itself.
	control, monitor string
	counters         []resctrl.Counters // one for each domain
}

// in is the folder's counters in a domain, which are probably those at some place in the list; missing if it has none.
func (f *folder) in(domain, probably int) resctrl.Counters {
	if f == nil {
		return resctrl.Counters{}
	}
	if probably < len(f.counters) && f.counters[probably].Domain == domain {
		return f.counters[probably]
	}
	for _, c := range f.counters {
		if c.Domain == domain {
			return c
		}
	}
	return resctrl.Counters{}
}

// tree is one reading.
type tree struct {
	folders []*folder // in the order in which they came
	named   map[string]*folder
	// containers are the monitor groups by their name, those of one name by control group.
	containers map[string][]*folder
}

// grow sorts counters by folder.
func grow(counters []resctrl.Counters) tree {
	t := tree{named: map[string]*folder{}, containers: map[string][]*folder{}}
	var last *folder
	for _, c := range counters {
		if last == nil || last.name != c.Group {
			if last = t.named[c.Group]; last == nil {
				last = t.add(c.Group)
			}
		}
		last.counters = append(last.counters, c)
	}
	for _, list := range t.containers {
		slices.SortFunc(list, func(a, b *folder) int { return strings.Compare(a.control, b.control) })
	}
	return t
}

func (t *tree) add(group string) *folder {
	f := &folder{name: group}
	f.control, f.monitor, _ = resctrl.ControlGroup(group)
	t.folders = append(t.folders, f)
	t.named[group] = f
	if f.monitor != "" {
		t.containers[f.monitor] = append(t.containers[f.monitor], f)
	}
	return f
}
