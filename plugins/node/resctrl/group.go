package resctrl

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// groupReader reads one control group.
type groupReader struct {
	tree  Tree
	group schemata.Group
	lines []schemata.Line // of its schemata
	// unread are the sentences of Inventory.Unread, unknown the files and folders that they are about.
	unread, unknown []string
}

// groupFiles is how many files and folders read looks at.
const groupFiles = 5

// read reads the files of the group. Its tasks must be readable if it is ours: whether it is empty decides whether it may be removed.
func (r *groupReader) read() error {
	g := &r.group
	text, err := r.tree.ReadFile(path.Join(g.Name, "tasks"))
	var ids []int
	if err == nil {
		ids, err = ParseTasks(text)
	}
	if err := r.needed("tasks", err); err != nil {
		return err
	}
	g.Tasks = len(ids)
	g.Mode = r.text("mode")
	g.CPUs = r.text("cpus_list")
	g.Monitors, err = subfolders(r.tree, path.Join(g.Name, "mon_groups"))
	if errors.Is(err, fs.ErrNotExist) { // a machine that does not count has none
		err = nil
	}
	if err := r.needed("mon_groups", err); err != nil {
		return err
	}
	text, err = r.tree.ReadFile(path.Join(g.Name, "schemata"))
	if err == nil {
		r.lines, err = schemata.ParseLines(string(text))
	}
	if gone(err) && g.Name == schemata.DefaultGroup {
		r.note("schemata", errors.New("absent; on a machine that only counts that is so"))
		return nil
	}
	return r.needed("schemata", err)
}

// needed takes why something of a group was not read or understood. Of a group of others it is noted: no plan is made of what it has, and the
// rest of the machine can be divided all the same. The kernel refuses a step that takes ways that such a group has for itself.
func (r *groupReader) needed(file string, err error) error {
	switch {
	case err == nil:
		return nil
	case r.group.Name == schemata.DefaultGroup || schemata.Owned(r.group.Name):
		return fmt.Errorf("%s: %w", file, err)
	}
	r.note(file, err)
	return nil
}

// text is the content of a small file; what cannot be read is noted.
func (r *groupReader) text(file string) string {
	text, err := r.tree.ReadFile(path.Join(r.group.Name, file))
	if err != nil {
		r.note(file, err)
		return ""
	}
	return strings.TrimSpace(string(text))
}

func (r *groupReader) note(file string, err error) {
	r.unread = append(r.unread, fmt.Sprintf("%s: %v", path.Join(r.group.Name, file), reason(err)))
	r.unknown = append(r.unknown, file)
}

// reason is why a file was not read, without the name of the file.
func reason(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("absent")
	}
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}
