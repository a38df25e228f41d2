package resctrl

import (
	"errors"
	"fmt"
	"math/bits"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// resources reads the folders of info.
func (r *reader) resources(folders []string) {
	for _, name := range folders {
		resource := schemata.Resource{Name: name}
		var err error
		switch {
		case name == "L3_MON":
			err = r.monitoring()
		case strings.HasSuffix(name, "_MON"):
			err = errors.New("these counters are not used")
		case slices.Contains([]string{"L3", "L3CODE", "L3DATA", "L2", "L2CODE", "L2DATA"}, name):
			resource.Cache, err = r.cache(name)
		case name == "MB" || name == "SMBA":
			resource.Bandwidth, err = r.bandwidth(name)
		default:
			err = errors.New("unknown resource")
		}
		if err == nil && (resource.Cache != nil || resource.Bandwidth != nil) {
			var n uint32
			if n, err = r.number(name, "num_closids"); err == nil && n > 0 && n < MaxGroups {
				resource.Classes = int(n)
				r.Capacity.Resources = append(r.Capacity.Resources, resource)
				continue
			}
			err = errors.Join(err, fmt.Errorf("num_closids %d is not within 1 to %d", n, MaxGroups-1))
		}
		if err != nil {
			r.unread("info/%s: %v", name, err)
		}
	}
	slices.SortFunc(r.Capacity.Resources, func(a, b schemata.Resource) int { return strings.Compare(a.Name, b.Name) })
}

// number reads a decimal number of a resource.
func (r *reader) number(resource, file string) (uint32, error) {
	text, err := r.tree.ReadFile(path.Join("info", resource, file))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, reason(err))
	}
	v, err := schemata.ParseNumber(string(text))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// mask reads a mask of a resource.
func (r *reader) mask(resource, file string) (uint32, error) {
	text, err := r.tree.ReadFile(path.Join("info", resource, file))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, reason(err))
	}
	v, err := schemata.ParseMask(string(text))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// cache reads the rules of a cache. All of cbm_mask, min_cbm_bits and shareable_bits must be there: to guess one is to plan wrongly.
func (r *reader) cache(name string) (*schemata.Cache, error) {
	full, err := r.mask(name, "cbm_mask")
	if err != nil {
		return nil, err
	}
	if full == 0 || full&1 == 0 || !schemata.IsRun(full) {
		return nil, fmt.Errorf("cbm_mask %x is not one run of ways from way 0", full)
	}
	least, err := r.number(name, "min_cbm_bits")
	if err != nil {
		return nil, err
	}
	if int(least) > bits.OnesCount32(full) {
		return nil, fmt.Errorf("min_cbm_bits %d is more than the %d ways", least, bits.OnesCount32(full))
	}
	shareable, err := r.mask(name, "shareable_bits")
	if err != nil {
		return nil, err
	}
	c := &schemata.Cache{Full: full, Shareable: shareable & full, MinBits: int(least), WayBytes: map[int]uint64{}}
	if sparse, err := r.number(name, "sparse_masks"); err == nil { // absent before Linux 6.7: masks must be one run
		c.Sparse = sparse == 1
	}
	if text, err := r.tree.ReadFile(path.Join("info", name, "io_alloc")); err == nil {
		c.DeviceClass = strings.TrimSpace(string(text)) == "enabled"
	}
	return c, nil
}

// bandwidth reads the rules of a bandwidth; its unit and greatest value follow from the groups' values.
func (r *reader) bandwidth(name string) (*schemata.Bandwidth, error) {
	least, err := r.number(name, "min_bandwidth")
	if err != nil {
		return nil, err
	}
	step, err := r.number(name, "bandwidth_gran")
	if err != nil {
		return nil, err
	}
	if step == 0 {
		return nil, errors.New("bandwidth_gran is 0")
	}
	return &schemata.Bandwidth{Min: least, Step: step}, nil
}

