package partition

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// kernel is a slow, separate model of what resctrl does with the operations of a plan: its rules are written anew here, from the kernel's
// own functions, and share no code with the planner or with package schemata.
type kernel struct {
	capacity schemata.Capacity
	groups   map[string]*kernelGroup
}

type kernelGroup struct {
	mode     string
	values   schemata.Values
	tasks    int
	monitors int
}

func newKernel(c schemata.Capacity, s schemata.State) *kernel {
	k := &kernel{capacity: c, groups: map[string]*kernelGroup{}}
	for _, g := range s.Groups {
		k.groups[g.Name] = &kernelGroup{mode: g.Mode, values: g.Schemata.Clone(), tasks: g.Tasks, monitors: len(g.Monitors)}
	}
	return k
}

// do carries out one operation or says why the kernel refuses it.
func (k *kernel) do(o Operation) error {
	g, there := k.groups[o.Group]
	if !there && o.Action != Create {
		return fmt.Errorf("ENOENT %s", o.Group)
	}
	switch o.Action {
	case Create:
		return k.mkdir(o.Group)
	case Write:
		return k.write(o.Group, g, o.Values)
	case Move:
		k.groups[o.To].tasks += g.tasks
		g.tasks = 0
	case Remove:
		if o.Group == "." {
			return fmt.Errorf("EPERM")
		}
		if g.tasks > 0 {
			return fmt.Errorf("%d threads would fall to the default group unsaid", g.tasks)
		}
		delete(k.groups, o.Group)
	}
	return nil
}

// mkdir: rdtgroup.c, mkdir_rdt_prepare and __init_one_rdt_domain. The masks are the ways of shareable groups, the unused ones and those of
// devices, cut to the first run.
func (k *kernel) mkdir(name string) error {
	if k.groups[name] != nil {
		return fmt.Errorf("EEXIST")
	}
	ids := 0
	for _, g := range k.groups {
		ids += 1 + g.monitors
	}
	if k.capacity.Monitoring != nil && ids+1 > k.capacity.Monitoring.RMIDs {
		return fmt.Errorf("Out of RMIDs")
	}
	values := schemata.Values{}
	for _, r := range k.capacity.Resources {
		if len(k.groups)+1 > r.Classes {
			return fmt.Errorf("Out of CLOSIDs")
		}
		for _, d := range r.Domains {
			if r.Bandwidth != nil {
				values.Set(r.Name, d, r.Bandwidth.Max)
				continue
			}
			mask := r.Cache.Full &^ k.exclusive(r, d)
			low := uint64(mask) >> bits.TrailingZeros32(mask)
			n := bits.TrailingZeros64(^low)
			mask = uint32((1<<n - 1) << bits.TrailingZeros32(mask))
			if bits.OnesCount32(mask) < r.Cache.MinBits || mask == 0 {
				return fmt.Errorf("No space on %s:%d", r.Name, d)
			}
			values.Set(r.Name, d, mask)
		}
	}
	k.groups[name] = &kernelGroup{mode: "shareable", values: values}
	return nil
}

// exclusive are the ways of groups in mode exclusive in a domain.
func (k *kernel) exclusive(r schemata.Resource, d int) uint32 {
	base, _, _ := strings.Cut(strings.Replace(r.Name, "DATA", "CODE", 1), "CODE")
	var m uint32
	for _, g := range k.groups {
		if g.mode != "shareable" {
			m |= g.values[base][d] | g.values[base+"CODE"][d] | g.values[base+"DATA"][d]
		}
	}
	return m
}

// write: ctrlmondata.c, rdtgroup_schemata_write with cbm_validate, parse_cbm and bw_validate. Nothing is applied if one value is refused.
func (k *kernel) write(name string, g *kernelGroup, values schemata.Values) error {
	size := 0
	for resource, domains := range values {
		var r *schemata.Resource
		for i := range k.capacity.Resources {
			if k.capacity.Resources[i].Name == resource {
				r = &k.capacity.Resources[i]
			}
		}
		if r == nil {
			return fmt.Errorf("Unknown or unsupported resource name '%s'", resource)
		}
		size += len(resource) + 2
		for d, v := range domains {
			if err := k.validate(*r, d, v); err != nil {
				return fmt.Errorf("%s: %s:%d=%x: %w", name, resource, d, v, err)
			}
			size += len(fmt.Sprintf("%d=%d;", d, v))
		}
	}
	if size > 4096 {
		return fmt.Errorf("E2BIG")
	}
	for resource, domains := range values {
		for d, v := range domains {
			g.values.Set(resource, d, v)
		}
	}
	return nil
}

func (k *kernel) validate(r schemata.Resource, d int, v uint32) error {
	known := false
	for _, id := range r.Domains {
		known = known || id == d
	}
	if !known {
		return fmt.Errorf("EINVAL, status ok")
	}
	if b := r.Bandwidth; b != nil {
		if v < b.Min || v > b.Max {
			return fmt.Errorf("MB value %d out of range [%d,%d]", v, b.Min, b.Max)
		}
		if rounded := (uint64(v) + uint64(b.Step) - 1) / uint64(b.Step) * uint64(b.Step); b.Unit == schemata.MBps && uint32(rounded) != v {
			return fmt.Errorf("is cut to %d", uint32(rounded))
		} else if rounded := uint32(rounded); rounded != v && v != b.Max {
			return fmt.Errorf("is rounded to %d", rounded)
		}
		return nil
	}
	c := r.Cache
	if v > c.Full || v == 0 {
		return fmt.Errorf("Mask out of range")
	}
	text := strings.Trim(fmt.Sprintf("%b", v), "0")
	if strings.Contains(text, "0") && !c.Sparse {
		return fmt.Errorf("The mask %x has non-consecutive 1-bits", v)
	}
	if len(text) < c.MinBits {
		return fmt.Errorf("Need at least %d bits in the mask", c.MinBits)
	}
	if v&k.exclusive(r, d) != 0 {
		return fmt.Errorf("Overlaps with exclusive group")
	}
	return nil
}

// shared are the ways that two groups have in common, by cache and domain.
func (k *kernel) shared(a, b string) map[string]uint32 {
	out := map[string]uint32{}
	ga, gb := k.groups[a], k.groups[b]
	if ga == nil || gb == nil {
		return out
	}
	for _, cache := range []string{"L2", "L3"} {
		for d := range 64 {
			var ma, mb uint32
			for _, suffix := range []string{"", "CODE", "DATA"} {
				ma |= ga.values[cache+suffix][d]
				mb |= gb.values[cache+suffix][d]
			}
			if ma&mb != 0 {
				out[fmt.Sprintf("%s:%d", cache, d)] = ma & mb
			}
		}
	}
	return out
}
