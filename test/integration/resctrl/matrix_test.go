package resctrl_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	presets "github.com/ballast-k8s/ballast/simulator/resctrlfs/machines"
)

// withL2 is Cascade Lake with L2 caches of 16 ways that can be divided too, which no server processor has today.
func withL2() resctrlfs.Spec {
	s := presets.CascadeLake()
	s.L2IDs = []int{0, 1, 2, 3}
	s.L2 = &controls.Cache{Bytes: 1 << 20, Ways: 16, NumCLOSIDs: 12, MinCBMBits: 1, CDPCapable: true}
	return s
}

// matrix is every machine with every kernel and every set of mount options that it can do, by name.
func matrix() map[string]resctrlfs.Spec {
	out := map[string]resctrlfs.Spec{}
	for machine, spec := range map[string]resctrlfs.Spec{
		"Haswell": presets.HaswellEP(), "Cascade Lake": presets.CascadeLake(), "Sapphire Rapids": presets.SapphireRapids(),
		"Milan": presets.Milan(), "L2": withL2(),
	} {
		for kernel, number := range map[string]kerneltext.Kernel{
			"Modern": resctrlfs.Modern, "Padded": resctrlfs.Padded, "Legacy": resctrlfs.Legacy,
		} {
			for set := range 8 {
				o := resctrlfs.Options{CDP: set&1 != 0, CDPL2: set&2 != 0, MBps: set&4 != 0}
				s := spec
				s.Kernel, s.Options = number, o
				if s.Validate() == nil {
					out[fmt.Sprintf("%s %s %s", machine, kernel, strings.TrimPrefix(o.String(), "rw,relatime"))] = s
				}
			}
		}
	}
	return out
}

// eachMachine runs a test on the whole matrix.
func eachMachine(t *testing.T, test func(t *testing.T, spec resctrlfs.Spec, random *rand.Rand)) {
	t.Helper()
	// Haswell has no options; Cascade Lake and Sapphire Rapids have cdp and mba_MBps, Milan cdp, the one with L2 all three.
	all := matrix()
	if want := 3 * (1 + 4 + 4 + 2 + 8); len(all) != want {
		t.Fatalf("%d machines, want %d", len(all), want)
	}
	for name, spec := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, spec, rand.New(rand.NewPCG(uint64(len(name)), 7)))
		})
	}
}

// anyWish is up to five partitions for any machine, of which most lists fit: counts and ranges of ways, of code and data together or apart, in all
// domains or in one, and limits.
func anyWish(random *rand.Rand, c schemata.Capacity) []partition.Partition {
	var out []partition.Partition
	for i := range random.IntN(6) {
		p := partition.Partition{Name: string(rune('a' + i))}
		together := random.IntN(2) == 0
		seen := map[string]bool{}
		for _, r := range c.Resources {
			name := r.Name
			if together && r.Cache != nil {
				name = r.CacheName()
			}
			switch {
			case seen[name] || random.IntN(6) == 0:
			case r.Cache != nil:
				p.Ways = append(p.Ways, anyWays(random, name, r))
			case random.IntN(2) == 0:
				p.Bandwidth = append(p.Bandwidth, anyLimit(random, r))
			}
			seen[name] = true
		}
		out = append(out, p)
	}
	return out
}

func anyWays(random *rand.Rand, name string, r schemata.Resource) partition.Ways {
	least, most := r.Cache.Least(), r.Cache.Ways()
	w := partition.Ways{Cache: name, Shared: random.IntN(8) == 0}
	if n := least + random.IntN(max(1, most/3-least+1)); random.IntN(3) > 0 {
		w.Count = n
	} else {
		w.From = random.IntN(most - n + 1)
		w.To = w.From + n
	}
	if random.IntN(5) == 0 {
		w.Domains = r.Domains[:1]
	}
	return w
}

func anyLimit(random *rand.Rand, r schemata.Resource) partition.Limit {
	l := partition.Limit{Resource: r.Name}
	switch {
	case random.IntN(6) == 0:
		l.Percent = 100
	case r.Bandwidth.Unit == schemata.Percent:
		l.Percent = 1 + random.IntN(100)
	default:
		l.MBps = 1 + random.IntN(300_000)
	}
	return l
}

// alike is a state in which all values in MiB/s that are no limit are the same number: kernels before 6.12 cannot be given back 2^32-1, see
// schemata.Bandwidth.
func alike(i resctrl.Inventory) schemata.State {
	s := i.State.Clone()
	for _, g := range s.Groups {
		for _, r := range i.Capacity.Resources {
			for d, v := range g.Schemata[r.Name] {
				if r.Bandwidth != nil && r.Bandwidth.Unit == schemata.MBps && v >= 4294967290 {
					g.Schemata[r.Name][d] = 4294967295
				}
			}
		}
	}
	return s
}
