package resctrl

import (
	"fmt"
	"math/bits"
	"path"
	"strconv"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/info"
)

// Inventory is what a tree shows at one moment.
type Inventory struct {
	Capacity schemata.Capacity
	State    schemata.State
	// Unread says what the tree has, or should have, that is not in the other fields, and why: one sentence each.
	Unread []string
	// Unknown are the files and folders of the groups of State, such as be/tasks, that could not be read or understood: what a group has of
	// them is not known, which is not none. See [Inventory.Knows].
	Unknown map[string]bool
}

// Knows says whether a file or folder of a group, one of tasks, mode, cpus_list, mon_groups and schemata, was read.
func (i Inventory) Knows(group, file string) bool { return !i.Unknown[path.Join(group, file)] }

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
		if err := r.group(name); err != nil {
			return fmt.Errorf("group %s: %w", name, err)
		}
	}
	return nil
}

// group reads one control group, unless its folder goes away meanwhile. One of which nothing can be read still takes a class of the machine.
func (r *reader) group(name string) error {
	g := groupReader{tree: r.tree, group: schemata.Group{Name: name}}
	err := g.read()
	if name != schemata.DefaultGroup && (err != nil || len(g.unknown) > 0) {
		switch _, folderErr := r.tree.ReadDir(name); {
		case gone(folderErr):
			return nil
		case folderErr != nil && len(g.unknown) == groupFiles: // one reason for all of them
			g.unread = []string{fmt.Sprintf("%s: %v", name, reason(folderErr))}
		}
	}
	if err != nil {
		return err
	}
	r.State.Groups = append(r.State.Groups, g.group)
	r.lines = append(r.lines, g.lines)
	r.Unread = append(r.Unread, g.unread...)
	for _, file := range g.unknown {
		if r.Unknown == nil {
			r.Unknown = map[string]bool{}
		}
		r.Unknown[path.Join(name, file)] = true
	}
	return nil
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
