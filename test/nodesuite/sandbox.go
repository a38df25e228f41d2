// Package nodesuite has what suites of tests share that run ballast-node on a node with a real kubelet, in a sandbox: programs and their images,
// pods that run the workload, ballast-node by its manifests, its metrics as figures, and the telling of all that outside the sandbox.
package nodesuite

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

// Tags of images.
const (
	// WorkloadImage is what pods with a load run.
	WorkloadImage = "localhost/ballast/workload:test"
	// AgentImage is the one that manifests/node names.
	AgentImage = "docker.io/ballast-k8s/ballast-node:dev"
)

// GoRun runs the go command, without cgo.
func GoRun(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// Retell shows what the suite said, the test of that name in the sandbox, and makes of each of its subtests one of ours.
func Retell(t *testing.T, test, output string) {
	t.Helper()
	t.Log("in the sandbox:\n" + output)
	result := regexp.MustCompile(`^ {4}--- (PASS|FAIL|SKIP): ` + test + `/(\S+) `) // as the test framework tells the end of a subtest
	told := 0
	for line := range strings.Lines(output) {
		match := result.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		told++
		t.Run(match[2], func(t *testing.T) {
			if match[1] != "PASS" {
				t.Errorf("%s in the sandbox: see above", match[1])
			}
		})
	}
	if told == 0 {
		t.Error("the suite in the sandbox told of no test")
	}
}

// TellLogs shows the ends of all logs of a cluster, of each as many lines as lines says, and what its objects say.
func TellLogs(t *testing.T, cluster *localcluster.Cluster, lines func(log string) int) {
	t.Helper()
	logs, _ := filepath.Glob(filepath.Join(cluster.Dir(), "logs", "*.log"))
	for _, log := range logs {
		t.Logf("log %s:\n%s", filepath.Base(log), component.Tail(log, lines(filepath.Base(log))))
	}
	out, err := cluster.Kubectl(context.Background(), "get", "pods,events", "-A")
	t.Logf("%s%v", out, err)
}
