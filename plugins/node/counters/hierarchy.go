package counters

import (
	"cmp"
	"errors"
	"os"
	"path"
)

// hierarchies are the folders of the mounted hierarchies, relative to the cgroup folder; empty: there is none.
type hierarchies struct {
	v2                   string // cgroup v2
	cpu, cpuacct, memory string // cgroup v1
	perf                 string // the one that has perf_event: its own on v1, else v2, which always has it
	discover             string // where containers are looked for
}

// findHierarchies tells cgroup v2 ("." has cgroup.controllers), v1 (a folder for each controller, perhaps two in one) and both side by side
// (v2 in unified, with the controllers that v1 left).
func findHierarchies(root *os.Root) (hierarchies, error) {
	var h hierarchies
	has := func(name string) bool {
		_, err := root.Stat(name)
		return err == nil
	}
	first := func(file string, folders ...string) string {
		for _, f := range folders {
			if has(path.Join(f, file)) {
				return f
			}
		}
		return ""
	}
	h.v2 = first("cgroup.controllers", ".", "unified")
	if h.v2 != "." {
		h.cpu = first("cgroup.procs", "cpu", "cpu,cpuacct", "cpuacct,cpu")
		h.cpuacct = first("cpuacct.usage", "cpuacct", "cpu,cpuacct", "cpuacct,cpu")
		h.memory = first("cgroup.procs", "memory")
	}
	if h.perf = h.v2; h.v2 != "." {
		h.perf = cmp.Or(first("cgroup.procs", "perf_event"), h.v2)
	}
	h.discover = first("cgroup.procs", ".", "cpu", "cpu,cpuacct", "cpuacct,cpu", "cpuacct", "memory", "unified")
	if h.discover == "" {
		return h, errors.New("no cgroup hierarchy: neither cgroup.controllers (v2) nor the folders cpu, cpuacct, memory (v1) are there; " +
			"is it the folder of the cgroup mounts?")
	}
	return h, nil
}

func (h hierarchies) version() string {
	switch h.v2 {
	case ".":
		return "v2"
	case "":
		return "v1"
	}
	return "v1 beside v2"
}
