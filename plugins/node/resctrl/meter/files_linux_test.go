package meter

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/directory"
)

// write writes the counters of a group in two domains, of which the second has no local traffic.
func write(t testing.TB, root, group, value string) {
	t.Helper()
	for _, file := range []string{"00/llc_occupancy", "00/mbm_total_bytes", "00/mbm_local_bytes", "11/llc_occupancy", "11/mbm_total_bytes"} {
		name := filepath.Join(root, group, "mon_data", "mon_L3_"+file)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// newTree has some groups whose counters are 1.
func newTree(t testing.TB, groups ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, g := range append([]string{"."}, groups...) {
		write(t, root, g, "1")
		if !strings.Contains(g, "/") {
			if err := os.MkdirAll(filepath.Join(root, g, "mon_groups"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "info"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestFiles: whatever happens to groups between two readings, and however few files may stay open, what is read is what is read of the tree file
// by file.
func TestFiles(t *testing.T) {
	const x, moved = "ballast-lc/mon_groups/x", "ballast-batch/mon_groups/x"
	for _, room := range []int{0, 7, 14, 1000} { // a group takes a folder and at most 6 files
		root := newTree(t, "ballast-lc", "ballast-batch", x, "ballast-lc/mon_groups/y")
		at := func(name string) string { return filepath.Join(root, name) }
		f, err := OpenFiles(root, room)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := directory.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		for i, step := range []func() error{
			func() error { return nil },
			func() error { write(t, root, x, "5"); write(t, root, ".", "Unavailable"); return nil },
			func() error { write(t, root, x, "rubbish"); write(t, root, ".", strings.Repeat("9", 70)); return nil },
			func() error { write(t, root, x, "6"); write(t, root, ".", "Error"); return os.Rename(at(x), at(moved)) },
			func() error { err := os.RemoveAll(at(moved)); write(t, root, moved, "2"); return err }, // and made again
			func() error { return os.RemoveAll(at("ballast-lc/mon_groups/y")) },
			func() error { return os.RemoveAll(at("ballast-lc")) },
			func() error { write(t, root, "ballast-new", "3"); return os.Mkdir(at("ballast-new/mon_groups"), 0o755) },
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
			want, err := resctrl.ReadCounters(tree)
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Read()
			if d := cmp.Diff(want, got); err != nil || d != "" {
				t.Errorf("room for %d, step %d: %v, -want +got:\n%s", room, i, err, d)
			}
		}
		if err := f.Close(); err != nil || f.room != room || len(f.groups) != 0 {
			t.Errorf("room for %d: %v, %d left, %d groups", room, err, f.room, len(f.groups))
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNoTree: a folder that is not there, and one that goes.
func TestNoTree(t *testing.T) {
	if f, err := OpenFiles(filepath.Join(t.TempDir(), "no"), 9); err == nil {
		t.Errorf("opened %v", f)
	}
	root := newTree(t)
	f, err := OpenFiles(root, 9)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if list, err := f.Read(); err == nil && len(list) > 0 {
		t.Errorf("%v of a tree that has gone", list)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkReadCounters reads the files of 100 containers in 4 control groups and 2 domains, from a copy of a tree, file by file; BenchmarkFiles
// keeps them open. What the machine itself takes for a counter comes on top.
func BenchmarkReadCounters(b *testing.B) {
	tree, err := directory.Open(hundred(b))
	if err != nil {
		b.Fatal(err)
	}
	defer tree.Close() //nolint:errcheck // nothing was written
	b.ReportAllocs()
	for b.Loop() {
		if list, err := resctrl.ReadCounters(tree); err != nil || len(list) != 210 {
			b.Fatal(len(list), err)
		}
	}
}

func BenchmarkFiles(b *testing.B) {
	f, err := OpenFiles(hundred(b), 10_000)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	b.ReportAllocs()
	for b.Loop() {
		if list, err := f.Read(); err != nil || len(list) != 210 {
			b.Fatal(len(list), err)
		}
	}
}

func hundred(b *testing.B) string {
	b.Helper()
	groups := []string{}
	for g := range 4 {
		groups = append(groups, fmt.Sprintf("ballast-%d", g))
		for c := range 25 {
			groups = append(groups, fmt.Sprintf("ballast-%d/mon_groups/%064x", g, g*25+c))
		}
	}
	return newTree(b, groups...)
}
