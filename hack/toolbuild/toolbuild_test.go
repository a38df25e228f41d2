package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// module writes a module named hello, whose program prints the text, and returns a builder for it.
func module(t *testing.T, text string) (*builder, *bytes.Buffer) {
	t.Helper()
	root := t.TempDir()
	out := &bytes.Buffer{}
	b := &builder{
		modules: filepath.Join(root, "modules"), dir: filepath.Join(root, "tools"), out: out,
		display: display{out: out, interval: time.Hour},
	}
	write(t, filepath.Join(b.modules, "hello", "go.mod"), "module example.test/hello\n\ngo 1.26.0\n")
	source(t, b, text)
	write(t, filepath.Join(b.modules, "hello", "one.txt"), "a: 1\n")
	return b, out
}

// source writes the program's source.
func source(t *testing.T, b *builder, text string) {
	t.Helper()
	write(t, filepath.Join(b.modules, "hello", "main.go"), `package main

import "os"

func main() { os.Stdout.WriteString(`+"`"+text+"`"+`) }
`)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func hello() []tool {
	return []tool{{
		name: "hello", links: []string{"hi", "ciao"}, cold: "a second",
		shareFrom: "example.test/hello",
		share:     []sharedFile{{name: "all.yaml", paths: []string{"one.txt", "one.txt"}}, {name: "one.yaml", paths: []string{"one.txt"}}},
	}}
}

// says runs a link of the tool folder.
func says(t *testing.T, b *builder, name string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(b.dir, "bin", name)).Output()
	if err != nil {
		t.Error(err)
	}
	return string(out)
}

