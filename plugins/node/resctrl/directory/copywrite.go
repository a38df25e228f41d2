package directory

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// copyWrite changes a copy as a write to the kernel's file would.
func (d *Tree) copyWrite(name string, data []byte) error {
	if _, err := d.root.Lstat(name); err != nil {
		return err
	}
	if len(data) > resctrl.MaxWrite {
		return syscall.E2BIG
	}
	control, monitor, ok := resctrl.ControlGroup(path.Dir(name))
	if !ok {
		return fmt.Errorf("write %s of a copy: %w", name, errors.ErrUnsupported)
	}
	var err error
	switch path.Base(name) {
	case "schemata":
		err = d.writeSchemata(name, string(data))
	case "tasks":
		err = d.writeTasks(control, monitor, data)
	case "mode":
		if string(data) != "shareable\n" {
			return fmt.Errorf("write mode %s of a copy: %w", strconv.Quote(string(data)), errors.ErrUnsupported)
		}
		err = d.replace(name, string(data))
	default:
		return fmt.Errorf("write %s of a copy: %w", name, errors.ErrUnsupported)
	}
	if err != nil {
		return err
	}
	return d.replace("info/last_cmd_status", "ok\n")
}

// writeSchemata stages all lines, and applies them if all are right (ctrlmondata.c, rdtgroup_schemata_write).
func (d *Tree) writeSchemata(name, data string) error {
	if !strings.HasSuffix(data, "\n") {
		return syscall.EINVAL
	}
	all, err := resctrl.Read(d)
	if err != nil {
		return err
	}
	g, ok := all.State.Group(path.Dir(name))
	if !ok { // a file of that name elsewhere, or the group has just gone
		return syscall.ENOENT
	}
	lines, err := schemata.ParseLines(data)
	if err != nil {
		return d.fail(syscall.EINVAL, "%v", err)
	}
	values := g.Schemata.Overlay(nil) // never nil: a file without a line that is known has no values
	for _, l := range lines {
		r, ok := all.Capacity.Resource(l.Resource)
		if !ok {
			return d.fail(syscall.EINVAL, "Unknown or unsupported resource name '%s'", l.Resource)
		}
		for i, domain := range l.Domains {
			if !slices.Contains(r.Domains, domain) {
				return d.fail(syscall.EINVAL, "ok")
			}
			v, err := stage(r, domain, l.Values[i])
			if err != nil {
				return d.fail(syscall.EINVAL, "%v", err)
			}
			if r.Cache != nil && v&exclusive(all.State, g.Name, r, domain) != 0 {
				return d.fail(syscall.EINVAL, "Overlaps with exclusive group")
			}
			values.Set(l.Resource, domain, v)
		}
	}
	if err := d.replace(name, text(values, all.Capacity)); err != nil {
		return err
	}
	return d.resize(g.Name, all.Capacity)
}

// stage reads and checks one value; a bandwidth is rounded up to a step.
func stage(r schemata.Resource, domain int, text string) (uint32, error) {
	v, err := r.Parse(text)
	if err != nil {
		return 0, err
	}
	if b := r.Bandwidth; b != nil && v >= b.Min && v < b.Max {
		v = min((v+b.Step-1)/b.Step*b.Step, b.Max)
	}
	return v, r.Check(domain, v)
}

// exclusive are the ways that other groups hold for themselves.
func exclusive(s schemata.State, group string, r schemata.Resource, domain int) uint32 {
	var mask uint32
	for _, g := range s.Groups {
		if g.Name != group && g.Exclusive() {
			mask |= g.Schemata.Ways(r.CacheName(), domain)
		}
	}
	return mask
}

// writeTasks moves threads into a group, in order, up to the first that cannot be moved.
func (d *Tree) writeTasks(control, monitor string, data []byte) error {
	ids, err := resctrl.ParseTasks(data)
	if err != nil || len(ids) == 0 {
		return d.fail(syscall.EINVAL, "Task list parsing error pid %s", strings.TrimSpace(string(data)))
	}
	for _, id := range ids {
		if monitor != "" {
			there, err := resctrl.Tasks(d, control)
			if err != nil {
				return err
			}
			if !slices.Contains(there, id) {
				return d.fail(syscall.EINVAL, "Can't move task to different control group")
			}
		}
		if err := d.assign(control, monitor, id); err != nil {
			return err
		}
	}
	return nil
}

// assign puts a thread into a control group and, if monitor is not empty, into that monitor group; it leaves all others.
func (d *Tree) assign(control, monitor string, id int) error {
	folders, err := resctrl.Folders(d)
	if err != nil {
		return err
	}
	want := path.Join(control, "mon_groups", monitor)
	for _, f := range folders {
		ids, err := resctrl.Tasks(d, f)
		if err != nil {
			return err
		}
		in := f == control || monitor != "" && f == want
		if in == slices.Contains(ids, id) {
			continue
		}
		if in {
			ids = append(ids, id)
		} else {
			ids = slices.DeleteFunc(ids, func(other int) bool { return other == id })
		}
		slices.Sort(ids)
		if err := d.replace(path.Join(f, "tasks"), taskLines(ids)); err != nil {
			return err
		}
	}
	return nil
}

func taskLines(ids []int) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(strconv.Itoa(id))
		b.WriteByte('\n')
	}
	return b.String()
}
