package counters

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/ballast-k8s/ballast/plugins/node/counters/parse"
)

const (
	cgroupfsPath = "kubepods/burstable/pod" + uid + "/" + id
	systemdPath  = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_0000_1111_2222_333344445555.slice/cri-containerd-" +
		id + ".scope"
)

// expected is what the fixtures say: 1.5 s used; 10 of 40 periods of half a core stopped, for 0.25 s; the first reading of a run queue is
// where its count starts.
func expected(m *machine, path, runtime string) Sample {
	return Sample{
		Container:  Container{Pod: uid, ID: id, Runtime: runtime, QoS: "burstable", Path: path},
		Time:       m.now,
		CPU:        &CPU{Total: 1500 * time.Millisecond, User: time.Second, System: 500 * time.Millisecond},
		Throttling: &Throttling{Limit: 0.5, Periods: 40, Stopped: 10, Time: 250 * time.Millisecond},
		Memory:     &Memory{Bytes: 1 << 20, AtLimit: 4, Kills: 1},
		RunQueue:   &RunQueue{Threads: 2},
	}
}

func pressures(s *Sample) {
	s.CPUPressure = &parse.Pressure{
		Some: &parse.Stall{Total: 4 * time.Second, Avg10: 0.125, Avg60: 0.01, Avg300: 0.0025}, Full: &parse.Stall{Total: time.Millisecond, Avg10: 0.01},
	}
	s.MemoryPressure = &parse.Pressure{Some: &parse.Stall{}, Full: &parse.Stall{}}
	s.IOPressure = &parse.Pressure{Some: &parse.Stall{Total: 7 * time.Microsecond}, Full: &parse.Stall{Total: 6 * time.Microsecond}}
}

func TestReadV2(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	r := m.open()
	want := expected(m, systemdPath, "containerd")
	want.Memory.High = 3
	pressures(&want)
	if d := cmp.Diff(want, m.only(r)); d != "" || r.Version() != "v2" {
		t.Errorf("%s, -want +got:\n%s", r.Version(), d)
	}
}

func TestReadV1(t *testing.T) {
	m := newMachine(t)
	m.v1(cgroupfsPath)
	r := m.open()
	want := expected(m, cgroupfsPath, "")
	const noPressure = "cgroup v1 has no pressure files, and the container has no cgroup in a v2 hierarchy beside it"
	want.Absent = []Absence{{CPUPressure, noPressure}, {MemoryPressure, noPressure}, {IOPressure, noPressure}}
	if d := cmp.Diff(want, m.only(r)); d != "" || r.Version() != "v1" {
		t.Errorf("%s, -want +got:\n%s", r.Version(), d)
	}
}

// TestReadBoth: controllers in v1, pressure in the v2 hierarchy beside it, cpu and cpuacct in one folder that links lead to.
func TestReadBoth(t *testing.T) {
	m := newMachine(t)
	m.v1(cgroupfsPath)
	for _, name := range []string{"tasks", "cpu.stat", "cpu.cfs_quota_us", "cpu.cfs_period_us"} {
		text, err := os.ReadFile(filepath.Join(m.root, "cgroup/cpu", cgroupfsPath, name))
		if err != nil {
			t.Fatal(err)
		}
		m.write(filepath.Join("cgroup/cpuacct", cgroupfsPath, name), string(text))
	}
	m.write("cgroup/cpuacct/cgroup.procs", "")
	m.remove("cgroup/cpu")
	for link, to := range map[string]string{"cpu,cpuacct": "cpuacct", "cpu": "cpuacct"} {
		if err := os.Symlink(to, filepath.Join(m.root, "cgroup", link)); err != nil {
			t.Fatal(err)
		}
	}
	m.write("cgroup/unified/cgroup.controllers", "")
	for _, name := range []string{"cpu.pressure", "memory.pressure", "io.pressure"} {
		m.write(filepath.Join("cgroup/unified", cgroupfsPath, name), v2Files[name])
	}
	r := m.open()
	want := expected(m, cgroupfsPath, "")
	pressures(&want)
	if d := cmp.Diff(want, m.only(r)); d != "" || r.Version() != "v1 beside v2" {
		t.Errorf("%s, -want +got:\n%s", r.Version(), d)
	}
}

