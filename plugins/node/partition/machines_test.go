package partition

import (
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

func upTo(n int) []int {
	var out []int
	for i := range n {
		out = append(out, i)
	}
	return out
}

func l3(name string, classes int, full, shareable uint32, least int, domains []int) schemata.Resource {
	return schemata.Resource{
		Name: name, Classes: classes, Domains: domains,
		Cache: &schemata.Cache{Full: full, Shareable: shareable, MinBits: least},
	}
}

func percentMB(classes int, domains []int) schemata.Resource {
	return schemata.Resource{
		Name: "MB", Classes: classes, Domains: domains,
		Bandwidth: &schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100},
	}
}

// mibMB is bandwidth of a kernel before Linux 6.12 with the mount option mba_MBps.
func mibMB(classes int, domains []int) schemata.Resource {
	return schemata.Resource{
		Name: "MB", Classes: classes, Domains: domains,
		Bandwidth: &schemata.Bandwidth{Unit: schemata.MBps, Min: 10, Step: 10, Max: 1<<32 - 1},
	}
}

// machines are the shapes of the recorded trees and of the processors that reference notes name.
func machines() map[string]schemata.Capacity {
	amd := l3("L3", 16, 0xffff, 0, 0, append(upTo(8), 16, 17, 18, 19, 20, 21, 22, 23))
	amd.Cache.Sparse = true
	amdMB := schemata.Resource{
		Name: "MB", Classes: 16, Domains: slices.Clone(amd.Domains),
		Bandwidth: &schemata.Bandwidth{Unit: schemata.EighthGBps, Step: 1, Max: 2048},
	}
	monitoring := &schemata.Monitoring{RMIDs: 192}
	return map[string]schemata.Capacity{
		"intel full": {Resources: []schemata.Resource{l3("L3", 16, 0xfffff, 0xc0000, 1, upTo(4)), percentMB(8, upTo(4))}, Monitoring: monitoring},
		"MiB/s":      {Resources: []schemata.Resource{l3("L3", 16, 0x7ff, 0x600, 1, upTo(2)), mibMB(8, upTo(2))}},
		"no MB":      {Resources: []schemata.Resource{l3("L3", 16, 0xfffff, 0xc0000, 2, upTo(4))}},
		"no L3":      {Resources: []schemata.Resource{percentMB(8, upTo(4))}},
		"L2":         {Resources: []schemata.Resource{l3("L2", 4, 0xff, 0, 1, upTo(2))}},
		"code and data": {Resources: []schemata.Resource{
			l3("L3CODE", 8, 0xfffff, 0xc0000, 1, upTo(2)), l3("L3DATA", 8, 0xfffff, 0xc0000, 1, upTo(2)),
		}},
		"few ways":            {Resources: []schemata.Resource{l3("L3", 16, 0x7ff, 0x600, 1, upTo(2)), percentMB(8, upTo(2))}},
		"devices at low ways": {Resources: []schemata.Resource{l3("L3", 8, 0xff, 0x3, 1, upTo(1))}},
		"amd":                 {Resources: []schemata.Resource{amd, amdMB}, Monitoring: &schemata.Monitoring{RMIDs: 256}},
	}
}

// fresh is the state of a machine that nobody has divided.
func fresh(c schemata.Capacity) schemata.State {
	values := schemata.Values{}
	for _, r := range c.Resources {
		for _, d := range r.Domains {
			if r.Cache != nil {
				values.Set(r.Name, d, r.Cache.Full)
			} else {
				values.Set(r.Name, d, r.Bandwidth.Max)
			}
		}
	}
	return schemata.State{Groups: []schemata.Group{{Name: ".", Mode: "shareable", Schemata: values, Tasks: 100}}}
}

// with adds a group that has the default group's values, but for those given.
func with(s schemata.State, g schemata.Group) schemata.State {
	root, _ := s.Group(".")
	values := root.Schemata.Clone()
	for name, domains := range g.Schemata {
		for d, v := range domains {
			values.Set(name, d, v)
		}
	}
	g.Schemata = values
	if g.Mode == "" {
		g.Mode = "shareable"
	}
	s.Put(g)
	return s
}

// masks of one resource in every domain.
func all(r schemata.Resource, v uint32) map[int]uint32 {
	out := map[int]uint32{}
	for _, d := range r.Domains {
		out[d] = v
	}
	return out
}
