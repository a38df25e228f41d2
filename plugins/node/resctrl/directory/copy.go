package directory

import (
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// fail notes the kernel's words in the copy and returns the errno.
func (d *Tree) fail(errno syscall.Errno, format string, arguments ...any) error {
	text := fmt.Sprintf(format, arguments...) + "\n"
	if err := d.replace("info/last_cmd_status", text); err != nil {
		return errors.Join(errno, err)
	}
	return errno
}

// replace writes the whole content of a file.
func (d *Tree) replace(name, text string) error { return d.root.WriteFile(name, []byte(text), 0o644) }

// copyMkdir makes a group with its files.
func (d *Tree) copyMkdir(name string) error {
	control, monitor, ok := resctrl.ControlGroup(name)
	if !ok || control == "." && monitor == "" {
		return syscall.EPERM
	}
	if _, err := d.root.Lstat(name); err == nil {
		return syscall.EEXIST
	}
	all, err := resctrl.Read(d)
	if err != nil {
		return err
	}
	if monitor == "" && len(all.State.Groups) >= all.Capacity.Classes() {
		return d.fail(syscall.ENOSPC, "Out of CLOSIDs")
	}
	if err := d.root.Mkdir(name, 0o755); err != nil {
		return err
	}
	if err := d.fill(name, monitor == "", all); err != nil {
		return errors.Join(err, d.root.RemoveAll(name))
	}
	return d.replace("info/last_cmd_status", "ok\n")
}

// fill makes the files of a new group.
func (d *Tree) fill(name string, control bool, all resctrl.Inventory) error {
	files := map[string]string{"tasks": "", "cpus_list": "\n", "cpus": "0\n"}
	if cpus, err := d.ReadFile("cpus"); err == nil {
		files["cpus"] = strings.Map(func(r rune) rune {
			if r == ',' || r == '\n' {
				return r
			}
			return '0'
		}, string(cpus))
	}
	if control {
		files["mode"] = "shareable\n"
		files["schemata"] = initial(all)
	}
	for file, text := range files {
		if err := d.replace(path.Join(name, file), text); err != nil {
			return err
		}
	}
	if control {
		if err := d.resize(name, all.Capacity); err != nil {
			return err
		}
	}
	return d.fillCounters(name, control)
}

// fillCounters makes the counters that the default group has, without values.
func (d *Tree) fillCounters(name string, control bool) error {
	domains, err := d.subfolders("mon_data")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if control {
		if err := d.root.Mkdir(path.Join(name, "mon_groups"), 0o755); err != nil {
			return err
		}
	}
	for _, domain := range domains {
		if err := d.root.MkdirAll(path.Join(name, "mon_data", domain), 0o755); err != nil {
			return err
		}
		events, err := d.ReadDir(path.Join("mon_data", domain))
		if err != nil {
			return err
		}
		for _, event := range events {
			if strings.HasSuffix(event, "/") {
				continue
			}
			if err := d.replace(path.Join(name, "mon_data", domain, event), "Unavailable\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// initial are the schemata of a new group (rdtgroup.c, rdtgroup_init_alloc): of a cache the first run of ways that no group has in mode
// exclusive, of a bandwidth the greatest value.
func initial(all resctrl.Inventory) string {
	values := schemata.Values{}
	for _, r := range all.Capacity.Resources {
		for _, domain := range r.Domains {
			if r.Bandwidth != nil {
				values.Set(r.Name, domain, r.Bandwidth.Max)
				continue
			}
			free := r.Cache.Full
			for _, g := range all.State.Groups {
				if g.Exclusive() {
					free &^= g.Schemata.Ways(r.CacheName(), domain)
				}
			}
			low := bits.TrailingZeros32(free)
			length := bits.TrailingZeros64(^(uint64(free) >> low))
			values.Set(r.Name, domain, schemata.Run(low, low+length))
		}
	}
	return text(values, all.Capacity)
}

// text is a schemata file.
func text(values schemata.Values, c schemata.Capacity) string {
	lines := values.Lines(c)
	slices.Reverse(lines) // the kernel lists MB before L3
	return strings.Join(lines, "\n") + "\n"
}

// resize writes the size file that belongs to a group's schemata, if the tree has such files.
func (d *Tree) resize(group string, c schemata.Capacity) error {
	if _, err := d.root.Lstat("size"); err != nil {
		return nil //nolint:nilerr // trees without size files are as good
	}
	content, err := d.ReadFile(path.Join(group, "schemata"))
	if err != nil {
		return err
	}
	lines, err := schemata.ParseLines(string(content))
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, l := range lines {
		r, ok := c.Resource(l.Resource)
		if !ok {
			continue
		}
		var parts []string
		for i, domain := range l.Domains {
			size := l.Values[i]
			if r.Cache != nil {
				mask, err := schemata.ParseMask(size)
				if err != nil {
					return err
				}
				size = strconv.FormatUint(r.Cache.WayBytes[domain]*uint64(bits.OnesCount32(mask)), 10)
			}
			parts = append(parts, fmt.Sprintf("%d=%s", domain, size))
		}
		fmt.Fprintf(&b, "%s:%s\n", l.Resource, strings.Join(parts, ";"))
	}
	return d.replace(path.Join(group, "size"), b.String())
}

// copyRemove removes a group; its threads fall to the default group, those of a monitor group stay in their control group.
func (d *Tree) copyRemove(name string) error {
	control, monitor, ok := resctrl.ControlGroup(name)
	if !ok || control == "." && monitor == "" {
		return syscall.EPERM
	}
	if monitor == "" {
		ids, err := resctrl.Tasks(d, name)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := d.assign(".", "", id); err != nil {
				return err
			}
		}
	}
	return d.root.RemoveAll(name)
}

// copyRename moves a monitor group with its threads to another control group.
func (d *Tree) copyRename(from, to string) error {
	_, monitor, ok := resctrl.ControlGroup(from)
	control, name, toOK := resctrl.ControlGroup(to)
	switch {
	case !ok || monitor == "":
		return d.fail(syscall.EPERM, "Source must be a MON group")
	case !toOK || name == "":
		return d.fail(syscall.EPERM, "Destination must be a mon_groups subdirectory")
	}
	ids, err := resctrl.Tasks(d, from)
	if err != nil {
		return err
	}
	if err := d.root.Rename(from, to); err != nil {
		return err
	}
	if err := d.replace(path.Join(to, "tasks"), ""); err != nil {
		return err
	}
	for _, id := range ids {
		if err := d.assign(control, name, id); err != nil {
			return err
		}
	}
	return nil
}

// subfolders are the names of the folders in a folder.
func (d *Tree) subfolders(folder string) ([]string, error) {
	names, err := d.ReadDir(folder)
	var out []string
	for _, n := range names {
		if name, isDir := strings.CutSuffix(n, "/"); isDir {
			out = append(out, name)
		}
	}
	return out, err
}
