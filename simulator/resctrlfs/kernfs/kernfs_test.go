package kernfs

import (
	"strings"
	"syscall"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	root := New(0o555, nil)
	a := root.AddDir("a", 0o700, "of a")
	a.AddFile("f", func() string { return "" }, nil)
	b := a.AddDir("b", 0o755, nil)
	for name, want := range map[string]struct {
		node  *Node
		errno syscall.Errno
	}{
		".": {root, 0}, "a": {a, 0}, "a/b": {b, 0}, "a/f": {a.Children["f"], 0}, "x": {nil, syscall.ENOENT}, "a/f/x": {nil, syscall.ENOTDIR},
		"": {nil, syscall.EINVAL}, "/a": {nil, syscall.EINVAL}, "a/": {nil, syscall.EINVAL}, "a/..": {nil, syscall.EINVAL},
		"a\x00":                  {nil, syscall.EINVAL},
		strings.Repeat("n", 255): {nil, syscall.ENOENT}, strings.Repeat("n", 256): {nil, syscall.ENAMETOOLONG},
	} {
		if got, errno := root.Lookup(name); got != want.node || errno != want.errno {
			t.Errorf("%q: %v, %v, want %v, %v", name, got, errno, want.node, want.errno)
		}
	}
	if got := a.Children["f"]; got.Priv != "of a" || got.Mode().String() != "-r--r--r--" || a.Mode().String() != "drwx------" {
		t.Errorf("file %+v, modes %v and %v", got, got.Mode(), a.Mode())
	}
	if got := strings.Join(a.List(), " "); got != "b/ f" {
		t.Errorf("a lists %q", got)
	}
	if dir, last, errno := root.ParentOf("a/b/c"); dir != b || last != "c" || errno != 0 {
		t.Errorf("parent of a/b/c: %v, %q, %v", dir, last, errno)
	}
	if !b.Within(root) || !b.Within(b) || a.Within(b) {
		t.Error("b lies within the root and itself, a not within b")
	}
	a.Remove()
	if !b.Removed || !a.Removed || len(root.Children) != 0 {
		t.Error("a was removed, and what is below it should be")
	}
}
