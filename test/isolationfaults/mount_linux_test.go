package isolationfaults_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl/directory"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/mount"
)

// TestCampaignOnTheMount is the campaign on a FUSE mount, through the files and the code that the agent uses on a node.
func TestCampaignOnTheMount(t *testing.T) {
	if raced {
		t.Skip("the mount answers in another goroutine, and the race detector does not see that a call waits for its answer")
	}
	needMount(t)
	steps := share(allSteps, 200) / len(presets())
	var all toll
	t.Cleanup(func() { all.check(t) })
	for i, p := range presets() {
		t.Run(p.name, func(t *testing.T) {
			seed := uint64(100 + i)
			w := newWorld(t, p, seed)
			dir := t.TempDir()
			m, err := mount.Mount(w.tree, dir, mount.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := m.Close(); err != nil {
					t.Log(err) // another process may have copied the mount table meanwhile, and with it the mount
					noneOpen(t, dir)
				}
			})
			tree, err := directory.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := tree.Close(); err != nil {
					t.Error(err)
				}
			})
			w.forAgent = tree
			w.run(t, steps, seed)
			all.add(w, steps)
		})
	}
}

// noneOpen fails where this process has files open in a folder: then the agent's code forgot to close them.
func noneOpen(t *testing.T, dir string) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if file, err := os.Readlink(link); err == nil && strings.HasPrefix(file, dir) {
			t.Errorf("%s is open", file)
		}
	}
}

// needMount skips where this process cannot mount.
func needMount(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no FUSE: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		t.Skipf("mount(2) is not allowed here: %v", err)
	}
	if err := syscall.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}
}
