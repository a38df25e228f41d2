package isolationfaults_test

import (
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/machines"
)

// preset is a kind of machine.
type preset struct {
	name string
	spec func() resctrlfs.Spec
}

// presets are the machines of the campaign: those of package machines with two processors to each cache, because nothing here depends on
// more, and two that are short of something.
func presets() []preset {
	small := func(ready func() machines.Spec, change func(*resctrlfs.Spec)) func() resctrlfs.Spec {
		return func() resctrlfs.Spec {
			s := ready()
			s.CPUs = 2 * len(s.CacheIDs)
			if change != nil {
				change(&s)
			}
			return s
		}
	}
	return []preset{
		{"cascade lake", small(machines.CascadeLake, nil)},
		{"milan", small(machines.Milan, nil)},
		{"haswell", small(machines.HaswellEP, func(s *resctrlfs.Spec) { s.Kernel = resctrlfs.Legacy })},
		{"cdp", small(machines.CascadeLake, func(s *resctrlfs.Spec) { s.Options.CDP = true; s.Kernel = resctrlfs.Padded })},
		{"few classes", func() resctrlfs.Spec {
			return resctrlfs.Spec{
				CPUs: 4, CacheIDs: []int{0, 1},
				L3: &controls.Cache{Bytes: 12 << 20, Ways: 12, NumCLOSIDs: 6, MinCBMBits: 1},
				MB: &controls.Bandwidth{NumCLOSIDs: 5, Min: 10, Max: 100, Granularity: 10, Linear: true},
				Monitoring: &resctrlfs.Monitoring{
					NumRMIDs: 14, Events: []string{resctrlfs.LLCOccupancy}, CacheBytes: 12 << 20, OccupancyUnit: 65536,
				},
			}
		}},
	}
}
