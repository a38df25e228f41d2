package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/mount"
)

// containerID is that of the container that the machine runs.
const containerID = "abababababababababababababababababababababababababababababababab"

// machine is what an agent sees of its node: an emulated resctrl tree, one container's cgroup v2, proc, and the kubelet's links to logs.
type machine struct {
	root string
	// tree is the emulator; nil where it could not be mounted and resctrl is a copy of it.
	tree *resctrlfs.Tree
}

func (m *machine) cgroup() string  { return filepath.Join(m.root, "cgroup") }
func (m *machine) proc() string    { return filepath.Join(m.root, "proc") }
func (m *machine) resctrl() string { return filepath.Join(m.root, "resctrl") }
func (m *machine) logs() string    { return filepath.Join(m.root, "containers") }

// newMachine makes two sockets of 20 ways each, of which devices share the upper two, with 8 classes.
func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{root: t.TempDir()}
	tree, err := resctrlfs.New(resctrlfs.Spec{
		CPUs: 32, CacheIDs: []int{0, 1},
		L3: &controls.Cache{Bytes: 57671680, Ways: 20, NumCLOSIDs: 16, MinCBMBits: 1, ShareableBits: 0xc0000},
		MB: &controls.Bandwidth{NumCLOSIDs: 8, Min: 10, Max: 100, Granularity: 10, Linear: true},
		Monitoring: &resctrlfs.Monitoring{
			NumRMIDs: 64, Events: []string{resctrlfs.LLCOccupancy, resctrlfs.MBMTotalBytes, resctrlfs.MBMLocalBytes},
			CacheBytes: 57671680, OccupancyUnit: 98304, MaxThresholdOccupancy: 98304,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.SetCounter(".", 0, resctrlfs.LLCOccupancy, resctrlfs.Counter{Value: 983040}); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{m.resctrl(), m.logs()} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if fs, err := mount.Mount(tree, m.resctrl(), mount.Options{}); err == nil {
		m.tree = tree
		t.Cleanup(func() {
			if err := fs.Close(); err != nil {
				t.Error(err)
			}
		})
	} else {
		t.Logf("the tree is a copy, without the kernel's faults: %v", err)
		m.copy(t, tree, ".")
	}
	m.container(t)
	return m
}

// copy writes a folder of the emulator into the machine's.
func (m *machine) copy(t *testing.T, tree *resctrlfs.Tree, folder string) {
	t.Helper()
	names, err := tree.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		name := filepath.Join(folder, n)
		if strings.HasSuffix(n, "/") {
			if err := os.Mkdir(filepath.Join(m.resctrl(), name), 0o755); err != nil {
				t.Fatal(err)
			}
			m.copy(t, tree, name)
			continue
		}
		if text, err := tree.ReadFile(name); err == nil {
			m.write(t, filepath.Join("resctrl", name), string(text))
		}
	}
}

// container fills the cgroup of a container without pressure files, as on a kernel without pressure accounting.
func (m *machine) container(t *testing.T) {
	t.Helper()
	folder := "cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_0000_1111_2222_333344445555.slice/cri-containerd-" +
		containerID + ".scope/"
	for name, text := range map[string]string{
		"cgroup/cgroup.controllers": "cpu memory\n", "cgroup/cgroup.procs": "",
		folder + "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 40\nnr_throttled 10\nthrottled_usec 250000\n",
		folder + "cpu.max":  "50000 100000\n", folder + "memory.current": "1048576\n",
		folder + "memory.events":  "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
		folder + "cgroup.threads": "11\n",
		"proc/11/schedstat":       "5000000 1000000 7\n",
		"proc/cpuinfo":            "processor : 0\nflags : fpu sse2\n",
		"proc/filesystems":        "nodev\tsysfs\n\text4\n",
	} {
		m.write(t, name, text)
	}
}

func (m *machine) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// schemata are the lines of a group's file, "" where there is no group.
func (m *machine) schemata(group string) string {
	text, err := os.ReadFile(filepath.Join(m.resctrl(), group, "schemata"))
	if err != nil {
		return ""
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, " ")
}