// TestAbsent: each signal that is not there is named with its reason, and the others are read all the same.
func TestAbsent(t *testing.T) {
	at := "cgroup/" + systemdPath
	tests := map[string]struct {
		change func(m *machine)
		signal Signal
		why    string
	}{
		"no PSI": {func(m *machine) {
			m.remove("proc/pressure")
			m.remove(at + "/cpu.pressure")
		}, CPUPressure, "has no CONFIG_PSI, or was not started with psi=1"},
		"pressure hidden": {func(m *machine) { m.remove(at + "/io.pressure") }, IOPressure, "cgroup.pressure is 0"},
		"pressure broken": {func(m *machine) { m.write(at+"/memory.pressure", "some avg10=x total=1\n") }, MemoryPressure, "not a percentage"},
		"no cpu controller": {func(m *machine) {
			m.write(at+"/cpu.stat", "usage_usec 1\nuser_usec 1\nsystem_usec 0\n")
		}, Throttled, "controller is not enabled"},
		"no use": {func(m *machine) {
			m.write(at+"/cpu.stat", "nr_periods 1\nnr_throttled 0\nthrottled_usec 0\n")
		}, Use, "no usage_usec"},
		"limit broken":      {func(m *machine) { m.write(at+"/cpu.max", "max\n") }, Throttled, "a quota and a period"},
		"no memory":         {func(m *machine) { m.remove(at + "/memory.current") }, MemoryUse, "there is no memory.current"},
		"old memory events": {func(m *machine) { m.write(at+"/memory.events", "low 0\nhigh 0\nmax 0\noom 0\n") }, MemoryUse, "older than 4.13"},
		"other pid space":   {func(m *machine) { m.write(at+"/cgroup.threads", "0\n0\n") }, RunQueueDelay, "hostPID"},
		"no schedstat":      {func(m *machine) { m.remove("proc/11"); m.remove("proc/12") }, RunQueueDelay, "CONFIG_SCHED_INFO"},
		"schedstat broken":  {func(m *machine) { m.write("proc/12/schedstat", "1 x 3\n") }, RunQueueDelay, "not a time"},
		"many threads": {func(m *machine) {
			m.write(at+"/cgroup.threads", strings.Repeat("11\n", 33))
		}, RunQueueDelay, "more than 32 threads are"},
		"no number of bytes": {func(m *machine) { m.write(at+"/memory.current", "lots\n") }, MemoryUse, `"lots" is not a number`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.v2(systemdPath)
			test.change(m)
			s := m.only(m.open())
			if len(s.Absent) != 1 || s.Absent[0].Signal != test.signal || !strings.Contains(s.Absent[0].Why, test.why) {
				t.Errorf("absent %+v, want %s: %q", s.Absent, test.signal, test.why)
			}
			there := map[Signal]bool{
				Use: s.CPU != nil, Throttled: s.Throttling != nil, MemoryUse: s.Memory != nil, CPUPressure: s.CPUPressure != nil,
				MemoryPressure: s.MemoryPressure != nil, IOPressure: s.IOPressure != nil, RunQueueDelay: s.RunQueue != nil,
			}
			for signal, is := range there {
				if is == (signal == test.signal) {
					t.Errorf("%s there: %v", signal, is)
				}
			}
		})
	}
}

// TestNoPermission reads as nobody. The superuser becomes that for files, in this thread only (setfsuid(2)): it may read everything.
func TestNoPermission(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	if err := os.Chmod(filepath.Join(m.root, "cgroup", systemdPath, "cpu.stat"), 0); err != nil {
		t.Fatal(err)
	}
	r := m.open()
	if os.Geteuid() == 0 {
		const nobody = 65534
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if _, err := unix.SetfsuidRetUid(nobody); err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = unix.SetfsuidRetUid(0) }()
	}
	if s := m.only(r); len(s.Absent) != 2 || s.Absent[0].Why != "no permission to read cpu.stat" {
		t.Errorf("absent %+v", s.Absent)
	}
}

