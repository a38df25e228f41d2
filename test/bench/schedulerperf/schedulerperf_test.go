// Package schedulerperf measures pods placed a second with Ballast's profile against the stock profile, by Kubernetes' own benchmark
// scheduler_perf: etcd as a process of its own, API server and scheduler inside the test, nodes and pods that are objects only. Every
// workload ends with scheduler_perf's check for goroutines left behind.
//
// Both profiles run alternately, each time on a new cluster, and are compared round by round: figures of one machine at one time. Every pod
// carries a class of a model of 200 classes, ten pods are on every node before the measurement, and the benchmark fails unless each measured
// pod was placed after its nodes were scored by prediction.
//
// It is a module of its own because scheduler_perf brings libraries that the product has no use for. `make bench-scheduler` runs it.
package schedulerperf

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	configv1 "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"
	perf "k8s.io/kubernetes/test/integration/scheduler_perf"

	"github.com/ballast-k8s/ballast/plugins/interferencefit"
)

// rounds is how often each profile is measured.
var rounds = flag.Int("rounds", 3, "how often each profile is measured")

func TestMain(m *testing.M) {
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	m.Run()
}

// prepare sets up the process for scheduler_perf, which works through package variables, flags and the environment.
func prepare() error {
	interferencefit.AddToScheme(scheme.Scheme)
	interferencefit.AddToScheme(configv1.GetPluginArgConversionScheme())
	if err := perf.InitTests(); err != nil {
		return err
	}
	// One measurement is one iteration: another count would repeat whole clusters.
	if err := flag.Set("test.benchtime", "1x"); err != nil {
		return err
	}
	tools, err := filepath.Abs("../../../.tools/bin")
	if err != nil {
		return err
	}
	env := map[string]string{"PATH": tools + string(filepath.ListSeparator) + os.Getenv("PATH")}
	// etcd waits for the disk with every write. In memory the time is the scheduler's and the API server's, not the disk's.
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err == nil && info.IsDir() && os.Getenv("TMPDIR") == "" {
		env["TMPDIR"] = memory
	}
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	if _, err := exec.LookPath("etcd"); err != nil {
		return fmt.Errorf("%w; build it first: go run ./hack/toolbuild hyper", err)
	}
	return nil
}

// BenchmarkPerfScheduling measures both profiles in clusters of 500 and 5,000 nodes. The gates are the ratios of pods a second that Ballast
// promises; the small cluster is for trying out the benchmark.
func BenchmarkPerfScheduling(b *testing.B) {
	for _, size := range []size{
		{nodes: 50, measured: 2000},
		{nodes: 500, measured: 5000, gate: 0.90},
		{nodes: 5000, measured: 3000, gate: 0.85},
	} {
		b.Run(fmt.Sprintf("nodes=%d", size.nodes), size.measure)
	}
}
