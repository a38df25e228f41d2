package hotel

import "github.com/ballast-k8s/ballast/simulator/plant"

// Interference returns what the classes do to each other on one of Machines. It has cores for all that can run: the plant shares the CPU
// itself.
//
// Chosen: a socket of 16 MB last-level cache and 60 GB/s; services that wait for memory an eighth (web) or a quarter (store) of their
// time and miss the cache in half of their accesses even alone; batch work that streams through it. TestInterference says what comes of
// it.
func Interference() (*plant.CacheBandwidth, error) {
	return plant.NewCacheBandwidth(
		plant.Machine{Cores: 64, CacheMB: 16, BandwidthGBps: 60, Slots: 24},
		[]plant.Workload{
			{Name: ClassWeb, Cores: 0.5, MemoryShare: 0.12, AccessGBps: 0.5, WorkingSetMB: 1, FloorMissRatio: 0.5},
			{Name: ClassStore, Cores: 0.5, MemoryShare: 0.25, AccessGBps: 1, WorkingSetMB: 1.5, FloorMissRatio: 0.5},
			{Name: ClassBatch, Cores: 2, MemoryShare: 0.6, AccessGBps: 6, WorkingSetMB: 40, FloorMissRatio: 0.7},
		},
	)
}
