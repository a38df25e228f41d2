package nri_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/placement/groups"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

const batchGroup, webGroup, foreignGroup = "ballast-batch", "ballast-web", "pqos"

// id of a container, as long as runtimes' are.
func id(n int) string { return fmt.Sprintf("%064x", n) }

// machine is a resctrl tree with containers whose threads come and go.
type machine struct {
	*resctrlfs.Tree
	t *testing.T

	cgroups map[string][]int
	next    int
	writes  int
	// before is told of every write, before it is done.
	before func(file, text string)
}

func newMachine(t *testing.T, rmids int) *machine {
	t.Helper()
	return newKernel(t, rmids, resctrlfs.Modern)
}

func newKernel(t *testing.T, rmids int, kernel kerneltext.Kernel) *machine {
	t.Helper()
	tree, err := resctrlfs.New(resctrlfs.Spec{
		CPUs: 4, CacheIDs: []int{0}, L3: &controls.Cache{Bytes: 12 << 16, Ways: 12, NumCLOSIDs: 8, MinCBMBits: 1}, Kernel: kernel,
		Monitoring: &resctrlfs.Monitoring{
			NumRMIDs: rmids, Events: []string{resctrlfs.LLCOccupancy, resctrlfs.MBMTotalBytes}, CacheBytes: 1 << 20, OccupancyUnit: 1,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{Tree: tree, t: t, cgroups: map[string][]int{}, next: 100}
	for _, g := range []string{batchGroup, webGroup, foreignGroup} {
		if err := tree.Mkdir(g); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func (m *machine) WriteFile(name string, data []byte) error {
	m.writes++
	if m.before != nil {
		m.before(name, strings.TrimSpace(string(data)))
	}
	return m.Tree.WriteFile(name, data)
}

// fork starts a thread in a container, as a child of parent, or of nobody in the default group (0): a process that the runtime starts.
func (m *machine) fork(container string, parent int) int {
	m.t.Helper()
	m.next++
	if err := m.Fork(parent, resctrlfs.Task{TID: m.next, TGID: m.next}); err != nil {
		m.t.Fatal(err)
	}
	m.cgroups[container] = append(m.cgroups[container], m.next)
	return m.next
}

func (m *machine) exit(container string, tid int) {
	m.t.Helper()
	if err := m.Exit(tid); err != nil {
		m.t.Fatal(err)
	}
	m.cgroups[container] = slices.DeleteFunc(slices.Clone(m.cgroups[container]), func(x int) bool { return x == tid })
}

func (m *machine) look() *groups.Look {
	m.t.Helper()
	l, err := groups.See(m)
	if err != nil {
		m.t.Fatal(err)
	}
	return l
}

// place is a round for one container.
func (m *machine) place(container, control string, monitor bool) (groups.Outcome, error) {
	return m.look().Place(m, m.container(container, control, monitor))
}

func (m *machine) container(container, control string, monitor bool) groups.Container {
	return groups.Container{
		ID: container, Control: control, Monitor: monitor, Allowed: monitor,
		Threads: func() ([]int, error) { return slices.Clone(m.cgroups[container]), nil },
	}
}

// wantAll fails unless all threads of the container are there.
func (m *machine) wantAll(container, control, monitor string) {
	m.t.Helper()
	for _, tid := range m.cgroups[container] {
		got, err := m.Groups(tid)
		if want := "res:" + control + "\nmon:" + monitor + "\n"; err != nil || strings.ReplaceAll(got, "/", "") != want {
			m.t.Errorf("thread %d is in %q (%v), want %q", tid, got, err, want)
		}
	}
}

func TestThreadsIntoGroup(t *testing.T) {
	m := newMachine(t, 32)
	c := id(1)
	first := m.fork(c, 0)
	m.fork(c, first)
	o, err := m.place(c, batchGroup, true)
	if err != nil || o.Threads != 2 || o.Moved != 2 || !o.Monitored || o.Renamed {
		t.Errorf("%+v, %v", o, err)
	}
	m.wantAll(c, batchGroup, c)
	m.fork(c, first) // a child of the container is where its parent is
	m.writes = 0
	if o, err = m.place(c, batchGroup, true); err != nil || o.Moved != 0 || m.writes != 0 {
		t.Errorf("a settled container: %+v, %v, %d writes", o, err, m.writes)
	}
	stray := m.fork(c, 0) // exec: the runtime puts it into the control group at most
	if err := m.Tree.WriteFile(batchGroup+"/tasks", fmt.Append(nil, stray)); err != nil {
		t.Fatal(err)
	}
	m.fork(c, 0)
	if o, err = m.place(c, batchGroup, true); err != nil || o.Moved != 2 {
		t.Errorf("two strays: %+v, %v", o, err)
	}
	m.wantAll(c, batchGroup, c)
	if o, err = m.place(id(2), batchGroup, true); err != nil || o.Threads != 0 || !o.Monitored {
		t.Errorf("no threads yet: %+v, %v", o, err)
	}
}

// TestForksWhileMoving: threads that are not moved yet make others, until a pass finds none.
func TestForksWhileMoving(t *testing.T) {
	m := newMachine(t, 32)
	c := id(1)
	for range 4 {
		m.fork(c, 0)
	}
	forks := 0
	m.before = func(_, _ string) {
		if forks < 3 { // of one that is still elsewhere: the last of the list
			forks++
			m.fork(c, m.cgroups[c][len(m.cgroups[c])-1])
		}
	}
	o, err := m.place(c, batchGroup, false)
	if err != nil || forks != 3 || o.Moved != 7 {
		t.Errorf("%+v, %v, %d forks", o, err, forks)
	}
	m.wantAll(c, batchGroup, "")
	m.before = func(_, _ string) { m.fork(c, 0) } // without end
	m.fork(c, 0)
	if _, err := m.place(c, batchGroup, false); !errors.Is(err, groups.ErrUnsettled) {
		t.Errorf("threads without end: %v", err)
	}
	m.before = nil
	if _, err := m.place(c, batchGroup, false); err != nil {
		t.Errorf("the next round: %v", err)
	}
	m.wantAll(c, batchGroup, "")
}

// TestThreadsEnd: threads that end between the listing and the write are no error.
func TestThreadsEnd(t *testing.T) {
	m := newMachine(t, 32)
	c := id(1)
	for range 5 {
		m.fork(c, 0)
	}
	m.before = func(_, _ string) {
		if len(m.cgroups[c]) > 1 {
			m.exit(c, m.cgroups[c][0])
		}
	}
	if o, err := m.place(c, batchGroup, true); err != nil || o.Threads != 5 {
		t.Errorf("%+v, %v", o, err)
	}
	m.wantAll(c, batchGroup, c)
}

// TestRename: with a monitor group a container changes its control group in one step, its counters go on, and what was outside of its
// monitor group follows.
func TestRename(t *testing.T) {
	m := newMachine(t, 32)
	c := id(1)
	first := m.fork(c, 0)
	m.fork(c, first)
	if _, err := m.place(c, batchGroup, true); err != nil {
		t.Fatal(err)
	}
	stray := m.fork(c, 0)
	if err := m.Tree.WriteFile(batchGroup+"/tasks", fmt.Append(nil, stray)); err != nil {
		t.Fatal(err)
	}
	if err := m.SetCounter(groups.Monitor(batchGroup, c), 0, resctrlfs.MBMTotalBytes, resctrlfs.Counter{Value: 4711}); err != nil {
		t.Fatal(err)
	}
	o, err := m.place(c, webGroup, true)
	if err != nil || !o.Renamed || o.Moved != 1 || !o.Monitored {
		t.Errorf("%+v, %v", o, err)
	}
	m.wantAll(c, webGroup, c)
	if text, err := m.ReadFile(groups.Monitor(webGroup, c) + "/mon_data/mon_L3_00/mbm_total_bytes"); err != nil || string(text) != "4711\n" {
		t.Errorf("the counter: %q, %v", text, err)
	}
}

// TestWithoutRename: kernels before 6.5.
func TestWithoutRename(t *testing.T) {
	m := newKernel(t, 32, resctrlfs.Padded)
	c := id(1)
	first := m.fork(c, 0)
	m.fork(c, first)
	if _, err := m.place(c, batchGroup, true); err != nil {
		t.Fatal(err)
	}
	o, err := m.place(c, webGroup, true)
	if err != nil || o.Renamed || o.Moved != 2 || !o.Monitored || !errors.Is(o.NoRename, syscall.EPERM) {
		t.Errorf("%+v, %v", o, err)
	}
	m.wantAll(c, webGroup, c)
	var s groups.Sweeper // the old monitor group is left behind: the container is known, and has one elsewhere
	for round := range 2 {
		removed, err := s.Sweep(m, m.look(), func(control, _ string) bool { return control == webGroup })
		if err != nil || removed != round {
			t.Errorf("round %d removed %d, %v", round, removed, err)
		}
	}
	if _, err := m.ReadDir(groups.Monitor(batchGroup, c)); err == nil {
		t.Error("the old monitor group is still there")
	}
	m.wantAll(c, webGroup, c)
}

func TestForeignThread(t *testing.T) {
	m := newMachine(t, 32)
	c := id(1)
	m.fork(c, 0)
	theirs := m.fork(c, 0)
	if err := m.Tree.WriteFile(foreignGroup+"/tasks", fmt.Append(nil, theirs)); err != nil {
		t.Fatal(err)
	}
	o, err := m.place(c, batchGroup, true)
	if err != nil || o.Foreign != foreignGroup || o.Monitored || m.writes != 0 {
		t.Errorf("%+v, %v, %d writes", o, err, m.writes)
	}
}

// TestNoMonitorIsNoReason: without a free monitoring id a container is placed all the same, and the reason tells in limbo from in use.
func TestNoMonitorIsNoReason(t *testing.T) {
	m := newMachine(t, 5) // of which the default group and the three have one each
	last, c := id(1), id(2)
	m.fork(last, 0)
	m.fork(c, 0)
	if o, err := m.place(last, batchGroup, true); err != nil || !o.Monitored {
		t.Fatalf("%+v, %v", o, err)
	}
	if o, err := m.place(c, batchGroup, true); err != nil || o.Monitored || !errors.Is(o.NoMonitor, resctrl.ErrNoMonitor) {
		t.Errorf("all in use: %+v, %v", o, err)
	}
	m.wantAll(c, batchGroup, "")
	if err := m.SetCounter(groups.Monitor(batchGroup, last), 0, resctrlfs.LLCOccupancy, resctrlfs.Counter{Value: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if err := m.Remove(groups.Monitor(batchGroup, last)); err != nil {
		t.Fatal(err)
	}
	if o, err := m.place(c, batchGroup, true); err != nil || o.Monitored || !errors.Is(o.NoMonitor, resctrl.ErrDraining) {
		t.Errorf("in limbo: %+v, %v", o, err)
	}
	m.CheckLimbo(0)
	if o, err := m.place(c, batchGroup, true); err != nil || !o.Monitored || o.NoMonitor != nil {
		t.Errorf("free again: %+v, %v", o, err)
	}
	m.wantAll(c, batchGroup, c)
}

// TestRuntimeWasFirst: the runtime makes the monitor group between our look and our attempt.
func TestRuntimeWasFirst(t *testing.T) {
	m := newMachine(t, 32)
	c := id(1)
	m.fork(c, 0)
	l := m.look()
	if err := m.Mkdir(groups.Monitor(batchGroup, c)); err != nil {
		t.Fatal(err)
	}
	if o, err := l.Place(m, m.container(c, batchGroup, true)); err != nil || !o.Monitored {
		t.Errorf("%+v, %v", o, err)
	}
	m.wantAll(c, batchGroup, c)
}

func TestSweeper(t *testing.T) {
	m := newMachine(t, 32)
	gone, known, busy := id(1), id(2), id(3)
	for _, folder := range []string{
		groups.Monitor(batchGroup, gone), groups.Monitor(batchGroup, known), groups.Monitor(batchGroup, busy), groups.Monitor(batchGroup, "mine"),
		groups.Monitor(foreignGroup, gone), groups.Monitor(".", gone),
	} {
		if err := m.Mkdir(folder); err != nil {
			t.Fatal(err)
		}
	}
	tid := m.fork(busy, 0)
	for _, file := range []string{batchGroup + "/tasks", groups.Monitor(batchGroup, busy) + "/tasks"} {
		if err := m.Tree.WriteFile(file, fmt.Append(nil, tid)); err != nil {
			t.Fatal(err)
		}
	}
	var s groups.Sweeper
	for round := range 3 { // the first only suspects
		l := m.look()
		removed, err := s.Sweep(m, l, func(_, x string) bool { return x == known })
		if want := map[int]int{1: 1}[round]; err != nil || removed != want {
			t.Errorf("round %d removed %d, want %d: %v", round, removed, want, err)
		}
		if l.Groups != m.look().Groups {
			t.Errorf("round %d: the look counts %d groups, there are %d", round, l.Groups, m.look().Groups)
		}
	}
	l := m.look()
	if l.Groups != 3+5 || l.Monitors[batchGroup][gone] || !l.Monitors[foreignGroup][gone] || !l.Monitors["."][gone] {
		t.Errorf("%+v", l)
	}
}

// TestChurn lets containers come, go, fork, exec and change their partition for thousands of steps, with few monitoring ids that drain
// slowly. After each round every thread is in its control group, and in its monitor group if the container has one; threads of others
// have not been moved.
func TestChurn(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	m := newMachine(t, 12)
	theirs := m.fork("theirs", 0)
	if err := m.Tree.WriteFile(foreignGroup+"/tasks", fmt.Append(nil, theirs)); err != nil {
		t.Fatal(err)
	}
	want, s, known := map[string]string{}, groups.Sweeper{}, 0
	for range 3000 {
		switch c := id(1 + random.IntN(10)); {
		case want[c] == "":
			want[c] = []string{batchGroup, webGroup}[random.IntN(2)]
			m.fork(c, 0)
		case len(m.cgroups[c]) > 8 || random.IntN(8) == 0: // ends; the runtime removes its monitor group where it made it
			for _, tid := range slices.Clone(m.cgroups[c]) {
				m.exit(c, tid)
			}
			delete(want, c)
		case random.IntN(3) == 0:
			want[c] = map[string]string{batchGroup: webGroup, webGroup: batchGroup}[want[c]]
		case random.IntN(2) == 0:
			m.fork(c, 0)
		default:
			m.fork(c, m.cgroups[c][random.IntN(len(m.cgroups[c]))])
		}
		if random.IntN(4) > 0 {
			continue
		}
		m.CheckLimbo(0.5)
		l := m.look()
		for c, control := range want {
			o, err := l.Place(m, m.container(c, control, true))
			if err != nil {
				t.Fatal(err)
			}
			monitor := ""
			if o.Monitored {
				monitor = c
				known++
			}
			m.wantAll(c, control, monitor)
		}
		if _, err := s.Sweep(m, l, func(control, x string) bool { return want[x] == control }); err != nil {
			t.Fatal(err)
		}
		m.wantAll("theirs", foreignGroup, "")
		if t.Failed() {
			t.FailNow()
		}
	}
	if known == 0 {
		t.Error("no container ever had a monitor group")
	}
}