// monitoring reads what the kernel counts.
func (r *reader) monitoring() error {
	ids, err := r.number("L3_MON", "num_rmids")
	if err != nil {
		return err
	}
	text, err := r.tree.ReadFile("info/L3_MON/mon_features")
	if err != nil {
		return fmt.Errorf("mon_features: %w", reason(err))
	}
	r.Capacity.Monitoring = &schemata.Monitoring{RMIDs: int(min(ids, MaxGroups)), Features: strings.Fields(string(text))}
	return nil
}

// domains takes each resource's domains from the default group's schemata. A resource without a line there cannot be used.
func (r *reader) domains() {
	kept := r.Capacity.Resources[:0]
	for _, resource := range r.Capacity.Resources {
		for _, l := range r.lines[0] {
			if l.Resource == resource.Name {
				resource.Domains = slices.Sorted(slices.Values(l.Domains))
			}
		}
		if len(resource.Domains) == 0 {
			r.unread("info/%s: the default group's schemata have no domain of it", resource.Name)
			continue
		}
		kept = append(kept, resource)
	}
	r.Capacity.Resources = kept
}

// bandwidths finds the units. AMD counts 1/8 GB/s and has min_bandwidth 0 and delay_linear 0; for its greatest value see eighths. Otherwise values are percent, unless one is above 100 or the file mba_MBps_event
// shows that the kernel keeps MB/s, in which case a fresh group has 2^32-1.
func (r *reader) bandwidths() {
	kept := r.Capacity.Resources[:0]
	for _, resource := range r.Capacity.Resources {
		b := resource.Bandwidth
		if b == nil {
			kept = append(kept, resource)
			continue
		}
		greatest := r.greatest(resource.Name)
		linear, err := r.number(resource.Name, "delay_linear")
		_, eventErr := r.tree.ReadFile("mba_MBps_event")
		switch {
		case b.Min == 0 && err != nil:
			r.unread("info/%s: its unit is not known: %v", resource.Name, err)
			continue
		case b.Min == 0 && linear == 0:
			b.Unit, b.Max = schemata.EighthGBps, r.eighths(resource.Name, greatest)
		case greatest > 100 || eventErr == nil:
			b.Unit, b.Max = schemata.MBps, 1<<32-1
		default:
			b.Unit, b.Max = schemata.Percent, 100
		}
		kept = append(kept, resource)
	}
	r.Capacity.Resources = kept
}

// leastUnlimited is the least value without a limit, that of a fresh group, that kernels have had on AMD: MAX_MBA_BW_AMD, 0x800, and since
// CPUID Fn8000_0020 tells the length of the field in bits, 1 shifted by it, which is 11 or more (arch/x86/kernel/cpu/resctrl).
const leastUnlimited = 0x800

// eighths is the value without a limit on AMD, which no file tells: the greatest that any group has, if it can be one. If it cannot, every
// group is limited, and the least such value stands for it: a wish above the others' limits is then kept as it is, and what nobody limits is
// limited to 256 GB/s at worst.
func (r *reader) eighths(resource string, greatest uint32) uint32 {
	if greatest >= leastUnlimited && bits.OnesCount32(greatest) == 1 {
		return greatest
	}
	r.unread("info/%s: peak unknown: every group is limited, to at most %d x %d MB/s; %d is taken for no limit", resource, greatest,
		schemata.EighthMBps, max(greatest, leastUnlimited))
	return max(greatest, leastUnlimited)
}

// greatest is the greatest value that any group has for a bandwidth.
func (r *reader) greatest(resource string) uint32 {
	var most uint32
	for _, lines := range r.lines {
		for _, l := range lines {
			if l.Resource != resource {
				continue
			}
			for _, text := range l.Values {
				if v, err := schemata.ParseNumber(text); err == nil {
					most = max(most, v)
				}
			}
		}
	}
	return most
}

// wayBytes is the size of one way, given the size of a mask.
func wayBytes(size string, mask uint32) (uint64, bool) {
	bytes, err := strconv.ParseUint(size, 10, 64)
	if err != nil || mask == 0 || bytes == 0 {
		return 0, false
	}
	return bytes / uint64(bits.OnesCount32(mask)), true
}