// TestRunQueueCountsOn: thread 11 waits 0.5 ms more, 12 ends, 13 comes and has waited 3 ms since it began, then 11's number goes to a new
// thread that has waited 0.1 ms: 0.5 + 3 = 3.5 ms, then 3.6 ms.
func TestRunQueueCountsOn(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	r := m.open()
	if s := m.only(r); s.RunQueue.Waited != 0 {
		t.Fatalf("first reading %+v", s.RunQueue)
	}
	m.schedstat(11, 6_000_000, 1_500_000)
	m.schedstat(13, 1, 3_000_000)
	m.write("cgroup/"+systemdPath+"/cgroup.threads", "11\n13\n14\n") // 14 has ended since
	s := m.only(r)
	if want := (RunQueue{Waited: 3500 * time.Microsecond, Ran: 1_000_001, Threads: 2}); *s.RunQueue != want {
		t.Errorf("second reading %+v, want %+v", *s.RunQueue, want)
	}
	m.schedstat(11, 50_000, 100_000)
	s = m.only(r)
	if want := (RunQueue{Waited: 3600 * time.Microsecond, Ran: 1_050_001, Threads: 2}); *s.RunQueue != want {
		t.Errorf("third reading %+v, want %+v", *s.RunQueue, want)
	}
}

// TestFewFilesOpen: without room for open files, and with room for three, everything is read as well, again and again.
func TestFewFilesOpen(t *testing.T) {
	for _, room := range []int{0, 3} {
		m := newMachine(t)
		m.v2(systemdPath)
		r := m.open()
		r.room = room
		for range 3 {
			if s := m.only(r); len(s.Absent) > 0 || r.room != 0 {
				t.Errorf("room for %d: absent %+v, room left %d", room, s.Absent, r.room)
			}
		}
	}
}

// TestFilesComeAndGo: a file that is kept open is read anew each time; one that cannot be read any more is looked for by its name again.
func TestFilesComeAndGo(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	r := m.open()
	m.only(r)
	m.now = m.now.Add(rarely)
	m.write("cgroup/"+systemdPath+"/memory.current", "5\n")
	if s := m.only(r); s.Memory.Bytes != 5 {
		t.Errorf("memory %+v", *s.Memory)
	}
	d := r.open[systemdPath].v2
	if err := r.closeFile(d, "memory.current"); err != nil {
		t.Fatal(err)
	}
	m.remove("cgroup/" + systemdPath + "/memory.current")
	m.now = m.now.Add(rarely)
	if s := m.only(r); s.Memory != nil {
		t.Errorf("memory %+v of a file that is gone", *s.Memory)
	}
	m.write("cgroup/"+systemdPath+"/memory.current", "6\n")
	m.now = m.now.Add(rarely)
	if s := m.only(r); s.Memory == nil || s.Memory.Bytes != 6 {
		t.Errorf("memory %+v of a file that came back", s.Memory)
	}
}

// TestRarely: what nothing is decided by is read anew after 9 s, and what is absent of it stays so until then; the rest is read each time.
func TestRarely(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	at := "cgroup/" + systemdPath
	m.remove(at + "/io.pressure")
	r := m.open()
	m.only(r)
	m.write(at+"/memory.current", "5\n")
	m.write(at+"/memory.pressure", strings.ReplaceAll(v2Files["memory.pressure"], "total=0", "total=5"))
	m.write(at+"/io.pressure", v2Files["io.pressure"])
	m.write(at+"/cpu.pressure", strings.ReplaceAll(v2Files["cpu.pressure"], "total=1000", "total=5"))
	m.write(at+"/cpu.stat", strings.ReplaceAll(v2Files["cpu.stat"], "usage_usec 1500000", "usage_usec 5"))
	for _, step := range []struct {
		after  time.Duration
		memory uint64
		stall  time.Duration
		absent int
	}{{time.Second, 1 << 20, 0, 1}, {7 * time.Second, 1 << 20, 0, 1}, {time.Second, 5, 5 * time.Microsecond, 0}} {
		m.now = m.now.Add(step.after)
		s := m.only(r)
		if s.Memory.Bytes != step.memory || s.MemoryPressure.Full.Total != step.stall || len(s.Absent) != step.absent ||
			(s.IOPressure == nil) != (step.absent == 1) {
			t.Errorf("at %v: memory %+v, pressure %+v, absent %v", m.now, s.Memory, s.MemoryPressure.Full, s.Absent)
		}
		if s.CPU.Total != 5*time.Microsecond || s.CPUPressure.Full.Total != 5*time.Microsecond || !s.Time.Equal(m.now) {
			t.Errorf("at %v: use %v, CPU pressure %v, time %v", m.now, s.CPU.Total, s.CPUPressure.Full.Total, s.Time)
		}
	}
}

