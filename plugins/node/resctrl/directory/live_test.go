package directory

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// TestLiveCallsAreTheKernels: on a mount each method is one call, and what the kernel answers comes through. A temporary folder stands in
// for the mount, so that a write shows that the file was neither truncated nor created.
func TestLiveCallsAreTheKernels(t *testing.T) {
	d := open(t, small(t))
	d.live = true
	if err := d.WriteFile("mode", []byte("SHARE")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, d, "mode"); got != "SHAREable\n" {
		t.Errorf("mode %q: the file was truncated", got)
	}
	if err := d.WriteFile("new", nil); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("write of a file that is not there: %v", err)
	}
	if err := d.Mkdir("a"); err != nil {
		t.Fatal(err)
	}
	if names, err := d.ReadDir("a"); err != nil || len(names) != 0 {
		t.Errorf("mkdir made %v, %v", names, err)
	}
	if err := d.Rename("a", "b"); err != nil {
		t.Fatal(err)
	}
	names, err := d.ReadDir(".")
	if err != nil || !slices.Contains(names, "b/") || slices.Contains(names, "a/") || !slices.Contains(names, "mode") || !slices.IsSorted(names) {
		t.Errorf("folder %v, %v", names, err)
	}
	if err := resctrl.RemoveGroup(d, "info"); !errors.Is(err, syscall.ENOTEMPTY) {
		t.Errorf("rmdir of a folder with files: %v", err)
	}
	if err := d.Remove("mode"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("rmdir of a file: %v", err)
	}
	if err := d.Remove("b"); err != nil {
		t.Fatal(err)
	}
	err = resctrl.RemoveGroup(d, "b")
	if !errors.Is(err, resctrl.ErrGone) || !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), "rmdir") != 1 {
		t.Errorf("rmdir of a group that is gone: %v", err)
	}
}
