package containers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

const hundred = 100

// realNode makes a hundred containers with a process each in real cgroups, in every hierarchy that is mounted here, and links with their names.
// It returns the folder of the cgroups below each hierarchy, that of the links, and the containers' ids.
func realNode(b *testing.B) (below, links string, ids []string) {
	b.Helper()
	hierarchies := []string{"."}
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err != nil {
		hierarchies = []string{"cpu", "cpuacct", "memory", "unified"}
	}
	below = fmt.Sprintf("ballast-benchmark-%d", os.Getpid())
	links = b.TempDir()
	var paths []string
	for i := range hundred {
		id := fmt.Sprintf("%064x", i+1)
		ids = append(ids, id)
		paths = append(paths, filepath.Join(below, "kubepods/burstable", fmt.Sprintf("pod%032x", i+1), id))
		if err := os.Symlink("/", filepath.Join(links, fmt.Sprintf("web-%d_shop_app-%s.log", i, id))); err != nil {
			b.Fatal(err)
		}
	}
	var processes []*exec.Cmd
	b.Cleanup(func() {
		for _, p := range processes {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
		for _, h := range hierarchies {
			sweep(filepath.Join("/sys/fs/cgroup", h, below))
		}
	})
	for _, path := range paths {
		p := exec.Command("sleep", "600")
		if err := p.Start(); err != nil {
			b.Skip(err)
		}
		processes = append(processes, p)
		for _, h := range hierarchies {
			dir := filepath.Join("/sys/fs/cgroup", h, path)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				b.Skipf("no cgroup can be made: %v", err)
			}
			if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(p.Process.Pid)), 0o600); err != nil {
				b.Skipf("no process can be moved: %v", err)
			}
		}
	}
	return below, links, ids
}

// sweep removes cgroups, the inner ones first.
func sweep(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			sweep(filepath.Join(dir, e.Name()))
		}
	}
	for end := time.Now().Add(5 * time.Second); os.Remove(dir) != nil && time.Now().Before(end); { // what was in it may still be ending
	}
}

// BenchmarkRealContainers is one look at a hundred real containers with all that this machine offers, and counters of resctrl for each of them
// in two domains: search, names, cgroups, processor's events where there are any, metrics. cpu-ms/op is the time on CPUs, in user mode and in the
// kernel, that the process took. With a look every 10 seconds each reads all; with one every second every ninth does.
func BenchmarkRealContainers(b *testing.B) {
	below, links, ids := realNode(b)
	var list []resctrl.Counters
	r := resctrl.Reading{State: resctrl.Valid, Value: 1}
	for _, id := range ids {
		for d := range 2 {
			list = append(list, resctrl.Counters{Group: "ballast-lc/mon_groups/" + id, Domain: d, Occupancy: r, Total: r, Local: r})
		}
	}
	now := time.Now()
	w := New(counters.Options{Cgroup: "/sys/fs/cgroup", Proc: "/proc", Below: below, Now: func() time.Time { return now }}, links)
	defer w.Close() //nolint:errcheck // nothing was written
	w.Rank, w.Monitors = ByQoS, func() ([]resctrl.Counters, error) { return list, nil }
	if v := w.Look(); v.Problem != "" || len(v.Containers) != hundred {
		b.Skipf("%s, %d containers", v.Problem, len(v.Containers))
	} else {
		b.Logf("cgroup %s, absent: %+v", v.Cgroups, v.Absent)
	}
	for name, every := range map[string]time.Duration{"every second": time.Second, "every 10 seconds": 10 * time.Second} {
		b.Run(name, func(b *testing.B) {
			before := onCPU(b)
			for b.Loop() {
				now = now.Add(every)
				if v := w.Look(); len(v.Containers) != hundred {
					b.Fatal(v.Problem)
				}
			}
			b.ReportMetric((onCPU(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/op")
		})
	}
}

func onCPU(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
