package placement

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

const (
	// maxNested bounds the cgroups that a container made for itself, maxThreads its threads.
	maxNested  = 64
	maxThreads = 1 << 16
)

// threadsOf lists the threads in a cgroup and in those below it, as the agent's process namespace numbers them. root is the folder of the
// cgroup mounts, of version 2 or 1.
func threadsOf(root, cgroup string) ([]int, error) {
	mounts, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer mounts.Close() //nolint:errcheck // nothing was written
	hierarchy, file, err := threadFile(mounts)
	if err != nil {
		return nil, err
	}
	var out []int
	folders := []string{path.Join(hierarchy, strings.TrimPrefix(cgroup, "/"))}
	for i := 0; i < len(folders); i++ {
		text, err := mounts.ReadFile(path.Join(folders[i], file))
		if err != nil && i == 0 { // one below may have gone
			return nil, err
		}
		ids, err := resctrl.ParseTasks(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(folders[i], file), err)
		}
		if slices.Contains(ids, 0) { // to write that to a group would move the agent itself
			return nil, fmt.Errorf("%s has threads that the agent does not see: it needs the process namespace of the node (hostPID)", cgroup)
		}
		if out = append(out, ids...); len(out) > maxThreads {
			return nil, fmt.Errorf("%s has more than %d threads", cgroup, maxThreads)
		}
		folders = append(folders, below(mounts, folders[i], maxNested-len(folders))...)
	}
	return out, nil
}

// threadFile is the hierarchy that lists threads, and how the file is called in it.
func threadFile(mounts *os.Root) (hierarchy, file string, err error) {
	if _, err := mounts.Stat("cgroup.controllers"); err == nil {
		return ".", "cgroup.threads", nil
	}
	for _, controller := range []string{"cpu", "cpu,cpuacct", "cpuacct,cpu", "cpuacct", "memory"} {
		if _, err := mounts.Stat(path.Join(controller, "tasks")); err == nil {
			return controller, "tasks", nil
		}
	}
	return "", "", errors.New("no cgroup hierarchy lists threads: neither cgroup.controllers (v2) nor tasks of cpu or memory (v1) are there")
}

// below are at most so many folders in a folder.
func below(mounts *os.Root, folder string, most int) []string {
	f, err := mounts.Open(folder)
	if err != nil || most <= 0 {
		return nil
	}
	defer f.Close()
	entries, _ := f.ReadDir(-1)
	var out []string
	for _, e := range entries {
		if e.IsDir() && len(out) < most {
			out = append(out, path.Join(folder, e.Name()))
		}
	}
	return out
}
