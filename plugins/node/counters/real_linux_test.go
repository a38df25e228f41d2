package counters

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRealContainer makes a container's cgroup as a kubelet with the cgroupfs driver does, in what this machine has of cgroup v1 and v2, lets a
// shell work in it, and reads what the kernel has counted: the use of CPU that wait4 says too, and signals or reasons for all the rest.
func TestRealContainer(t *testing.T) {
	for mount, hierarchies := range map[string][]string{
		"/sys/fs/cgroup":         {".", "cpu", "cpuacct", "memory", "unified"},
		"/sys/fs/cgroup/unified": {"."}, // as if there was v2 alone
	} {
		t.Run(filepath.Base(mount), func(t *testing.T) {
			r, err := Open(Options{Cgroup: mount, Proc: "/proc", Now: time.Now})
			if err != nil {
				t.Skipf("no cgroups here: %v", err)
			}
			defer r.Close() //nolint:errcheck // nothing was written
			r.below = fmt.Sprintf("ballast-test-%d", os.Getpid())
			folder := filepath.Join(r.below, "kubepods", "burstable", "pod"+uid, id)
			var made []string
			for _, h := range hierarchies {
				if _, err := os.Stat(filepath.Join(mount, h, "cgroup.procs")); err == nil {
					made = append(made, filepath.Join(mount, h, folder))
				}
			}
			used := workIn(t, made, filepath.Join(mount, "*", r.below))
			found, err := r.Containers()
			if err != nil || len(found) != 1 || found[0].ID != id {
				t.Fatalf("found %v, %v", found, err)
			}
			s, there := r.Read(found[0])
			if !there {
				t.Fatal("it is gone")
			}
			t.Logf("cgroup %s: use %+v of %v, run queue %+v, CPU pressure %+v, absent %+v", r.Version(), s.CPU, used, s.RunQueue, s.CPUPressure, s.Absent)
			if s.CPU == nil || s.CPU.Total < used*85/100 || s.CPU.Total > used*3/2+20*time.Millisecond {
				t.Errorf("use of CPU %+v, wait4 says %v", s.CPU, used)
			}
			signals := map[Signal]bool{
				Use: s.CPU != nil, Throttled: s.Throttling != nil, MemoryUse: s.Memory != nil, CPUPressure: s.CPUPressure != nil,
				MemoryPressure: s.MemoryPressure != nil, IOPressure: s.IOPressure != nil, RunQueueDelay: s.RunQueue != nil,
			}
			for signal, is := range signals {
				if why := absentWhy(s, signal); is == (why != "") {
					t.Errorf("%s: there %v, absent because %q", signal, is, why)
				}
			}
		})
	}
}

// TestThreadsEnd: what was kept open of a process that has ended is closed, and its number is looked for anew.
func TestThreadsEnd(t *testing.T) {
	m := newMachine(t)
	m.v2(cgroupfsPath)
	r, err := Open(Options{Cgroup: filepath.Join(m.root, "cgroup"), Proc: "/proc", Now: func() time.Time { return m.now }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // nothing was written
	process := exec.Command("sleep", "600")
	if err := process.Start(); err != nil {
		t.Skip(err)
	}
	number := process.Process.Pid
	m.write("cgroup/"+cgroupfsPath+"/cgroup.threads", fmt.Sprintf("%d\n%d\n", number, os.Getpid()))
	room := 0
	for want := 2; want > 0; want-- {
		for range 2 { // opened, and kept open
			if s := m.only(r); s.RunQueue == nil || s.RunQueue.Threads != want || s.RunQueue.Ran > time.Minute {
				t.Fatalf("%+v, absent %v, want %d threads", s.RunQueue, s.Absent, want)
			}
		}
		if kept := len(r.threads[cgroupfsPath].all); kept != want {
			t.Errorf("%d are kept open, want %d", kept, want)
		}
		if want == 2 {
			room = r.room
			_ = process.Process.Kill()
			_ = process.Wait() // an error, as it was killed
		}
	}
	if r.room != room+1 {
		t.Errorf("room for %d files, want one more than %d", r.room, room)
	}
}

// workIn lets a shell work in some cgroups, and returns what it used of the CPU.
func workIn(t *testing.T, folders []string, top string) time.Duration {
	t.Helper()
	t.Cleanup(func() {
		for _, f := range folders {
			for !strings.HasPrefix(filepath.Base(f), "ballast-test-") {
				for end := time.Now().Add(5 * time.Second); os.Remove(f) != nil && time.Now().Before(end); { // the shell may still be ending
				}
				f = filepath.Dir(f)
			}
			_ = os.Remove(f)
		}
		if left, _ := filepath.Glob(top); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	})
	cmd := exec.Command("sh", "-c", `read go; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	moved := error(nil)
	for _, f := range folders {
		if moved = os.MkdirAll(f, 0o755); moved == nil {
			moved = os.WriteFile(filepath.Join(f, "cgroup.procs"), fmt.Append(nil, cmd.Process.Pid), 0o600)
		}
		if moved != nil {
			break
		}
	}
	_, err = in.Write([]byte("go\n"))
	if err != nil || cmd.Wait() != nil {
		t.Errorf("%v, %v", err, cmd.ProcessState)
	}
	if moved != nil {
		t.Skipf("no process can be put into a cgroup: %v", moved)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
