package realnodes_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
)

// snapshot is what of a machine nodes could change. Each is a list of lines that name a thing, sorted.
type snapshot struct {
	// Processes are those with a sandbox's mark, and those in process id namespaces other than ours.
	Processes []string
	// Mounts are those that we see; Namespaces the network namespaces that have processes or a name; Links our network interfaces.
	Mounts, Namespaces, Links []string
	// Routes are ours.
	Routes []string
	// Cgroups are those of all hierarchies.
	Cgroups []string
	// Sysctls are those that do not change by themselves, with their values.
	Sysctls []string
	// Files are those in the folders where a node's programs keep theirs by default.
	Files []string
}

// usualPlaces are where kubelet, containerd, runc and CNI plugins write unless they are told otherwise.
var usualPlaces = []string{
	"/run/containerd", "/run/runc", "/run/netns", "/run/netns/*", "/run/flannel", "/run/nri", "/run/cdi", "/run/cni", "/var/lib/kubelet", "/var/lib/containerd",
	"/var/lib/cni", "/var/lib/cni/*", "/var/lib/nri", "/var/log/pods", "/var/log/containers", "/etc/cni", "/etc/cni/*", "/etc/nri", "/etc/containerd", "/etc/kubernetes",
	"/opt/*", "/usr/libexec/kubernetes", "/var/run/*.sock",
}

// lively are the sysctls that change by themselves: counts, random numbers, and a limit that the kernel lowers when it is busy.
var lively = regexp.MustCompile(`^(fs/([a-z-]+-(nr|state)|quota/.*)|kernel/(random/.*|ns_last_pid|pty/nr|perf_event_max_sample_rate)|net/netfilter/nf_conntrack_count)$`)

// takeSnapshot looks at the machine.
func takeSnapshot(t *testing.T) snapshot {
	t.Helper()
	s := snapshot{Sysctls: sysctls(t), Cgroups: cgroups(t), Files: existing(t)}
	s.Processes, s.Namespaces = processes(t)
	for _, list := range []struct {
		file string
		into *[]string
	}{{"/proc/self/mountinfo", &s.Mounts}, {"/proc/net/route", &s.Routes}} {
		text, err := os.ReadFile(list.file)
		if err != nil {
			t.Fatal(err)
		}
		*list.into = strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		s.Links = append(s.Links, fmt.Sprint(link.Index, " ", link.Name))
	}
	for _, list := range [][]string{s.Processes, s.Mounts, s.Namespaces, s.Links, s.Routes, s.Cgroups, s.Sysctls, s.Files} {
		slices.Sort(list)
	}
	return s
}

// others bounds the wait for what others do on the machine at the same time, such as tests in a sandbox of theirs.
const others = 15 * time.Second

// wantSame fails unless the machine is as before, within the given time.
func wantSame(t *testing.T, before snapshot, within time.Duration) {
	t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(100 * time.Millisecond) {
		diff := difference(before, takeSnapshot(t))
		if diff == "" {
			return
		}
		if !time.Now().Before(end) {
			t.Errorf("the machine is not as before (-before +after):\n%s", diff)
			return
		}
	}
}

// ourLinks are the names of interfaces that sandboxes make, in networks of their own: bridges, nodes' ends and those of virtual machines.
var ourLinks = regexp.MustCompile(`^(nodes|pods|node-\d+|vm-node)$`)

// difference says what is not as before, "" if nothing. Others may be at work on the machine, whose sessions come and go: not our business
// are processes and their networks that have gone, cgroups without our name that have gone, or have come with somebody in them,
// mounts in others' temporary folders, and interfaces without our names that have come or gone, with their routes and settings.
func difference(before, after snapshot) string {
	left := func(after []string) func(string) bool {
		return func(line string) bool { return !slices.Contains(after, line) }
	}
	before.Processes = slices.DeleteFunc(slices.Clone(before.Processes), left(after.Processes))
	before.Namespaces = slices.DeleteFunc(slices.Clone(before.Namespaces), left(after.Namespaces))
	kept := slices.DeleteFunc(slices.Clone(before.Cgroups), func(dir string) bool {
		return foreign(dir) && !slices.Contains(after.Cgroups, dir)
	})
	after.Cgroups = slices.DeleteFunc(slices.Clone(after.Cgroups), func(dir string) bool {
		return foreign(dir) && !slices.Contains(before.Cgroups, dir) && inhabited(dir)
	})
	before.Cgroups = kept
	before.Mounts, after.Mounts = notTemporary(before.Mounts), notTemporary(after.Mounts)
	passing := passingLinks(before, after)
	return cmp.Diff(before.without(passing), after.without(passing))
}

