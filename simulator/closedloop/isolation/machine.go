package isolation

import (
	"fmt"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
)

// Processor is what the emulated trees are like, in a few words.
const Processor = "a socket like that of an Intel Xeon Silver 4214: L3 of 16.5 MiB in 11 ways, the upper two shared with devices; " +
	"memory bandwidth in steps of 10 %"

const (
	cacheWays   = 11
	wayBytes    = 3 << 19 // 1.5 MiB
	deviceWays  = 0x600   // 9 and 10
	processors  = 24
	domain      = 0   // the one L3 cache
	unlimited   = 100 // percent
	bandwidthID = "MB"
	cacheID     = "L3"
)

// machine is such a socket (Cascade Lake): of the processors with 11 or 12 ways, that whose cache is nearest to the 16 MB that
// hotel.Interference reckons with. Classes, ways shared with devices and steps are those usual for its family. It divides and does not
// count, as a kernel that is booted with rdt=!cmt,!mbmtotal,!mbmlocal: the plant does not tell what a group would have used.
func machine() resctrlfs.Spec {
	const classes, bandwidthClasses, step = 16, 8, 10
	return resctrlfs.Spec{
		CPUs: processors, CacheIDs: []int{domain},
		L3: &controls.Cache{Bytes: cacheWays * wayBytes, Ways: cacheWays, NumCLOSIDs: classes, MinCBMBits: 1, ShareableBits: deviceWays},
		MB: &controls.Bandwidth{
			NumCLOSIDs: bandwidthClasses, Min: step, Max: unlimited, Granularity: step, Linear: true, ThrottleMode: "max",
		},
	}
}

// tree is the tree of one node. It is open as long as it is there.
type tree struct{ *resctrlfs.Tree }

// Close does nothing: memory is not closed.
func (tree) Close() error { return nil }

func newTree() (tree, error) {
	t, err := resctrlfs.New(machine())
	if err != nil {
		return tree{}, fmt.Errorf("emulating resctrl: %w", err)
	}
	return tree{t}, nil
}
