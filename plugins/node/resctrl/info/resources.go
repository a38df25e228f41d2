package info

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Files are the files of a resctrl tree; names are slash-separated paths relative to its root.
type Files interface {
	ReadFile(name string) ([]byte, error)
}

// maxClasses bounds num_closids and num_rmids: an id has at most 16 bits (AMD) and usually 8.
const maxClasses = 1 << 16

// Resources reads the given folders of info. Domains and units of bandwidth are not known yet: see [Complete]. unread says what was left out and
// why, one sentence each.
func Resources(files Files, folders []string) (c schemata.Capacity, unread []string) {
	r := reader{files: files}
	for _, name := range folders {
		resource := schemata.Resource{Name: name}
		var err error
		switch {
		case name == "L3_MON":
			c.Monitoring, err = r.monitoring()
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
			if resource.Classes, err = r.classes(name); err == nil {
				c.Resources = append(c.Resources, resource)
			}
		}
		if err != nil {
			unread = append(unread, fmt.Sprintf("info/%s: %v", name, err))
		}
	}
	slices.SortFunc(c.Resources, func(a, b schemata.Resource) int { return strings.Compare(a.Name, b.Name) })
	return c, append(unread, wholeCaches(&c)...)
}

// wholeCaches takes away a cache of which only code or only data could be read. The kernel has both or none (rdtgroup_create_info_dir), and
// ways that are given to one partition's code must not stay another's for data.
func wholeCaches(c *schemata.Capacity) (unread []string) {
	halves := map[string]int{}
	for _, r := range c.Resources {
		halves[r.CacheName()]++
	}
	c.Resources = slices.DeleteFunc(c.Resources, func(r schemata.Resource) bool {
		alone := r.Name != r.CacheName() && halves[r.CacheName()] == 1
		if alone {
			unread = append(unread, fmt.Sprintf("info/%s: the other half of the cache could not be read", r.Name))
		}
		return alone
	})
	return unread
}

// reader reads single files.
type reader struct{ files Files }

// text is the content of a file of a resource.
func (r reader) text(resource, file string) (string, error) {
	text, err := r.files.ReadFile(path.Join("info", resource, file))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
		err = errors.New("absent")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return string(text), nil
}

// number reads a decimal number of a resource.
func (r reader) number(resource, file string) (uint32, error) {
	return parsed(r, resource, file, schemata.ParseNumber)
}

// mask reads a mask of a resource.
func (r reader) mask(resource, file string) (uint32, error) {
	return parsed(r, resource, file, schemata.ParseMask)
}

func parsed(r reader, resource, file string, parse func(string) (uint32, error)) (uint32, error) {
	text, err := r.text(resource, file)
	if err != nil {
		return 0, err
	}
	v, err := parse(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// classes reads how many groups a resource tells apart.
func (r reader) classes(name string) (int, error) {
	n, err := r.number(name, "num_closids")
	if err == nil && (n == 0 || n >= maxClasses) {
		err = fmt.Errorf("num_closids %d is not within 1 to %d", n, maxClasses-1)
	}
	return int(n), err
}

// cache reads the rules of a cache. All of cbm_mask, min_cbm_bits and shareable_bits must be there: to guess one is to plan wrongly.
func (r reader) cache(name string) (*schemata.Cache, error) {
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
	if text, err := r.text(name, "io_alloc"); err == nil {
		c.DeviceClass = strings.TrimSpace(text) == "enabled"
	}
	return c, nil
}

// bandwidth reads the rules of a bandwidth; its unit and greatest value follow from the groups' values.
func (r reader) bandwidth(name string) (*schemata.Bandwidth, error) {
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
func (r reader) monitoring() (*schemata.Monitoring, error) {
	ids, err := r.number("L3_MON", "num_rmids")
	if err != nil {
		return nil, err
	}
	text, err := r.text("L3_MON", "mon_features")
	if err != nil {
		return nil, err
	}
	return &schemata.Monitoring{RMIDs: int(min(ids, maxClasses)), Features: strings.Fields(text)}, nil
}
