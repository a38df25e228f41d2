package resctrl

import (
	"errors"
	"fmt"
	"math/bits"
	"path"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/info"
)

// Inventory is what a tree shows at one moment.
type Inventory struct {
	Capacity schemata.Capacity
	State    schemata.State
	// Unread says what the tree has, or should have, that is not in the other fields, and why: one sentence each.
	Unread []string
}

// Read reads the whole tree except its counters. A group that goes away meanwhile is left out. A folder that is no resctrl tree is refused
// with [ErrNotResctrl]; a resource that cannot be understood is left out and named in Unread. So is what cannot be read of a group of
// others, which still counts as a group; of Ballast's own and of the default group it is an error.
func Read(t Tree) (Inventory, error) {
	folders, err := subfolders(t, "info")
	if err != nil {
		return Inventory{}, fmt.Errorf("%w: folder info: %w", ErrNotResctrl, err)
	}
	if len(folders) == 0 {
		return Inventory{}, fmt.Errorf("%w: folder info names no resource", ErrNotResctrl)
	}
	r := reader{tree: t}
	r.Capacity, r.Unread = info.Resources(t, folders)
	if err := r.groups(); err != nil {
		return Inventory{}, err
	}
	r.Unread = append(r.Unread, info.Complete(t, &r.Capacity, r.lines)...)
	r.values()
	r.sizes()
	r.State.Sort()
	return r.Inventory, nil
}

// reader collects an inventory.
type reader struct {
	Inventory

	tree  Tree
	lines [][]schemata.Line // the lines of the groups' schemata, in the order of State.Groups
}

func (r *reader) unread(format string, arguments ...any) {
	r.Unread = append(r.Unread, fmt.Sprintf(format, arguments...))
}

// groups reads the default group and the others.
func (r *reader) groups() error {
	names, err := subfolders(r.tree, ".")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotResctrl, err)
	}
	if len(names) > MaxGroups {
		return fmt.Errorf("%w: %d folders, at most %d", ErrNotResctrl, len(names), MaxGroups)
	}
	if err := r.group(schemata.DefaultGroup); err != nil {
		return fmt.Errorf("default group: %w", err)
	}
	for _, name := range names {
		if reserved(name) {
			continue
		}
		if err := r.group(name); err != nil && !gone(err) {
			return fmt.Errorf("group %s: %w", name, err)
		}
	}
	return nil
}

// group reads one control group. The tasks of ours must be readable: whether a group is empty decides whether it may be removed.
func (r *reader) group(name string) error {
	g := schemata.Group{Name: name}
	text, err := r.tree.ReadFile(path.Join(name, "tasks"))
	if gone(err) {
		return err
	}
	var ids []int
	if err == nil {
		ids, err = ParseTasks(text)
	}
	if err = r.ofOthers(name, "tasks", err); err != nil {
		return err
	}
	g.Tasks = len(ids)
	g.Mode = r.text(name, "mode")
	g.CPUs = r.text(name, "cpus_list")
	g.Monitors, err = subfolders(r.tree, path.Join(name, "mon_groups"))
	if err != nil && !gone(err) {
		return err
	}
	lines, err := r.schemata(name)
	if err != nil {
		return err
	}
	r.State.Groups = append(r.State.Groups, g)
	r.lines = append(r.lines, lines)
	return nil
}

// schemata reads the lines of a group.
func (r *reader) schemata(name string) ([]schemata.Line, error) {
	text, err := r.tree.ReadFile(path.Join(name, "schemata"))
	if gone(err) && name != schemata.DefaultGroup { // each control group that can be made has the file: the group has just been removed
		return nil, err
	}
	if gone(err) {
		r.unread("%s: absent; on a machine that only counts that is so", path.Join(name, "schemata"))
		return nil, nil
	}
	var lines []schemata.Line
	if err == nil {
		lines, err = schemata.ParseLines(string(text))
	}
	return lines, r.ofOthers(name, "schemata", err)
}

// ofOthers takes why a file of a group was not read or understood. Of a group of others it is noted: no plan is made of what it has, and the
// rest of the machine can be divided all the same. The kernel refuses a step that takes ways that such a group has for itself.
func (r *reader) ofOthers(group, file string, err error) error {
	switch {
	case err == nil:
		return nil
	case group == schemata.DefaultGroup || schemata.Owned(group):
		return fmt.Errorf("%s: %w", file, err)
	}
	r.unread("%s: %v", path.Join(group, file), err)
	return nil
}

// text is the content of a small file of a group; what cannot be read is noted.
func (r *reader) text(group, file string) string {
	text, err := r.tree.ReadFile(path.Join(group, file))
	if err != nil {
		r.unread("%s: %v", path.Join(group, file), reason(err))
		return ""
	}
	return strings.TrimSpace(string(text))
}

// reason is why a file was not read, in short.
func reason(err error) error {
	if gone(err) {
		return errors.New("absent")
	}
	return err
}

// values turns the lines of all groups into numbers.
func (r *reader) values() {
	for i, lines := range r.lines {
		g := &r.State.Groups[i]
		for _, l := range lines {
			resource, known := r.Capacity.Resource(l.Resource)
			if !known {
				if i == 0 {
					r.unread("schemata line %s: info has no such resource that could be read", l.Resource)
				}
				continue
			}
			if g.Schemata == nil {
				g.Schemata = schemata.Values{}
			}
			for k, d := range l.Domains {
				v, err := resource.Parse(l.Values[k])
				if err != nil {
					r.unread("%s: %s domain %d: %v", path.Join(g.Name, "schemata"), l.Resource, d, err)
					continue
				}
				g.Schemata.Set(l.Resource, d, v)
			}
		}
	}
}

// sizes reads how large a way is: the size file gives bytes for the mask of the same group.
func (r *reader) sizes() {
	text, err := r.tree.ReadFile("size")
	if err != nil {
		r.unread("size: %v", reason(err))
		return
	}
	lines, err := schemata.ParseLines(string(text))
	if err != nil {
		r.unread("size: %v", err)
		return
	}
	for _, l := range lines {
		resource, ok := r.Capacity.Resource(l.Resource)
		if !ok || resource.Cache == nil {
			continue
		}
		for i, d := range l.Domains {
			mask, stated := r.State.Groups[0].Schemata.Value(l.Resource, d)
			if bytes, ok := wayBytes(l.Values[i], mask); ok && stated {
				resource.Cache.WayBytes[d] = bytes
			}
		}
	}
}

// wayBytes is the size of one way, given the size of a mask.
func wayBytes(size string, mask uint32) (uint64, bool) {
	bytes, err := strconv.ParseUint(size, 10, 64)
	if err != nil || mask == 0 || bytes == 0 {
		return 0, false
	}
	return bytes / uint64(bits.OnesCount32(mask)), true
}
