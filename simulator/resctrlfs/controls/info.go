package controls

import (
	"fmt"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kernfs"
)

// AddInfo makes a directory in info for each line of schemata (rdtgroup_create_info_dir, res_common_files).
func (t *Table) AddInfo(info *kernfs.Node) {
	for _, r := range t.resources {
		dir := info.AddDir(r.name, info.Perm, nil)
		number(dir, "num_closids", "%d\n", r.numCLOSIDs)
		if r.cache != nil {
			t.addCacheInfo(dir, r.name, r.cache)
		} else {
			t.addBandwidthInfo(dir, r.bandwidth)
		}
	}
}

func (t *Table) addCacheInfo(dir *kernfs.Node, name string, c *Cache) {
	number(dir, "cbm_mask", "%x\n", c.Mask())
	number(dir, "min_cbm_bits", "%d\n", c.MinCBMBits)
	number(dir, "shareable_bits", "%x\n", c.ShareableBits)
	if t.machine.Kernel.ShowsSparse() {
		flag(dir, "sparse_masks", c.SparseMasks)
	}
	dir.AddFile("bit_usage", func() string { return t.BitUsage(name) }, nil)
}

func (t *Table) addBandwidthInfo(dir *kernfs.Node, b *Bandwidth) {
	number(dir, "min_bandwidth", "%d\n", b.Min)
	number(dir, "bandwidth_gran", "%d\n", b.Granularity)
	flag(dir, "delay_linear", b.Linear)
	if b.ThrottleMode != "" && t.machine.Kernel.ShowsThrottleMode() {
		dir.AddFile("thread_throttle_mode", func() string { return b.ThrottleMode + "\n" }, nil)
	}
}

// number makes a file that always shows the same number.
func number[T int | uint32](dir *kernfs.Node, name, format string, value T) {
	text := fmt.Sprintf(format, value)
	dir.AddFile(name, func() string { return text }, nil)
}

// flag makes a file that always shows 1 or 0.
func flag(dir *kernfs.Node, name string, on bool) {
	value := 0
	if on {
		value = 1
	}
	number(dir, name, "%d\n", value)
}
