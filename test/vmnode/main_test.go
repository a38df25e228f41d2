// Package vmnode_test runs ballast-node, as its manifests install it, on a node with cgroup v2 and pressure: a virtual machine (package vmnode) in
// a sandbox, joined to a local control plane. It shows that what ballast-node's metrics say of containers with a known load (one that computes
// beyond its CPU limit, one that reads more than its memory holds, one that does nothing) is right, that an in-place resize reaches cpu.max and
// the metrics, and that a limit for a batch pod, set through the runtime (package plugins/node/placement), stays in cpu.max through a resize.
//
// The test needs root, the tools that `make e2e-vm` builds and the packages that hack/vmnode-packages gets. Without them it skips and says
// why, unless BALLAST_REQUIRE_VM_NODE=1, where it fails. It runs for `make e2e-vm` only, because software emulates the CPUs: that takes minutes
// of both of a small machine's.
package vmnode_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
	"github.com/ballast-k8s/ballast/simulator/localcluster/vmnode"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

const (
	// requireEnv makes the test run, and a missing requirement a failure.
	requireEnv = "BALLAST_REQUIRE_VM_NODE"
	// imagesEnv is the folder of the images, for the test inside the sandbox.
	imagesEnv = "BALLAST_VM_NODE_IMAGES"
	// placerImage is the tag of what limits a pod through the runtime.
	placerImage = "localhost/ballast/placer:test"
	// suiteTimeout bounds what happens in the sandbox: several times what it takes on a busy machine.
	suiteTimeout = 12 * time.Minute
)

// require skips, or fails if it must not skip, where there can be no such node.
func require(t *testing.T) {
	t.Helper()
	if os.Getenv(requireEnv) != "1" {
		t.Skip("minutes of software emulation: run it by `make e2e-vm`, which sets " + requireEnv + "=1")
	}
	err := sandbox.Supported()
	if err == nil {
		var dir string
		if dir, err = localcluster.FindTools(); err == nil {
			err = vmnode.Supported(dir)
		}
	}
	if err != nil {
		t.Fatalf("%s=1, but: %v", requireEnv, err)
	}
}

// build builds what runs on the node, which has no way to download anything, and returns the folder of the images.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	nodesuite.GoRun(t, "build", "-buildvcs=false", "-ldflags=-s -w", "-o", dir, "./workload", "./placer", "../../cmd/ballast-node")
	for name, tag := range map[string]string{"workload": nodesuite.WorkloadImage, "placer": placerImage, "ballast-node": nodesuite.AgentImage} {
		binary := filepath.Join(dir, name)
		nodesuite.GoRun(t, "run", "-buildvcs=false", "../../hack/ociimage", "-binary", binary, "-tag", tag, "-out", binary+".tar")
	}
	return dir
}

// TestNodeInVM runs the suite in a sandbox and looks for what it leaves.
func TestNodeInVM(t *testing.T) {
	if _, inside := sandbox.Current(); inside {
		runSuite(t)
		return
	}
	require(t)
	images, temp := build(t), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	defer cancel()
	var output bytes.Buffer
	err := sandbox.Run(ctx, sandbox.Program{
		Args: []string{"-test.run=^TestNodeInVM$", "-test.v", "-test.timeout=" + suiteTimeout.String()}, TempDir: temp,
		Stdout: &output, Stderr: &output, Env: []string{imagesEnv + "=" + images},
	})
	nodesuite.Retell(t, "TestNodeInVM", output.String())
	if err != nil {
		t.Errorf("the suite in the sandbox: %v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
	wantNoMachine(t)
}

// wantNoMachine fails if a QEMU of a sandbox is left: its command line names the interface.
func wantNoMachine(t *testing.T) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lines) == 0 {
		t.Fatalf("looking for processes: %d, %v", len(lines), err)
	}
	for _, file := range lines {
		line, _ := os.ReadFile(file) // it may have ended
		if bytes.Contains(line, []byte("qemu-system")) && bytes.Contains(line, []byte("ifname="+vmnode.Name)) {
			t.Errorf("left running: %s", bytes.ReplaceAll(line, []byte{0}, []byte(" ")))
		}
	}
}
