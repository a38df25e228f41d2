package node

import (
	"strconv"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// inventoryDocument is what a tree shows, as JSON (docs/formats.md). What is not known is absent: it is not 0, and no empty list.
type inventoryDocument struct {
	// Classes is how many control groups the machine tells apart, absent where nothing can be divided; ClassesInUse is how many there are.
	Classes      int                 `json:"classes,omitempty"`
	ClassesInUse int                 `json:"classesInUse"`
	Resources    []inventoryResource `json:"resources"`
	// Monitoring is absent where the machine does not count.
	Monitoring *inventoryMonitoring `json:"monitoring,omitempty"`
	Groups     []inventoryGroup     `json:"groups"`
	// Unread says what could not be read or understood, one sentence each.
	Unread []string `json:"unread"`
}

// inventoryResource is one line of schemata: a cache or a bandwidth.
type inventoryResource struct {
	Name      string              `json:"name"`
	Classes   int                 `json:"classes"`
	Domains   []int               `json:"domains"`
	Cache     *inventoryCache     `json:"cache,omitempty"`
	Bandwidth *inventoryBandwidth `json:"bandwidth,omitempty"`
}

// inventoryCache is how a cache can be divided. Masks are hexadecimal as the kernel writes them.
type inventoryCache struct {
	Ways          int    `json:"ways"`
	Mask          string `json:"mask"`
	ShareableMask string `json:"shareableMask"`
	// MinWays is the fewest ways that a group is given.
	MinWays     int  `json:"minWays"`
	SparseMasks bool `json:"sparseMasks"`
	DeviceClass bool `json:"deviceClass"`
	// WayBytes is the size of one way by domain, of those where it is known.
	WayBytes map[int]uint64 `json:"wayBytes,omitempty"`
}

// inventoryBandwidth is how a bandwidth can be limited, in Unit. Max is the value without a limit.
type inventoryBandwidth struct {
	Unit string `json:"unit"`
	Min  uint32 `json:"min"`
	Step uint32 `json:"step"`
	Max  uint32 `json:"max"`
}

type inventoryMonitoring struct {
	RMIDs    int      `json:"rmids"`
	Features []string `json:"features"`
}

// inventoryGroup is one control group. The default group is called ".".
type inventoryGroup struct {
	Group   string  `json:"group"`
	Mode    string  `json:"mode,omitempty"`
	Threads *int    `json:"threads,omitempty"`
	CPUs    *string `json:"cpus,omitempty"`
	// Schemata are the lines with what is understood of them.
	Schemata []string `json:"schemata,omitempty"`
	Monitors []string `json:"monitors,omitzero"`
}

// unitWords are the units of bandwidth.
var unitWords = map[schemata.Unit]string{schemata.Percent: "percent", schemata.EighthGBps: "eighthGBps", schemata.MBps: "MiBps"}

func inventoryOf(i resctrl.Inventory) inventoryDocument {
	doc := inventoryDocument{
		Classes: i.Capacity.Classes(), ClassesInUse: len(i.State.Groups), Resources: []inventoryResource{}, Groups: []inventoryGroup{},
		Unread: append([]string{}, i.Unread...),
	}
	for _, r := range i.Capacity.Resources {
		is := inventoryResource{Name: r.Name, Classes: r.Classes, Domains: r.Domains}
		if c := r.Cache; c != nil {
			is.Cache = &inventoryCache{
				Ways: c.Ways(), Mask: hexadecimal(c.Full), ShareableMask: hexadecimal(c.Shareable), MinWays: c.Least(), SparseMasks: c.Sparse,
				DeviceClass: c.DeviceClass, WayBytes: c.WayBytes,
			}
		}
		if b := r.Bandwidth; b != nil {
			is.Bandwidth = &inventoryBandwidth{Unit: unitWords[b.Unit], Min: b.Min, Step: b.Step, Max: b.Max}
		}
		doc.Resources = append(doc.Resources, is)
	}
	if m := i.Capacity.Monitoring; m != nil {
		doc.Monitoring = &inventoryMonitoring{RMIDs: m.RMIDs, Features: append([]string{}, m.Features...)}
	}
	for _, g := range i.State.Groups {
		is := inventoryGroup{Group: encodable(g.Name), Mode: g.Mode, Schemata: g.Schemata.Lines(i.Capacity)}
		if i.Knows(g.Name, "tasks") {
			is.Threads = new(g.Tasks)
		}
		if i.Knows(g.Name, "cpus_list") {
			is.CPUs = new(g.CPUs)
		}
		if i.Knows(g.Name, "mon_groups") {
			is.Monitors = []string{}
			for _, m := range g.Monitors {
				is.Monitors = append(is.Monitors, encodable(m))
			}
		}
		doc.Groups = append(doc.Groups, is)
	}
	return doc
}

func hexadecimal(mask uint32) string { return strconv.FormatUint(uint64(mask), 16) }
