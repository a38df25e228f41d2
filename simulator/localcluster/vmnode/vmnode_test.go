package vmnode

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

// TestOutside asks for a node outside of a sandbox: nothing must happen.
func TestOutside(t *testing.T) {
	if _, err := Start(t.Context(), nil, Config{}); err == nil || !strings.Contains(err.Error(), "sandbox") {
		t.Errorf("got %v, want it to say where a node can be", err)
	}
}

// TestSupported takes away what a node needs, and gives it back thing by thing.
func TestSupported(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		if err := Supported(t.TempDir()); !errors.Is(err, ErrUnsupported) {
			t.Errorf("on %s, %s: %v", runtime.GOOS, runtime.GOARCH, err)
		}
		return
	}
	programs, top := t.TempDir(), t.TempDir()
	t.Setenv("PATH", programs)
	dir := filepath.Join(top, "bin")
	for _, name := range commands {
		if err := Supported(dir); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "hack/vmnode-packages") {
			t.Errorf("without %s: got %v, want it to name that and what to run", name, err)
		}
		write(t, filepath.Join(programs, name))
	}
	if err := Supported(dir); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "kernel") {
		t.Errorf("without a kernel: %v", err)
	}
	write(t, filepath.Join(top, "share/vmnode/vmlinuz"))
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("there is no /dev/net/tun here: what comes after is not reached")
	}
	for _, name := range tools {
		if err := Supported(dir); !errors.Is(err, localcluster.ErrToolMissing) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
		write(t, filepath.Join(dir, name))
	}
	if err := Supported(dir); err != nil {
		t.Errorf("with all: %v", err)
	}
}

// write makes an empty program, and its folder.
func write(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, nil, 0o700); err != nil {
		t.Fatal(err)
	}
}

// TestParseLibraries reads what ldd says of a linked program and of a static one.
func TestParseLibraries(t *testing.T) {
	got := parseLibraries("\tlinux-vdso.so.1 (0x00007fb882baf000)\n" +
		"\tlibseccomp.so.2 => /lib/x86_64-linux-gnu/libseccomp.so.2 (0x00007fb882b7d000)\n" +
		"\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007fb88299b000)\n" +
		"\t/lib64/ld-linux-x86-64.so.2 (0x00007fb882bb1000)\n")
	want := []string{"/lib/x86_64-linux-gnu/libseccomp.so.2", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := parseLibraries("\tnot a dynamic executable\n"); len(got) > 0 {
		t.Errorf("a static program is linked to %q", got)
	}
}

// TestInitScript lets a shell read the node's first program: a mistake in it would show as a machine that never answers.
func TestInitScript(t *testing.T) {
	cmd := exec.Command("sh", "-n")
	cmd.Stdin = strings.NewReader(initScript)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if !strings.HasPrefix(initScript, "#!/bin/busybox sh\n") {
		t.Error("the kernel would not know who reads it")
	}
}