// TestLimitOfThePod: the kernel counts what meets the pod's limit in the pod's cgroup alone.
func TestLimitOfThePod(t *testing.T) {
	for name, c := range map[string]struct {
		path, file, text string
		v1               bool
		want             *uint64
	}{
		"v2":               {systemdPath, "memory.events.local", "low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\n", false, new(uint64(7))},
		"v2, old kernel":   {systemdPath, "memory.events", "low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\n", false, nil}, // of all below together
		"v1":               {cgroupfsPath, "memory.failcnt", "7\n", true, new(uint64(7))},
		"not below a pod":  {"system.slice/kubepods-pod1.slice:cri-containerd:" + id, "memory.events.local", "max 7\n", false, nil},
		"not understood":   {systemdPath, "memory.events.local", "max many\n", false, nil},
		"v1, not a number": {cgroupfsPath, "memory.failcnt", "many\n", true, nil},
	} {
		m := newMachine(t)
		hierarchy := "cgroup"
		if m.v2(c.path); c.v1 {
			m.remove("cgroup")
			m.v1(c.path)
			hierarchy = "cgroup/memory"
		}
		m.write(filepath.Join(hierarchy, filepath.Dir(c.path), c.file), c.text)
		s := m.only(m.open())
		if d := cmp.Diff(c.want, s.Memory.AtPodLimit); d != "" || s.Memory.AtLimit != 4 {
			t.Errorf("%s: at its own limit %d times, want 4; at the pod's, -want +got:\n%s", name, s.Memory.AtLimit, d)
		}
	}
}

// TestManyThreads: without CPU pressure up to 512 threads are read, and a list of them that is longer than a page.
func TestManyThreads(t *testing.T) {
	for n, there := range map[int]bool{512: true, 513: false} {
		m := newMachine(t)
		m.v2(systemdPath)
		m.remove("cgroup/" + systemdPath + "/cpu.pressure")
		var list strings.Builder
		for i := range n {
			m.schedstat(1_000_000_000+i, 1, 1)
			fmt.Fprintln(&list, 1_000_000_000+i) // 11 bytes each: 5,632 for 512
		}
		m.write("cgroup/"+systemdPath+"/cgroup.threads", list.String())
		s := m.only(m.open())
		if (s.RunQueue != nil) != there || there && s.RunQueue.Threads != n {
			t.Errorf("%d threads: %+v, absent %+v", n, s.RunQueue, s.Absent)
		}
	}
}

// TestNestedThreads: a container that put its processes into cgroups of its own.
func TestNestedThreads(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	m.write("cgroup/"+systemdPath+"/cgroup.threads", "")
	m.write("cgroup/"+systemdPath+"/init/cgroup.threads", "11\n")
	m.write("cgroup/"+systemdPath+"/system.slice/x.service/cgroup.threads", "12\n")
	if s := m.only(m.open()); s.RunQueue == nil || s.RunQueue.Threads != 2 {
		t.Errorf("run queue %+v, absent %v", s.RunQueue, s.Absent)
	}
}

// TestGoneIsNoError: a container that ends between two readings, and one that comes back under the same path.
func TestGoneIsNoError(t *testing.T) {
	for name, fill := range map[string]func(*machine){
		"v2": func(m *machine) { m.v2(systemdPath) }, "v1": func(m *machine) { m.v1(systemdPath) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			fill(m)
			r := m.open()
			room := r.room
			c := m.only(r).Container
			for _, hierarchy := range []string{".", "cpu", "cpuacct", "memory"} {
				m.end(r, filepath.Join("cgroup", hierarchy, "kubepods.slice"))
			}
			for range 2 {
				if s, ok := r.Read(c); ok {
					t.Fatalf("read %+v", s)
				}
			}
			if found, err := r.Containers(); err != nil || len(found) != 0 || len(r.open) != 0 || len(r.threads) != 0 || r.room != room {
				t.Errorf("found %v, %v; kept %d folders, %d thread lists, %d files", found, err, len(r.open), len(r.threads), room-r.room)
			}
			fill(m)
			if s := m.only(r); len(s.Absent) != 0 && name == "v2" || s.CPU == nil {
				t.Errorf("after it came back: %+v", s)
			}
		})
	}
}

