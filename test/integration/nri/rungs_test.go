package nri_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// emulated is a tree that can be closed.
type emulated struct{ *resctrlfs.Tree }

func (emulated) Close() error { return nil }

func opens(tree *resctrlfs.Tree) func() (placement.Tree, error) {
	return func() (placement.Tree, error) { return emulated{tree}, nil }
}

func newTree(t *testing.T, rmids int, controlGroups ...string) *resctrlfs.Tree {
	t.Helper()
	tree, err := resctrlfs.New(resctrlfs.Spec{
		CPUs: 4, CacheIDs: []int{0}, L3: &controls.Cache{Bytes: 12 << 16, Ways: 12, NumCLOSIDs: 8, MinCBMBits: 1},
		Monitoring: &resctrlfs.Monitoring{NumRMIDs: rmids, Events: []string{resctrlfs.LLCOccupancy}, CacheBytes: 1 << 20, OccupancyUnit: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range controlGroups {
		if err := tree.Mkdir(g); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// cgroups is a folder of cgroup mounts, version 2.
type cgroups struct {
	t    *testing.T
	root string
}

func newCgroups(t *testing.T) cgroups {
	t.Helper()
	c := cgroups{t: t, root: t.TempDir()}
	c.write("cgroup.controllers", "cpu memory\n")
	return c
}

func (c cgroups) write(name, text string) {
	c.t.Helper()
	file := filepath.Join(c.root, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		c.t.Fatal(err)
	}
}

func (c cgroups) threads(cgroup string, tids ...int) {
	c.t.Helper()
	var text strings.Builder
	for _, tid := range tids {
		fmt.Fprintln(&text, tid)
	}
	c.write(filepath.Join(cgroup, "cgroup.threads"), text.String())
}

// swept is a placer on an emulated machine with six containers that the node's own files show, the last of which is somebody else's.
type swept struct {
	*placement.Placer

	t     *testing.T
	tree  *resctrlfs.Tree
	files cgroups
	known []placement.Known
	clock *clocktesting.FakeClock
	wish  placement.Wish
}

func newSwept(t *testing.T) *swept {
	t.Helper()
	s := &swept{t: t, tree: newTree(t, 11, "ballast-batch", "pqos"), files: newCgroups(t), clock: clocktesting.NewFakeClock(epoch)}
	for i := range 6 {
		cgroup := fmt.Sprintf("/kubepods/besteffort/pod%d/c%d", i, i)
		s.known = append(s.known, placement.Known{
			ID: id(i), Namespace: "default", Pod: fmt.Sprintf("batch-%d", i), Name: "main", QoS: membership.BestEffort, Cgroup: cgroup,
		})
		s.fork(100 + i)
		s.files.threads(cgroup, 100+i)
	}
	if err := s.tree.WriteFile("pqos/tasks", []byte("105")); err != nil {
		t.Fatal(err)
	}
	s.Placer, _ = start(t, placement.Options{Open: opens(s.tree), Machine: realMachine, Cgroup: s.files.root, Clock: s.clock})
	s.wish = placement.Wish{
		Act: true, Partitions: partitions, Groups: map[string]string{"batch": "ballast-batch", "web": "ballast-web"}, RMIDs: 11,
		Containers: s.known,
	}
	s.Wish(s.wish)
	return s
}

func (s *swept) fork(tid int) {
	s.t.Helper()
	if err := s.tree.Fork(0, resctrlfs.Task{TID: tid, TGID: tid}); err != nil {
		s.t.Fatal(err)
	}
}

// awaitThread waits until the kernel shows the thread in the groups.
func (s *swept) awaitThread(tid int, control, monitor string) {
	s.t.Helper()
	eventually(s.t, func() string {
		got, err := s.tree.Groups(tid)
		if want := "res:" + control + "\nmon:" + monitor + "\n"; err != nil || strings.ReplaceAll(got, "/", "") != want {
			return fmt.Sprintf("thread %d is in %q (%v), want %q", tid, got, err, want)
		}
		return ""
	})
}

// TestSweepWithoutRuntime: containers that the node's own files show are put into their groups, and into monitor groups as far as there
// is room; somebody else's are not. Strays follow after a period, and a change of the partition at once.
func TestSweepWithoutRuntime(t *testing.T) {
	s := newSwept(t)
	eventually(t, func() string {
		v := s.View()
		if v.Rung != placement.RungSweep || !strings.Contains(v.Why, "no socket") || v.Problem != "" || !strings.Contains(v.Unmonitored, "RMID") {
			return fmt.Sprintf("%+v", v)
		}
		return ""
	})
	for i, c := range s.View().Containers {
		// 11 ids: one for the default group, two for the other groups, four in reserve: room for four
		want := placement.Placed{
			ID: id(i), Namespace: "default", Pod: s.known[i].Pod, Container: "main", QoS: "BestEffort", Partition: "batch", Group: "ballast-batch",
			Settled: true, Monitored: i < 4, Moved: 1, Limit: c.Limit, Kubelet: c.Kubelet, Own: c.Own,
		}
		if i == 5 {
			want.Settled, want.Monitored, want.Moved, want.Foreign = false, false, 0, "pqos"
		}
		if c != want {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
	s.fork(200) // exec puts a process into the default group
	s.files.threads(s.known[0].Cgroup, 100, 200)
	s.clock.Step(placement.Period)
	s.awaitThread(200, "ballast-batch", id(0))
	if err := s.tree.Mkdir("ballast-web"); err != nil {
		t.Fatal(err)
	}
	s.wish.Partitions = []membership.Partition{{Name: "web", Members: []membership.Member{{Pod: "batch-0"}}}, partitions[1]}
	s.Wish(s.wish)
	s.awaitThread(200, "ballast-web", id(0))
	eventually(t, func() string {
		if got := s.View().Containers[0]; !got.Renamed || got.Group != "ballast-web" || !got.Settled {
			return fmt.Sprintf("%+v", got)
		}
		return ""
	})
	s.awaitThread(105, "pqos", "")
}

// TestNotActive: nothing moves unless the switch is active.
func TestNotActive(t *testing.T) {
	s := newSwept(t)
	s.awaitThread(100, "ballast-batch", id(0))
	eventually(t, func() string { // the round that moved it may still be under way
		if got := s.View().Containers; len(got) == 0 || !got[0].Settled {
			return fmt.Sprintf("containers are %+v", got)
		}
		return ""
	})
	s.wish.Act = false
	s.Wish(s.wish)
	s.fork(200)
	s.files.threads(s.known[0].Cgroup, 100, 200)
	seen := s.View().Time
	s.clock.Step(placement.Period)
	eventually(t, func() string {
		if !s.View().Time.After(seen) {
			return "no round since"
		}
		return ""
	})
	s.awaitThread(200, "", "")
	s.wish.Act = true
	s.Wish(s.wish)
	s.awaitThread(200, "ballast-batch", id(0))
}

// TestKernelSaysForeign: where the kernel says of the first process that somebody else has it, the threads are not even listed.
func TestKernelSaysForeign(t *testing.T) {
	machine := fstest.MapFS{"proc/77/cpu_resctrl_groups": {Data: []byte("res:/theirs\nmon:\n")}}
	p, _ := start(t, placement.Options{Open: opens(newTree(t, 16, "ballast-batch")), Machine: machine, Cgroup: t.TempDir()})
	p.Wish(placement.Wish{
		Act: true, Partitions: partitions, Groups: map[string]string{"batch": "ballast-batch"},
		Containers: []placement.Known{{ID: "a", QoS: membership.BestEffort, Cgroup: "/kubepods/besteffort/pod/a", PID: 77}},
	})
	eventually(t, func() string {
		if v := p.View(); len(v.Containers) != 1 || v.Containers[0].Foreign != "theirs" || v.Problem != "" {
			return fmt.Sprintf("%+v", v)
		}
		return ""
	})
}

// TestRungs starts a container with each kind of runtime and machine: what it is handed, and that it starts.
func TestRungs(t *testing.T) {
	elsewhere := fstest.MapFS{"proc/1/mounts": {Data: []byte("x /mnt/resctrl resctrl rw 0 0\n")}}
	other := fstest.MapFS{"proc/1/mounts": {Data: []byte("x /sys/fs/resctrl fuse rw 0 0\n")}}
	for _, tt := range []struct {
		name, version string
		machine       fs.FS
		group         string // that the kernel has
		want          placement.Rung
		class         string
		monitor       bool
	}{
		{"new containerd", "v2.2.9", realMachine, "ballast-batch", placement.RungRDT, "ballast-batch", true},
		{"old containerd", "v1.7.27", realMachine, "ballast-batch", placement.RungClass, "ballast-batch", false},
		{"the group is not there", "v2.2.9", realMachine, "ballast-web", placement.RungRDT, "", false},
		{"mounted elsewhere", "v2.2.9", elsewhere, "ballast-batch", placement.RungSweep, "", false},
		{"something else is mounted there", "v2.2.9", other, "ballast-batch", placement.RungSweep, "", false},
		{"no RDT", "v2.2.9", fstest.MapFS{}, "", placement.RungNone, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRuntime(t, socketPath(t))
			r.serve("containerd", tt.version)
			defer r.stop()
			open := func() (placement.Tree, error) { return nil, errors.New("no resctrl here") }
			if tt.group != "" {
				open = opens(newTree(t, 64, tt.group))
				r.groups[tt.group] = true
			}
			p, _ := start(t, placement.Options{Socket: r.socket, Open: open, Machine: tt.machine, Cgroup: t.TempDir()})
			awaitConnection(t, p, r)
			p.Wish(placement.Wish{Act: true, Partitions: partitions, Groups: map[string]string{"batch": "ballast-batch"}, RMIDs: 64})
			awaitRung(t, p, tt.want)
			pod, c := r.container("a", "batch-a", "besteffort", quota.Limit{})
			if err := r.run(pod, c); err != nil {
				t.Fatal(err)
			}
			rdt := c.GetLinux().GetRdt()
			if got := rdt.GetClosId().GetValue(); got != tt.class || rdt.GetEnableMonitoring().GetValue() != tt.monitor {
				t.Errorf("class %q, monitoring %v, want %q, %v", got, rdt.GetEnableMonitoring().GetValue(), tt.class, tt.monitor)
			}
		})
	}
}

func awaitRung(t *testing.T, p *placement.Placer, want placement.Rung) {
	t.Helper()
	eventually(t, func() string {
		if v := p.View(); v.Rung != want || strings.Contains(v.Why, "yet") {
			return fmt.Sprintf("the rung is %s (%s), want %s", v.Rung, v.Why, want)
		}
		return ""
	})
}

// TestMonitorsWithinBudget: between two sweeps the runtime is asked for no more monitor groups than there are ids to spare, however often
// there is a new wish, because a container does not start without one that was asked for.
func TestMonitorsWithinBudget(t *testing.T) {
	r := newRuntime(t, socketPath(t))
	r.serve("containerd", "v2.2.9")
	defer r.stop()
	r.groups["ballast-batch"] = true
	p, _ := start(t, placement.Options{
		Socket: r.socket, Open: opens(newTree(t, 16, "ballast-batch")), Machine: realMachine, Cgroup: t.TempDir(),
		Clock: clocktesting.NewFakeClock(epoch),
	})
	awaitConnection(t, p, r)
	wish := placement.Wish{Act: true, Partitions: partitions, Groups: map[string]string{"batch": "ballast-batch"}, RMIDs: 16}
	p.Wish(wish)
	awaitRung(t, p, placement.RungRDT)
	monitored := 0
	for i := range 30 {
		pod, c := r.container(id(i), fmt.Sprintf("batch-%d", i), "besteffort", quota.Limit{})
		if err := r.run(pod, c); err != nil {
			t.Fatal(err)
		}
		if c.GetLinux().GetRdt().GetEnableMonitoring().GetValue() {
			monitored++
		}
		p.Wish(wish)
	}
	if monitored != 10 { // 16 ids: one for the default group, one for the other, four in reserve
		t.Errorf("%d containers are to have a monitor group, want 10", monitored)
	}
}

// TestGroupVanishes: a group that goes between our look and the start of a container stops that container once; the next attempt starts.
func TestGroupVanishes(t *testing.T) {
	r := newRuntime(t, socketPath(t))
	r.serve("containerd", "v2.2.9")
	defer r.stop()
	tree := opens(newTree(t, 64, "ballast-batch"))
	p, _ := start(t, placement.Options{Socket: r.socket, Open: tree, Machine: realMachine, Cgroup: t.TempDir()})
	awaitConnection(t, p, r)
	p.Wish(placement.Wish{Act: true, Partitions: partitions, Groups: map[string]string{"batch": "ballast-batch"}})
	awaitRung(t, p, placement.RungRDT)
	if err := r.run(r.container("a1", "batch-a", "besteffort", quota.Limit{})); err == nil {
		t.Fatal("the first attempt starts although its group is not there")
	}
	if err := r.run(r.container("a2", "batch-a", "besteffort", quota.Limit{})); err != nil {
		t.Errorf("the second attempt: %v", err)
	}
}
