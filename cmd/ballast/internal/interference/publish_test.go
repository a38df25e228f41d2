package interference

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

// Publishing meets what a user meets: no types yet, then a new object, then a replaced one that keeps its labels.
func TestPublish(t *testing.T) {
	t.Parallel()
	cluster, err := localcluster.Start(t.Context(), localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	}()
	model := filepath.Join(t.TempDir(), "model.json")
	// Alone and in pairs, as an operator measures first: terms that never vary are where a −0 could hide.
	mixes := clitest.WriteTemp(t, "pairs.csv", "n_a,n_b,n_c,perf_a,perf_b,perf_c\n1,0,0,1,,\n0,1,0,,1,\n0,0,1,,,1\n1,1,0,0.9,0.8,\n0,1,1,,0.7,0.9\n1,0,1,0.85,,1.1\n")
	if code, _, stderr := ballast(t, "interference", "fit", "--mixes", mixes, "--out", model); code != cli.ExitDone {
		t.Fatal(stderr)
	}
	publish := []string{"interference", "publish", "--model", model, "--kubeconfig", cluster.AdminKubeconfig()}
	if code, _, stderr := ballast(t, publish...); code != cli.ExitFailed || !strings.Contains(stderr, "install Ballast's types first: kubectl apply -f manifests/crd") {
		t.Errorf("without the types: exit %d, %q", code, stderr)
	}
	if err := cluster.ApplyFiles(t.Context(), filepath.Join("..", "..", "..", "..", "manifests", "crd", "ballast.dev_interferencemodels.yaml")); err != nil {
		t.Fatal(err)
	}
	if code, out, stderr := ballast(t, publish...); code != cli.ExitDone || !strings.Contains(out, "interferencemodel.ballast.dev/default created, version ") {
		t.Errorf("first: exit %d, %q %q", code, out, stderr)
	}
	if _, err := cluster.Kubectl(t.Context(), "label", "interferencemodel", "default", "team=web"); err != nil {
		t.Fatal(err)
	}
	if code, out, stderr := ballast(t, publish...); code != cli.ExitDone || !strings.Contains(out, "default replaced") {
		t.Errorf("again: exit %d, %q %q", code, out, stderr)
	}
	publishLearned(t, cluster, model, publish)
	table, err := cluster.Kubectl(t.Context(), "get", "im", "--show-labels")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(table); !strings.Contains(text, "team=web") || !strings.Contains(text, "VERSION") || !strings.Contains(text, "PUBLISHED") {
		t.Errorf("kubectl get im shows\n%s", text)
	}
}

// publishLearned publishes a model that has learned since: with a new class, updates and times.
func publishLearned(t *testing.T, cluster *localcluster.Cluster, model string, publish []string) {
	t.Helper()
	learned := clitest.WriteTemp(t, "learned.csv", "n_a,n_b,n_d,perf_a,perf_b,perf_d\n1,0,1,0.7,,0.9\n2,1,0,0.6,0.7,\n")
	if code, _, stderr := ballast(t, "interference", "fit", "--onto", model, "--mixes", learned, "--out", model); code != cli.ExitDone {
		t.Fatal(stderr)
	}
	if code, out, stderr := ballast(t, publish...); code != cli.ExitDone || !strings.Contains(out, "default replaced") {
		t.Errorf("what was learned: exit %d, %q %q", code, out, stderr)
	}
	from, err := cluster.Kubectl(t.Context(), "get", "im", "default", "-o", "jsonpath={.spec.classes[*].provenance.from}")
	if got := strings.Fields(string(from)); err != nil || len(got) != 3 || got[1] != "updates" || got[2] != "probes" {
		t.Errorf("provenance %q, %v", from, err)
	}
}
