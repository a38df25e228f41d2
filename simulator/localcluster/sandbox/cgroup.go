package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Hierarchy is a mounted tree of cgroups. A machine with cgroup v2 has one; with v1 there is one for each controller, and often a
// v2 tree without controllers beside them (hybrid).
type Hierarchy struct {
	// Mount is where it is mounted, for example /sys/fs/cgroup/cpu.
	Mount string
	// V2 says that it is a cgroup v2 tree.
	V2 bool
	// Controllers are those of a v1 tree, with name=systemd for the one without; empty for v2, whose root says them in a file.
	Controllers []string
}

// Has reports whether it is a v1 tree of the controller.
func (h Hierarchy) Has(controller string) bool { return slices.Contains(h.Controllers, controller) }

// Hierarchies returns the machine's trees of cgroups, in the order in which they were mounted.
func Hierarchies() ([]Hierarchy, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("listing cgroup hierarchies: %w", err)
	}
	defer file.Close()
	return parseMounts(file)
}

// parseMounts reads the format of /proc/<pid>/mountinfo (proc(5)): id, parent, device, root, mount point, options, optional fields, "-",
// type, source, options of the file system. A v1 tree's controllers are among the last.
func parseMounts(r io.Reader) ([]Hierarchy, error) {
	var found []Hierarchy
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		mount, fs, ok := strings.Cut(lines.Text(), " - ")
		before, after := strings.Fields(mount), strings.Fields(fs)
		if !ok || len(before) < 6 || len(after) < 3 {
			return nil, fmt.Errorf("reading mountinfo: %q is not of the form of proc(5)", lines.Text())
		}
		h := Hierarchy{Mount: before[4], V2: after[0] == "cgroup2"}
		if after[0] == "cgroup" {
			h.Controllers = slices.DeleteFunc(strings.Split(after[2], ","), func(option string) bool { return option == "rw" || option == "ro" })
		} else if !h.V2 {
			continue
		}
		found = append(found, h)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading mountinfo: %w", err)
	}
	return found, nil
}

// v2Controllers are those that a kubelet wants in its root cgroup, as far as the machine has them.
var v2Controllers = []string{"cpu", "cpuset", "memory", "pids", "io", "hugetlb"}

// MakeCgroup makes the cgroup with the given path, for example "/machine/n1", in all hierarchies, ready for cgroups and processes below:
// of v1's cpuset the CPUs and memory nodes are filled in, of v2 the controllers handed down. Parents must be there already.
func MakeCgroup(path string) error {
	hierarchies, err := Hierarchies()
	if err != nil {
		return err
	}
	for _, h := range hierarchies {
		dir := filepath.Join(h.Mount, path)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("making a cgroup: %w", err)
		}
		if err := h.prepare(dir); err != nil {
			return fmt.Errorf("preparing a cgroup: %w", err)
		}
	}
	return nil
}

// prepare makes a cgroup usable for those below it.
func (h Hierarchy) prepare(dir string) error {
	switch {
	case h.Has("cpuset"):
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} { // empty in a new one, and no process may enter it then
			value, err := os.ReadFile(filepath.Join(filepath.Dir(dir), name))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, name), value, 0o644); err != nil {
				return err
			}
		}
	case h.V2:
		return handDown(dir)
	}
	return nil
}

// keeps returns those of the controllers that a kubelet wants which a cgroup of v2 has but its children do not. What a v1 hierarchy has, or
// a parent keeps for itself, the cgroup does not have.
func keeps(dir string) ([]string, error) {
	has, err := words(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return nil, err
	}
	given, err := words(filepath.Join(dir, subtreeControl))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(has, func(controller string) bool {
		return !slices.Contains(v2Controllers, controller) || slices.Contains(given, controller)
	}), nil
}

// subtreeControl is the file of a cgroup of v2 that says which controllers its children have. A word with + or - before it changes that.
const subtreeControl = "cgroup.subtree_control"

// handDown lets the children of a cgroup of v2 have all that it keeps.
func handDown(dir string) error {
	kept, err := keeps(dir)
	if err != nil {
		return err
	}
	for _, controller := range kept {
		if err := os.WriteFile(filepath.Join(dir, subtreeControl), []byte("+"+controller), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// words reads a file of words.
func words(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	return strings.Fields(string(text)), err
}

// pure returns the machine's v2 hierarchy if it is the only one: then it has all controllers. On a hybrid machine v1 has them, and
// nobody needs v2's.
func pure(hierarchies []Hierarchy) (Hierarchy, bool) {
	if len(hierarchies) == 1 && hierarchies[0].V2 {
		return hierarchies[0], true
	}
	return Hierarchy{}, false
}

// tracker returns the hierarchy in which all processes of the sandbox are kept together, whatever they do in others: v2 if there is
// one, because it alone can kill a tree at once; else that of the processes' number.
func tracker(hierarchies []Hierarchy) (Hierarchy, error) {
	for _, fits := range []func(Hierarchy) bool{
		func(h Hierarchy) bool { return h.V2 },
		func(h Hierarchy) bool { return h.Has("pids") },
	} {
		if i := slices.IndexFunc(hierarchies, fits); i >= 0 {
			return hierarchies[i], nil
		}
	}
	return Hierarchy{}, errors.New("neither cgroup v2 nor v1's pids controller is mounted")
}
