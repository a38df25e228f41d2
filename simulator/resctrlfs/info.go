package resctrlfs

import (
	"fmt"
	"math"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kernfs"
)

// addInfo makes the info directory (rdtgroup_create_info_dir, res_common_files).
func (t *Tree) addInfo() {
	info := t.root.AddDir(infoDir, dirPerm, nil)
	info.AddFile("last_cmd_status", t.readStatus, nil)
	if b := t.spec.MB; b != nil {
		addBandwidthInfo(info.AddDir("MB", dirPerm, nil), b)
	}
	if c := t.spec.L3; c != nil {
		t.addCacheInfo(info.AddDir("L3", dirPerm, nil), c)
	}
	if m := t.spec.Monitoring; m != nil {
		dir := info.AddDir("L3_MON", dirPerm, nil)
		number(dir, "num_rmids", "%d\n", m.NumRMIDs)
		dir.AddFile("mon_features", t.readFeatures, nil)
		dir.AddFile("max_threshold_occupancy", func() string { return fmt.Sprintf("%d\n", t.threshold) },
			func(_ Writer, data []byte) syscall.Errno { return t.writeThreshold(data) })
	}
}

// readStatus is rdt_last_cmd_status_show.
func (t *Tree) readStatus() string {
	if text := t.status.String(); text != "" {
		return text
	}
	return "ok\n"
}

func (t *Tree) addCacheInfo(dir *kernfs.Node, c *controls.Cache) {
	number(dir, "num_closids", "%d\n", c.NumCLOSIDs)
	number(dir, "cbm_mask", "%x\n", c.Mask())
	number(dir, "min_cbm_bits", "%d\n", c.MinCBMBits)
	number(dir, "shareable_bits", "%x\n", c.ShareableBits)
	sparse := 0
	if c.SparseMasks {
		sparse = 1
	}
	number(dir, "sparse_masks", "%d\n", sparse)
	dir.AddFile("bit_usage", t.controls.BitUsage, nil)
}

func addBandwidthInfo(dir *kernfs.Node, b *controls.Bandwidth) {
	number(dir, "num_closids", "%d\n", b.NumCLOSIDs)
	number(dir, "min_bandwidth", "%d\n", b.Min)
	number(dir, "bandwidth_gran", "%d\n", b.Granularity)
	linear := 0
	if b.Linear {
		linear = 1
	}
	number(dir, "delay_linear", "%d\n", linear)
	if b.ThrottleMode != "" {
		dir.AddFile("thread_throttle_mode", func() string { return b.ThrottleMode + "\n" }, nil)
	}
}

// number makes a file that always shows the same number.
func number[T int | uint32](dir *kernfs.Node, name, format string, value T) {
	text := fmt.Sprintf(format, value)
	dir.AddFile(name, func() string { return text }, nil)
}

// writeThreshold is max_threshold_occ_write: bytes, at most one cache (resctrl_rmid_realloc_limit), rounded down to what the hardware
// can count. It is no command: the status stays.
func (t *Tree) writeThreshold(data []byte) syscall.Errno {
	value, errno := kerneltext.Unsigned(kerneltext.CString(data), 0, math.MaxUint32)
	if errno != 0 {
		return errno
	}
	bytes := uint32(value)
	if bytes > t.spec.Monitoring.CacheBytes {
		return syscall.EINVAL
	}
	t.threshold = t.roundOccupancy(bytes)
	return 0
}

// roundOccupancy is resctrl_arch_round_mon_val.
func (t *Tree) roundOccupancy(bytes uint32) uint32 {
	unit := t.spec.Monitoring.OccupancyUnit
	return bytes / unit * unit
}
