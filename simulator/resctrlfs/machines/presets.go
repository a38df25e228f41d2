package machines

import (
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/monitoring"
)

// Sizes of the presets. All figures of this file are typical of the processors and not those of a certain machine: vendors sell each with
// other numbers of cores and cache, and firmware decides what devices share.
const (
	mib = 1 << 20
	// intelUnit is a common step of llc_occupancy on Intel processors with 11 to 20 ways (CPUID.0xf.1:EBX).
	intelUnit = 98304
)

func allEvents() []string {
	return []string{monitoring.LLCOccupancy, monitoring.MBMTotalBytes, monitoring.MBMLocalBytes}
}

// HaswellEP is two sockets of an early Intel server with cache allocation: 20 ways in masks of at least 2, 4 classes, no bandwidth control,
// no bandwidth monitoring to rely on.
func HaswellEP() Spec {
	return Spec{
		CPUs: 48, CacheIDs: []int{0, 1},
		L3: &controls.Cache{Bytes: 30 * mib, Ways: 20, NumCLOSIDs: 4, MinCBMBits: 2, ShareableBits: 0xc0000},
		Monitoring: &monitoring.Spec{
			NumRMIDs: 48, Events: []string{monitoring.LLCOccupancy}, CacheBytes: 30 * mib, OccupancyUnit: intelUnit,
		},
	}
}

// CascadeLake is two sockets of an Intel Xeon Scalable processor of the second generation: 11 ways, the upper two shared with devices, 16
// classes for cache and 8 for bandwidth in steps of 10 %, one delay for a core's threads.
func CascadeLake() Spec {
	return Spec{
		CPUs: 96, CacheIDs: []int{0, 1},
		L3: &controls.Cache{Bytes: 36044800, Ways: 11, NumCLOSIDs: 16, MinCBMBits: 1, ShareableBits: 0x600, CDPCapable: true},
		MB: &controls.Bandwidth{NumCLOSIDs: 8, Min: 10, Max: 100, Granularity: 10, Linear: true, ThrottleMode: "max"},
		Monitoring: &monitoring.Spec{
			NumRMIDs: 192, Events: allEvents(), CacheBytes: 36044800, OccupancyUnit: intelUnit,
		},
	}
}

// SapphireRapids is two sockets of an Intel Xeon Scalable processor of the fourth generation: 15 ways, 15 classes for cache and bandwidth,
// a delay of its own for each thread, masks with holes.
func SapphireRapids() Spec {
	return Spec{
		CPUs: 192, CacheIDs: []int{0, 1},
		L3: &controls.Cache{Bytes: 105 * mib, Ways: 15, NumCLOSIDs: 15, MinCBMBits: 1, ShareableBits: 0x6000, SparseMasks: true, CDPCapable: true},
		MB: &controls.Bandwidth{NumCLOSIDs: 15, Min: 10, Max: 100, Granularity: 10, Linear: true, ThrottleMode: "per-thread"},
		Monitoring: &monitoring.Spec{
			NumRMIDs: 448, Events: allEvents(), CacheBytes: 105 * mib, OccupancyUnit: 114688,
		},
	}
}

// Milan is two sockets of an AMD EPYC processor of the third generation, 8 L3 caches each, whose ids leave a gap: 0 to 7 and 16 to 23.
// Masks of 16 ways may have holes or be empty; bandwidth is in 1/8 GB/s, 2048 is no limit; what events count can be configured.
func Milan() Spec {
	return Spec{
		CPUs: 256, CacheIDs: []int{0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23},
		L3: &controls.Cache{Bytes: 32 * mib, Ways: 16, NumCLOSIDs: 16, SparseMasks: true, CDPCapable: true},
		MB: &controls.Bandwidth{NumCLOSIDs: 16, Max: 2048, Granularity: 1},
		Monitoring: &monitoring.Spec{
			NumRMIDs: 256, Events: allEvents(), CacheBytes: 32 * mib, OccupancyUnit: 64, ConfigurableEvents: 0x7f,
		},
	}
}
