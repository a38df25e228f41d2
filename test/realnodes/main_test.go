// Package realnodes_test runs Ballast on nodes that really run containers: kubelet, containerd and runc, in a sandbox. It shows that
// pods that are bound by ballast-scheduler run, that CPU contention is real, that a larger request helps against it, that ballast-node,
// installed by its manifests, tells of the containers what the kernel says, and that nothing is left on the machine, however a run ends.
//
// The tests need root, cgroups and the tools that `make e2e-nodes` builds. Without them they skip and say why, unless
// BALLAST_REQUIRE_REAL_NODES=1, where they fail.
package realnodes_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/realnodes"
	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

const (
	// requireEnv makes a missing requirement a failure.
	requireEnv = "BALLAST_REQUIRE_REAL_NODES"
	// binariesEnv is the folder of the binaries under test and of the image, for the tests inside the sandbox.
	binariesEnv = "BALLAST_REALNODES_BINARIES"
	// roleEnv makes the test binary play a part: see TestMain.
	roleEnv = "BALLAST_REALNODES_ROLE"
	// suiteTimeout bounds what happens in a sandbox: three times what it takes on a busy machine.
	suiteTimeout = 8 * time.Minute
)

// TestMain lets the test binary be one of the programs that come to a bad end. Without a role it runs the tests.
func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(m.Run())
	case "outer":
		os.Exit(outer())
	case "holds":
		os.Exit(holds())
	case "fails":
		os.Exit(fails())
	}
}

// require skips, or fails if it must not skip, where there can be no real nodes.
func require(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real nodes")
	}
	err := sandbox.Supported()
	if err == nil {
		var dir string
		if dir, err = localcluster.FindTools(); err == nil {
			err = realnodes.CheckTools(dir)
		}
		for _, name := range []string{"etcd", "kwok", "metrics-server", "vpa-updater"} { // one of each other tool
			if err == nil {
				_, err = os.Stat(filepath.Join(dir, name))
			}
		}
	}
	if err == nil {
		return
	}
	if os.Getenv(requireEnv) == "1" {
		t.Fatalf("%s=1, but: %v", requireEnv, err)
	}
	t.Skip(err)
}

// build builds what runs in the sandbox, which has no way to download anything: the product's binaries, the workload and its image.
// It returns the folder.
func build(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	t.Chdir("workload")
	if len(names) > 0 { // as they are released, without symbols: that is most of the time it takes
		args := []string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", dir}
		for _, name := range names {
			args = append(args, "../../../cmd/"+name)
		}
		nodesuite.GoRun(t, args...)
	}
	nodesuite.GoRun(t, "build", "-buildvcs=false", "-o", filepath.Join(dir, "workload"), ".")
	for name, tag := range map[string]string{"workload": nodesuite.WorkloadImage, "ballast-node": nodesuite.AgentImage} {
		binary := filepath.Join(dir, name)
		if _, err := os.Stat(binary); err == nil {
			nodesuite.GoRun(t, "run", "-buildvcs=false", "../../../hack/ociimage", "-binary", binary, "-tag", tag, "-out", binary+".tar")
		}
	}
	t.Chdir("..")
	return dir
}

// program is this test binary in the sandbox.
func program(temp, binaries string, args ...string) sandbox.Program {
	return sandbox.Program{
		Args: args, TempDir: temp, Stdout: os.Stdout, Stderr: os.Stderr,
		Env: []string{binariesEnv + "=" + binaries},
	}
}

// TestRealNodes runs the suite in a sandbox and compares the machine before and after.
func TestRealNodes(t *testing.T) {
	if _, inside := sandbox.Current(); inside {
		runSuite(t)
		return
	}
	require(t)
	binaries, temp := build(t, "ballast-scheduler", "ballast-recommender", "ballast-node"), t.TempDir()
	before := takeSnapshot(t)
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	defer cancel()
	var output bytes.Buffer
	p := program(temp, binaries, "-test.run=^TestRealNodes$", "-test.v", "-test.timeout="+suiteTimeout.String())
	p.Stdout, p.Stderr = &output, &output
	err := sandbox.Run(ctx, p)
	nodesuite.Retell(t, "TestRealNodes", output.String())
	if err != nil {
		t.Errorf("the suite in the sandbox: %v", err)
	}
	wantSame(t, before, others)
	wantEmpty(t, temp)
}

// wantEmpty fails unless the folder is.
func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", entries, err)
	}
}

// startNodes starts a control plane and two nodes, for whoever is in a sandbox.
func startNodes(ctx context.Context, images ...string) (*localcluster.Cluster, []*realnodes.Node, error) {
	box, ok := sandbox.Current()
	if !ok {
		return nil, nil, errors.New("not in a sandbox")
	}
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: box.Dir, NodeAddress: realnodes.ControlPlaneAddress})
	if err != nil {
		return nil, nil, err
	}
	nodes, err := realnodes.Start(ctx, cluster, realnodes.Config{Count: 2, Images: images, Pause: nodesuite.WorkloadImage})
	if err != nil {
		return nil, nil, err // what runs ends with the sandbox
	}
	return cluster, nodes, nil
}

// imageFile is the file of the image of that binary.
func imageFile(name string) string { return filepath.Join(os.Getenv(binariesEnv), name+".tar") }
