package counters

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	uid = "0a1b2c3d-0000-1111-2222-333344445555"
	id  = "abababababababababababababababababababababababababababababababab"
)

// machine is a folder with sys/fs/cgroup and proc, to be filled by tests.
type machine struct {
	t    testing.TB
	root string
	now  time.Time
}

func newMachine(t testing.TB) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir(), now: time.Unix(1_800_000_000, 0)}
	m.write("proc/pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
	if err := os.MkdirAll(filepath.Join(m.root, "cgroup"), 0o755); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	file := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) remove(name string) {
	m.t.Helper()
	if err := os.RemoveAll(filepath.Join(m.root, name)); err != nil {
		m.t.Fatal(err)
	}
}

// end removes folders as the kernel does: what was kept open of them cannot be read any more either.
func (m *machine) end(r *Reader, names ...string) {
	m.t.Helper()
	for _, name := range names {
		m.remove(name)
	}
	for _, d := range r.open {
		for _, f := range []*folder{d.v2, d.cpu, d.cpuacct, d.memory} {
			if f == nil {
				continue
			}
			for name := range f.files {
				if err := r.closeFile(f, name); err != nil {
					m.t.Fatal(err)
				}
			}
		}
	}
}

// v2 fills the cgroup of a container with two threads on cgroup v2.
func (m *machine) v2(path string) {
	m.write("cgroup/cgroup.controllers", "cpu memory io\n")
	m.write("cgroup/cgroup.procs", "")
	for name, text := range v2Files {
		m.write(filepath.Join("cgroup", path, name), text)
	}
	m.schedstat(11, 5_000_000, 1_000_000)
	m.schedstat(12, 7_000_000, 2_000_000)
}

var v2Files = map[string]string{
	"cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnice_usec 0\n" +
		"nr_periods 40\nnr_throttled 10\nthrottled_usec 250000\nnr_bursts 0\nburst_usec 0\n",
	"cpu.max":         "50000 100000\n",
	"cpu.pressure":    "some avg10=12.50 avg60=1.00 avg300=0.25 total=4000000\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=1000\n",
	"memory.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
	"io.pressure":     "some avg10=0.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=6\n",
	"memory.current":  "1048576\n",
	"memory.events":   "low 0\nhigh 3\nmax 4\noom 2\noom_kill 1\noom_group_kill 0\n",
	"cgroup.threads":  "11\n12\n",
}

// v1 fills the cgroups of a container on cgroup v1, each controller in its own hierarchy.
func (m *machine) v1(path string) {
	for name, text := range map[string]string{
		"cpu/cgroup.procs": "", "memory/cgroup.procs": "", "cpuacct/cpuacct.usage": "0\n",
		"cpu/P/cpu.stat":         "nr_periods 40\nnr_throttled 10\nthrottled_time 250000000\nnr_bursts 0\nburst_time 0\n",
		"cpu/P/cpu.cfs_quota_us": "50000\n", "cpu/P/cpu.cfs_period_us": "100000\n", "cpu/P/tasks": "11\n12\n",
		"cpuacct/P/cpuacct.usage": "1500000000\n", "cpuacct/P/cpuacct.stat": "user 100\nsystem 50\n",
		"memory/P/memory.usage_in_bytes": "1048576\n", "memory/P/memory.failcnt": "4\n",
		"memory/P/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
	} {
		m.write(filepath.Join("cgroup", strings.Replace(name, "/P/", "/"+path+"/", 1)), text)
	}
	m.schedstat(11, 5_000_000, 1_000_000)
	m.schedstat(12, 7_000_000, 2_000_000)
}

// schedstat writes what a thread ran and waited, in nanoseconds.
func (m *machine) schedstat(thread, ran, waited int) {
	m.write(fmt.Sprintf("proc/%d/schedstat", thread), fmt.Sprintf("%d %d 9\n", ran, waited))
}

func (m *machine) open() *Reader {
	m.t.Helper()
	r, err := Open(Options{
		Cgroup: filepath.Join(m.root, "cgroup"), Proc: filepath.Join(m.root, "proc"), Now: func() time.Time { return m.now },
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = r.Close() })
	return r
}

// only reads the one container of a machine.
func (m *machine) only(r *Reader) Sample {
	m.t.Helper()
	found, err := r.Containers()
	if err != nil || len(found) != 1 {
		m.t.Fatalf("found %v, %v; want one container", found, err)
	}
	s, ok := r.Read(found[0])
	if !ok {
		m.t.Fatal("the container is gone")
	}
	return s
}