// entries lists the cache.
func entries(t *testing.T, b *builder) []string {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(b.dir, "cache"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range list {
		found = append(found, entry.Name())
	}
	return found
}

// state tells of every file, folder and link in the tool folder which one it is and when it was written. Whoever builds or links again
// makes new ones, and enters them in their folder; whoever takes the lock opens a file without writing it.
func state(t *testing.T, b *builder) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(b.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return fmt.Errorf("%s: got a %T", path, info.Sys())
		}
		found[path] = fmt.Sprintf("inode %d, written at %s", stat.Ino, info.ModTime().Format(time.RFC3339Nano))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestBuildCacheAndRebuild(t *testing.T) {
	b, out := module(t, "first")
	if err := b.buildAll(t.Context(), hello()); err != nil {
		t.Fatal(err)
	}
	if says(t, b, "hi") != "first" || says(t, b, "ciao") != "first" {
		t.Error("the links do not run the program")
	}
	if target, _ := os.Readlink(filepath.Join(b.dir, "bin", "hi")); !strings.HasPrefix(target, "../cache/hello-") {
		t.Errorf("link to %q, want a relative one into the cache", target)
	}
	const part = "---\n# example.test/hello: one.txt\na: 1\n"
	for name, want := range map[string]string{"all.yaml": part + part, "one.yaml": part} {
		shared, err := os.ReadFile(filepath.Join(b.dir, "share", "hello", name))
		if err != nil || string(shared) != want {
			t.Errorf("shared file %s: %v\n%s", name, err, shared)
		}
	}
	first := entries(t, b)

	before := state(t, b)
	out.Reset()
	if err := b.buildAll(t.Context(), hello()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, state(t, b)); diff != "" || out.Len() > 0 {
		t.Errorf("the second run said %q, want nothing, and wrote files, want none (-before +after):\n%s", out, diff)
	}

	source(t, b, "second")
	write(t, filepath.Join(b.dir, "cache", "partial-hello-123", "x"), "an interrupted run left this")
	write(t, filepath.Join(b.dir, "cache", "hello-world-0123456789abcdef", "x"), "another tool's")
	if err := b.buildAll(t.Context(), hello()); err != nil {
		t.Fatal(err)
	}
	if says(t, b, "hi") != "second" {
		t.Error("the program was not rebuilt after a change")
	}
	now := entries(t, b)
	if len(now) != 2 || slices.Contains(now, first[0]) || !slices.Contains(now, "hello-world-0123456789abcdef") {
		t.Errorf("the cache holds %q, before %q: want only the new entry and the other tool's", now, first)
	}
}

func TestConcurrentRuns(t *testing.T) {
	b, _ := module(t, "same")
	var group sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		out := &bytes.Buffer{} // each run is a process of its own in reality
		run := &builder{modules: b.modules, dir: b.dir, out: out, display: display{out: out, interval: time.Hour}}
		group.Go(func() { errs[i] = run.buildAll(t.Context(), hello()) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if says(t, b, "hi") != "same" || len(entries(t, b)) != 1 {
		t.Errorf("the cache holds %q", entries(t, b))
	}
}

func TestCompileError(t *testing.T) {
	b, _ := module(t, "`+broken+`")
	err := b.buildAll(t.Context(), hello())
	for _, want := range []string{"building hello", "undefined: broken", "run it by hand: cd "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
	if left := entries(t, b); len(left) > 0 {
		t.Errorf("left in the cache: %q", left)
	}
}

func TestInterrupted(t *testing.T) {
	b, _ := module(t, "x")
	plan, err := b.plan(t.Context(), hello()[0])
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := os.MkdirAll(filepath.Join(b.dir, "cache"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := b.buildOne(ctx, plan); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if left := entries(t, b); len(left) > 0 {
		t.Errorf("left in the cache: %q", left)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), path, func() { t.Error("waited for nobody") })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := lock(ctx, path, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("the lock was given twice, or: %v", err)
	}
	unlock()
	again, err := lock(t.Context(), path, func() {})
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestNoGo(t *testing.T) {
	b, _ := module(t, "x")
	t.Setenv("PATH", t.TempDir())
	if err := b.buildAll(t.Context(), hello()); err == nil || !strings.Contains(err.Error(), "install Go") {
		t.Errorf("got %v, want it to say what to install", err)
	}
}

func TestOldGo(t *testing.T) {
	for _, test := range []struct {
		have, want string
		ok         bool
	}{
		{"go1.26.8", "1.26.0", true},
		{"go1.26.8", "1.26.8", true},
		{"go1.27rc1", "1.26.9", true},
		{"go1.25.3", "1.26.0", false},
		{"go1.26rc1", "1.26.0", false},
	} {
		err := checkGo(test.have, test.want)
		if (err == nil) != test.ok {
			t.Errorf("checkGo(%s, %s) = %v", test.have, test.want, err)
		}
		if err != nil && (!strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "go.dev/dl")) {
			t.Errorf("checkGo(%s, %s) = %v, want the version and where to get it", test.have, test.want, err)
		}
	}
}

// TestTools reads the real modules.
func TestTools(t *testing.T) {
	root, err := findRoot()
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{modules: filepath.Join(root, "hack", "tools"), dir: t.TempDir()}
	var links []string
	for _, tool := range allTools() {
		plan, err := b.plan(t.Context(), tool)
		if err != nil {
			t.Fatal(err)
		}
		for link := range plan.links() {
			links = append(links, link)
		}
		if tool.name == "hyper" {
			for _, want := range []string{`k8s\.io/component-base/version\.gitVersion=v1\.\d+\.\d+ `, `k8s\.io/client-go/pkg/version\.gitMinor=\d+ `} {
				if !regexp.MustCompile(want).MatchString(plan.ldflags) {
					t.Errorf("link flags %q do not match %q", plan.ldflags, want)
				}
			}
		}
	}
	slices.Sort(links)
	want := []string{
		"bin/cni-bridge", "bin/cni-host-local", "bin/containerd", "bin/containerd-shim-runc-v2", "bin/controller-gen", "bin/ctr",
		"bin/etcd", "bin/golangci-lint", "bin/kube-apiserver", "bin/kube-controller-manager", "bin/kube-scheduler",
		"bin/kubectl", "bin/kubelet", "bin/kwok", "bin/metrics-server", "bin/runc",
		"bin/vpa-admission-controller", "bin/vpa-recommender", "bin/vpa-updater",
		"share/kwok/stages.yaml", "share/metrics-server/rbac.yaml", "share/vpa/crds.yaml", "share/vpa/rbac.yaml",
	}
	if diff := cmp.Diff(want, links); diff != "" {
		t.Errorf("what is built (-want +got):\n%s", diff)
	}
}

// TestSpecial checks that a tool for real nodes is built when it is named, and only then.
func TestSpecial(t *testing.T) {
	all := []tool{{name: "usual"}, {name: "unusual", special: true}}
	for _, test := range []struct{ wanted, want []string }{
		{nil, []string{"usual"}},
		{[]string{"unusual"}, []string{"unusual"}},
		{[]string{"unusual", "usual"}, []string{"usual", "unusual"}},
	} {
		got, err := selectTools(all, test.wanted)
		if diff := cmp.Diff(test.want, names(got)); err != nil || diff != "" {
			t.Errorf("for %q: %v (-want +got):\n%s", test.wanted, err, diff)
		}
	}
}

// TestLibrary asks for a C library that nobody has.
func TestLibrary(t *testing.T) {
	err := tool{name: "hello", cgo: "no-such-library"}.checkLibrary(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no-such-library") || !strings.Contains(err.Error(), "hack/realnodes-packages") {
		t.Errorf("got %v, want it to name the library and what to run", err)
	}
	if err := (tool{name: "hello"}).checkLibrary(t.Context()); err != nil {
		t.Errorf("without C: %v", err)
	}
}

func TestUsage(t *testing.T) {
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	if code := run(t.Context(), []string{"kubectl"}, stderr); code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
	if code := run(t.Context(), []string{"--help"}, stderr); code != 0 {
		t.Errorf("exit code of --help %d", code)
	}
	text, err := os.ReadFile(stderr.Name())
	for _, want := range []string{`unknown tool "kubectl"`, "hyper, kwok", "usage: "} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%v: %q does not say %q", err, text, want)
		}
	}
}

func TestProgress(t *testing.T) {
	out := &bytes.Buffer{}
	task := display{out: out, interval: time.Hour}.begin("hyper", "about 5 minutes")
	defer task.end()
	if got, want := task.line(3*time.Second), "hyper: resolving modules, 3s (about 5 minutes cold on 2 cores)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	task.total(2715)
	tail := follow(strings.NewReader("go: downloading k8s.io/api v0.36.3\nk8s.io/api/core/v1\ninternal/abi\n# k8s.io/api/core/v1\nx.go:3:1: undefined: y\n"), task)
	if diff := cmp.Diff([]string{"# k8s.io/api/core/v1", "x.go:3:1: undefined: y"}, tail); diff != "" {
		t.Errorf("the compiler's last lines (-want +got):\n%s", diff)
	}
	if got, want := task.line(130*time.Second), "hyper: 2 of 2,715 packages compiled, 2m10s (about 5 minutes cold on 2 cores)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