func TestContainers(t *testing.T) {
	other := strings.Repeat("cd", 32)
	static := strings.Repeat("0f", 16)
	in := func(pod, id, runtime, qos, path string) Container {
		return Container{Pod: pod, ID: id, Runtime: runtime, QoS: qos, Path: path}
	}
	want := []Container{
		in(uid, id, "containerd", "burstable", systemdPath),
		in(uid, id, "cri-o", "guaranteed", "kubepods.slice/kubepods-pod0a1b2c3d_0000_1111_2222_333344445555.slice/crio-"+id+".scope"),
		in(uid, id, "", "burstable", cgroupfsPath),
		in(uid, id, "cri-o", "besteffort", "kubepods/besteffort/pod"+uid+"/crio-"+id),
		in(static, other, "", "guaranteed", "kubepods/pod"+static+"/"+other),
		in(uid, id, "containerd", "besteffort", "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"+
			"kubelet-kubepods-besteffort-pod0a1b2c3d_0000_1111_2222_333344445555.slice/cri-containerd-"+id+".scope"),
		in(uid, other, "", "burstable", "node-1/kubepods/burstable/pod"+uid+"/"+other),
		// A kind node as its host sees it, a cri-o node whose runtime makes a cgroup below (crun), and drivers that do not fit.
		in(uid, id, "containerd", "burstable", "system.slice/docker-"+other+".scope/kubelet.slice/kubelet-kubepods.slice/"+
			"kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod0a1b2c3d_0000_1111_2222_333344445555.slice/cri-containerd-"+id+".scope"),
		in(uid, id, "containerd", "besteffort", "kubelet/kubepods/besteffort/pod"+uid+"/cri-containerd-"+id),
		in(uid, other, "cri-o", "burstable", "kubepods.slice/kubepods-burstable.slice/"+
			"kubepods-burstable-pod0a1b2c3d_0000_1111_2222_333344445555.slice/crio-"+other+".scope"),
		in(uid, id, "containerd", "burstable", "system.slice/containerd.service/kubepods-burstable-pod0a1b2c3d_0000_1111_2222_333344445555.slice:"+
			"cri-containerd:"+id),
		in(uid, id, "containerd", "guaranteed", "kubepods-pod0a1b2c3d_0000_1111_2222_333344445555.slice:cri-containerd:"+id),
		in(uid, id, "docker", "guaranteed", "docker/"+other+"/kubelet/kubepods/pod"+uid+"/docker-"+id+".scope"),
	}
	m := newMachine(t)
	m.write("cgroup/cgroup.controllers", "")
	m.write("cgroup/cgroup.procs", "")
	for _, c := range want {
		m.write("cgroup/"+c.Path+"/cgroup.procs", "")
	}
	for _, not := range []string{ // what a node also has
		"system.slice/containerd.service", "kubepods.slice/kubepods-pod0a1b2c3d_0000_1111_2222_333344445555.slice/crio-conmon-" + id + ".scope",
		"kubepods/burstable/pod" + uid + "/" + id + "/init", "kubepods/burstable/other/" + id, "user.slice/" + id, "docker/" + id,
		"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_0000_1111_2222_333344445555.slice/crio-" + other + ".scope/container",
		"system.slice/a:b:c", "system.slice/kubepods-pod1.slice:cri-containerd:nothex",
	} {
		m.write("cgroup/"+not+"/cgroup.procs", "")
	}
	slices.SortFunc(want, func(a, b Container) int { return strings.Compare(a.Path, b.Path) })
	got, err := m.open().Containers()
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
	below, err := Open(Options{Cgroup: filepath.Join(m.root, "cgroup"), Proc: filepath.Join(m.root, "proc"), Below: "/node-1", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer below.Close() //nolint:errcheck // nothing was written
	if got, err := below.Containers(); err != nil || len(got) != 1 || got[0].ID != other {
		t.Errorf("below node-1: %v, %v", got, err)
	}
}

// TestWrongFolderIsSaid: a path that no cgroup has is a mistake of whoever set it, not a node without containers.
func TestWrongFolderIsSaid(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	r := m.open()
	r.below = "node-2"
	if found, err := r.Containers(); err == nil || !strings.Contains(err.Error(), "node-2") {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	m := newMachine(t)
	for name, o := range map[string]Options{
		"no clock":     {Cgroup: m.root, Proc: m.root},
		"no folder":    {Cgroup: filepath.Join(m.root, "x"), Proc: m.root, Now: time.Now},
		"no proc":      {Cgroup: m.root, Proc: filepath.Join(m.root, "x"), Now: time.Now},
		"no hierarchy": {Cgroup: m.root, Proc: m.root, Now: time.Now},
	} {
		if r, err := Open(o); err == nil {
			t.Errorf("%s: opened %+v", name, r)
		}
	}
}

// TestOwnProcess reads the cgroup of the test itself, whatever it is, and sees its use of CPU grow.
func TestOwnProcess(t *testing.T) {
	r, err := Open(Options{Cgroup: "/sys/fs/cgroup", Proc: "/proc", Now: time.Now})
	if err != nil {
		t.Skipf("no cgroups here: %v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	c := Container{Path: ownPath(t, r)}
	first, ok := r.Read(c)
	if !ok {
		t.Skipf("own cgroup %s is not below the mounts here", c.Path)
	}
	t.Logf("cgroup %s, %s; absent: %+v", r.Version(), c.Path, first.Absent)
	if first.CPU == nil {
		t.Skip("its use of CPU is not counted here")
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if s, ok := r.Read(c); ok && s.CPU != nil && s.CPU.Total > first.CPU.Total {
			return
		}
	}
	t.Errorf("after 5 s of reading still %v used", first.CPU.Total)
}

// ownPath is the test's cgroup in the hierarchy where containers are looked for.
func ownPath(t *testing.T, r *Reader) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		controllers := strings.Split(parts[1], ",")
		if r.Version() == "v2" && parts[1] == "" || r.Version() != "v2" && slices.Contains(controllers, "cpu") {
			return strings.TrimPrefix(parts[2], "/")
		}
	}
	t.Skip("no line of /proc/self/cgroup for the hierarchy")
	return ""
}

// BenchmarkHundredContainers reads 100 containers of 8 threads each, 13 + 8 files a container, from a temporary folder, once a second.
func BenchmarkHundredContainers(b *testing.B) {
	m := newMachine(b)
	for i := range 100 {
		at := fmt.Sprintf("kubepods/burstable/pod%s/%064x", uid, i+1)
		m.v2(at)
		var list strings.Builder
		for k := range 8 {
			m.schedstat(100+8*i+k, 1000, 2000)
			fmt.Fprintln(&list, 100+8*i+k)
		}
		m.write("cgroup/"+at+"/cgroup.threads", list.String())
	}
	r := m.open()
	found, err := r.Containers()
	if err != nil || len(found) != 100 {
		b.Fatal(len(found), err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.now = m.now.Add(time.Second)
		for _, c := range found {
			if s, ok := r.Read(c); !ok || len(s.Absent) > 0 {
				b.Fatal(s)
			}
		}
	}
}

// BenchmarkContainers is the search for 100 containers.
func BenchmarkContainers(b *testing.B) {
	m := newMachine(b)
	for i := range 100 {
		m.v2(fmt.Sprintf("kubepods/burstable/pod%032x/%064x", i+1, i+1))
	}
	r := m.open()
	b.ReportAllocs()
	for b.Loop() {
		if found, err := r.Containers(); err != nil || len(found) != 100 {
			b.Fatal(len(found), err)
		}
	}
}

// The waiting of a container that is asked for is read though its threads are many.
func TestEveryThread(t *testing.T) {
	m := newMachine(t)
	m.v2(systemdPath)
	ids := ""
	for id := 100; id < 140; id++ {
		ids += strconv.Itoa(id) + "\n"
		m.schedstat(id, 5, 7)
	}
	m.write("cgroup/"+systemdPath+"/cgroup.threads", ids)
	r := m.open()
	if s := m.only(r); s.RunQueue != nil {
		t.Fatalf("40 threads are read unasked: %+v", s.RunQueue)
	}
	r.EveryThread(map[string]bool{systemdPath: true})
	if s := m.only(r); s.RunQueue == nil || s.RunQueue.Threads != 40 {
		t.Errorf("of 40 threads: %+v, %+v", s.RunQueue, s.Absent)
	}
}