// passingLinks are the names of the interfaces that are only in one of the snapshots, and not ours.
func passingLinks(before, after snapshot) []string {
	var names []string
	for _, pair := range [][2][]string{{before.Links, after.Links}, {after.Links, before.Links}} {
		for _, link := range pair[0] {
			if _, name, _ := strings.Cut(link, " "); !slices.Contains(pair[1], link) && !ourLinks.MatchString(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// without is the snapshot without what belongs to interfaces of those names.
func (s snapshot) without(names []string) snapshot {
	of := func(name string) bool { return slices.Contains(names, name) }
	s.Links = slices.DeleteFunc(slices.Clone(s.Links), func(line string) bool {
		_, name, _ := strings.Cut(line, " ")
		return of(name)
	})
	s.Routes = slices.DeleteFunc(slices.Clone(s.Routes), func(line string) bool {
		name, _, _ := strings.Cut(line, "\t")
		return of(name)
	})
	s.Sysctls = slices.DeleteFunc(slices.Clone(s.Sysctls), func(line string) bool {
		parts := strings.Split(line, "/") // net/<family>/conf/<interface>/<setting>, or neigh
		return len(parts) > 4 && parts[0] == "net" && (parts[2] == "conf" || parts[2] == "neigh") && of(parts[3])
	})
	return s
}

// foreign reports whether a path does not have our name: that of a sandbox, or of what TestSnapshotNotices leaves.
func foreign(path string) bool { return !strings.Contains(path, "ballast-") }

// notTemporary returns the mounts that are not in others' temporary folders. A sandbox's are at fixed places or in its own folder.
func notTemporary(mounts []string) []string {
	return slices.DeleteFunc(slices.Clone(mounts), func(line string) bool {
		fields := strings.Fields(line)
		return len(fields) > 4 && strings.HasPrefix(fields[4], os.TempDir()+"/") && foreign(fields[4])
	})
}

// inhabited reports whether processes are in the cgroup.
func inhabited(dir string) bool {
	procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	return err == nil && len(procs) > 0
}

// processes lists those that a sandbox has made, and the network namespaces of all.
func processes(t *testing.T) (marked, namespaces []string) {
	t.Helper()
	own, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs { // each may end at any time
		environ, _ := os.ReadFile(dir + "/environ")
		pid, err := os.Readlink(dir + "/ns/pid")
		if bytes.Contains(environ, []byte("BALLAST_SANDBOX_DIR=")) || err == nil && pid != own {
			cmdline, _ := os.ReadFile(dir + "/cmdline")
			marked = append(marked, filepath.Base(dir)+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
		if network, err := os.Readlink(dir + "/ns/net"); err == nil && !slices.Contains(namespaces, network) {
			namespaces = append(namespaces, network)
		}
	}
	return marked, namespaces
}

// sharers lists the processes of other process id namespaces that are in our network: whatever they listened on, the machine would.
func sharers(t *testing.T) []string {
	t.Helper()
	ours := map[string]string{}
	for _, kind := range []string{"pid", "net"} {
		var err error
		if ours[kind], err = os.Readlink("/proc/self/ns/" + kind); err != nil {
			t.Fatal(err)
		}
	}
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(dirs, func(dir string) bool {
		pid, err := os.Readlink(dir + "/ns/pid")
		network, _ := os.Readlink(dir + "/ns/net") // of one that is ending there is none
		return err != nil || pid == ours["pid"] || network != ours["net"]
	})
}

// cgroups lists the folders of all hierarchies.
func cgroups(t *testing.T) []string {
	t.Helper()
	hierarchies, err := sandbox.Hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, h := range hierarchies {
		_ = filepath.WalkDir(h.Mount, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() { // one that has gone meanwhile is not there
				found = append(found, path)
			}
			return nil
		})
		if given, err := os.ReadFile(filepath.Join(h.Mount, "cgroup.subtree_control")); err == nil {
			found = append(found, fmt.Sprintf("%s hands down: %s", h.Mount, given))
		}
	}
	return found
}

// sysctls reads all that can be read.
func sysctls(t *testing.T) []string {
	t.Helper()
	const root = "/proc/sys"
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // an interface that goes takes its settings along
		}
		name := strings.TrimPrefix(path, root+"/")
		value, err := os.ReadFile(path)
		if err == nil && !lively.MatchString(name) {
			found = append(found, name+" = "+strings.TrimSpace(string(value)))
		}
		return nil
	})
	if err != nil || len(found) < 100 {
		t.Fatalf("reading sysctls: only %d, %v", len(found), err)
	}
	return found
}

// existing lists what there is in the usual places.
func existing(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, place := range usualPlaces {
		paths, err := filepath.Glob(place)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, paths...)
	}
	return found
}

// TestSnapshotNotices leaves things behind on purpose: a comparison that sees nothing proves nothing.
func TestSnapshotNotices(t *testing.T) {
	require(t)
	hierarchies, err := sandbox.Hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	group := filepath.Join(hierarchies[0].Mount, fmt.Sprint("ballast-test-leftover-", os.Getpid())) // others may run this test too
	mount := filepath.Join(t.TempDir(), "ballast-test-leftover")
	if err := os.Mkdir(mount, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, leftover := range []leftover{
		{
			name:  "a cgroup",
			leave: func() error { return os.Mkdir(group, 0o755) },
			undo:  func() error { return os.Remove(group) },
		},
		{
			name:  "a mount",
			leave: func() error { return syscall.Mount("tmpfs", mount, "tmpfs", 0, "") },
			undo:  func() error { return syscall.Unmount(mount, 0) },
		},
		sleeper("a process with a sandbox's mark", 0, "BALLAST_SANDBOX_DIR=/nowhere"),
		sleeper("a network namespace", syscall.CLONE_NEWNET),
		sleeper("a process in a process id namespace", syscall.CLONE_NEWPID),
	} {
		t.Run(leftover.name, func(t *testing.T) {
			before := takeSnapshot(t)
			if err := leftover.leave(); err != nil {
				t.Fatal(err)
			}
			noticed := difference(before, takeSnapshot(t))
			if err := leftover.undo(); err != nil {
				t.Error(err)
			}
			if noticed == "" {
				t.Error("it was not noticed")
			}
			wantSame(t, before, others)
		})
	}
	before := takeSnapshot(t)
	after := takeSnapshot(t)
	after.Sysctls[0] += "0"
	if difference(before, after) == "" {
		t.Error("a changed sysctl was not noticed")
	}
}

// TestSnapshotOfLinks: an interface that a sandbox left behind is noticed, another session's is not, whether it has come or gone.
func TestSnapshotOfLinks(t *testing.T) {
	with := func(link string) snapshot {
		return snapshot{
			Links: []string{"1 lo", "7 " + link}, Routes: []string{"eth0\t0", link + "\t1"},
			Sysctls: []string{"net/ipv4/conf/" + link + "/forwarding = 1", "net/ipv4/ip_forward = 0", "net/ipv6/neigh/" + link + "/mcast_solicit = 3"},
		}
	}
	bare := snapshot{Links: []string{"1 lo"}, Routes: []string{"eth0\t0"}, Sysctls: []string{"net/ipv4/ip_forward = 0"}}
	for link, ours := range map[string]bool{"nodes": true, "pods": true, "node-2": true, "vm-node": true, "docker0": false, "veth1a2b": false} {
		if noticed := difference(bare, with(link)) != ""; noticed != ours {
			t.Errorf("interface %s that has come was noticed: %v, want %v", link, noticed, ours)
		}
		if noticed := difference(with(link), bare) != ""; noticed != ours {
			t.Errorf("interface %s that has gone was noticed: %v, want %v", link, noticed, ours)
		}
	}
	routed := with("docker0")
	routed.Routes = append(routed.Routes, "docker0\t2")
	if difference(with("docker0"), routed) == "" {
		t.Error("a route by another's interface that stays was not noticed")
	}
}

// leftover is a thing that a run could leave behind.
type leftover struct {
	name        string
	leave, undo func() error
}

// sleeper is a process that is left behind.
func sleeper(name string, namespaces uintptr, env ...string) leftover {
	cmd := exec.Command("sleep", "300")
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	return leftover{name: name, leave: cmd.Start, undo: func() error {
		if err := cmd.Process.Kill(); err != nil {
			return err
		}
		_ = cmd.Wait() // killed
		return nil
	}}
}
