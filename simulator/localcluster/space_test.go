package localcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStartRefusesAlmostFullDisk(t *testing.T) {
	temp := t.TempDir()
	_, err := Start(t.Context(), Config{TempDir: temp, MinFreeBytes: 1 << 62})
	if !errors.Is(err, ErrNoSpace) || !strings.Contains(err.Error(), temp) || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("got %v, want ErrNoSpace with the folder and the way out", err)
	}
	wantNothingLeft(t, temp, 0)
}

// helperFull runs in a mount namespace of its own: it puts a small file system over the temporary folder, tries to start a cluster
// there and reports.
func helperFull() int {
	temp := os.Getenv("BALLAST_LOCALCLUSTER_DIR")
	if err := unix.Mount("tmpfs", temp, "tmpfs", 0, "size="+os.Getenv("BALLAST_LOCALCLUSTER_SIZE")); err != nil {
		helperReport{Error: fmt.Sprintf("mounting a small file system: %v", err)}.print()
		return 1
	}
	cluster, err := Start(context.Background(), Config{TempDir: temp, MinFreeBytes: 1})
	report := helperReport{NoSpace: errors.Is(err, ErrNoSpace)}
	if err != nil {
		report.Error = err.Error()
	} else {
		report.Error = "started"
		_ = cluster.Stop()
	}
	if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 {
		report.Error += fmt.Sprintf("; left behind: %v %v", entries, err)
	}
	report.print()
	return 0
}

func TestFullDisk(t *testing.T) {
	needsControlPlane(t)
	for name, size := range map[string]string{
		"our own files do not fit": "16k",
		"the log of etcd does not": "40m", // it reserves 64 MB
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("BALLAST_LOCALCLUSTER_SIZE", size)
			temp := t.TempDir()
			cmd := exec.Command(os.Args[0])
			cmd.SysProcAttr = privateMounts()
			report := startHelper(t, cmd, "full", temp)
			if err := cmd.Wait(); err != nil {
				t.Skipf("this needs root, or user namespaces in which ordinary users may mount: %s", report.Error)
			}
			if !report.NoSpace || !strings.Contains(report.Error, temp) || !strings.Contains(report.Error, "TMPDIR") ||
				strings.Contains(report.Error, "left behind") {
				t.Errorf("got %q, want ErrNoSpace with the folder and the way out, and nothing left", report.Error)
			}
			wantNothingLeft(t, temp, 0)
		})
	}
}

// privateMounts lets a child mount without anybody else seeing it: for root a mount namespace does, others need a user namespace too.
func privateMounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}
