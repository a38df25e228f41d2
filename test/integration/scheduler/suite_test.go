// Package scheduler_test runs the built ballast-scheduler on a real control plane, under the permissions of manifests/scheduler.
package scheduler_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

// suite is the cluster that all tests share, and the scheduler under test.
type suite struct {
	*localcluster.Cluster
	client    kubernetes.Interface
	objects   dynamic.Interface
	http      *http.Client
	metrics   string // URL
	binary    string
	scheduler *localcluster.Child
}

// TestScheduler takes one cluster and one scheduler process through what an operator does to them. Subtests depend on those before.
func TestScheduler(t *testing.T) {
	binary := make(chan string, 1)
	go func() { binary <- component.Build(t, "ballast-scheduler") }() // while the cluster starts
	ctx := context.WithoutCancel(t.Context())                         // the cluster must outlive it: its logs are read in the clean-up
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		<-binary
		t.Fatal(err)
	}
	s := &suite{Cluster: cluster, binary: <-binary}
	t.Cleanup(func() {
		if t.Failed() && s.scheduler != nil {
			t.Logf("log of the scheduler:\n%s", component.Tail(s.scheduler.LogPath(), 60))
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.connect(t)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"bad arguments", testBadArguments},
		{"starts without the CRD", testStartsWithoutCRD},
		{"uses a model that comes late", testModelComesLate},
		{"attracts to a provider", testProvider},
		{"two profiles", testTwoProfiles},
		{"holds and frees", testHoldsAndFrees},
		{"stale model", testStaleModel},
		{"model of another format", testAnotherFormat},
		{"switch", testSwitch},
		{"stays within its permissions", testPermissions},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// connect makes the administrator's clients and the permissions of the scheduler.
func (s *suite) connect(t *testing.T) {
	t.Helper()
	config := s.AdminConfig()
	var err error
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if s.objects, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if s.http, err = component.Client(config); err != nil {
		t.Fatal(err)
	}
	manifests := filepath.Join(component.Root, "manifests")
	if err := s.ApplyFiles(t.Context(), filepath.Join(manifests, "base"), filepath.Join(manifests, "scheduler/rbac.yaml")); err != nil {
		t.Fatal(err)
	}
}

// configure writes the configuration of manifests/scheduler/profile-second.yaml with further profiles in it, as YAML.
func (s *suite) configure(t *testing.T, name, kubeconfig, profiles string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(component.Root, "manifests/scheduler/profile-second.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		t.Fatal(err)
	}
	config["clientConnection"] = map[string]any{"kubeconfig": kubeconfig}
	var more []any
	if err := yaml.UnmarshalStrict([]byte(profiles), &more); err != nil {
		t.Fatal(err)
	}
	own, ok := config["profiles"].([]any)
	if !ok {
		t.Fatalf("profiles are %v", config["profiles"])
	}
	config["profiles"] = append(own, more...)
	if text, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+".yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// profile is one more profile with the plugin and these arguments.
func profile(name, args string) string {
	return fmt.Sprintf(`
- schedulerName: %s
  plugins: {multiPoint: {enabled: [{name: InterferenceFit, weight: 10}]}}
  pluginConfig: [{name: InterferenceFit, args: {%s}}]
`, name, args)
}

// start runs the scheduler until the cluster ends.
func (s *suite) start(t *testing.T, profiles string) {
	t.Helper()
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "ballast-system", "ballast-scheduler")
	if err != nil {
		t.Fatal(err)
	}
	port, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("https://127.0.0.1:%d", port)
	s.metrics = base + "/metrics"
	s.scheduler, err = s.Run(t.Context(), localcluster.Process{
		Name: "ballast-scheduler", Path: s.binary,
		Args: []string{
			"--config=" + s.configure(t, "config", kubeconfig, profiles), "--v=2", "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
			"--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		},
		Ready: func(ctx context.Context) error {
			body, err := component.Get(ctx, s.http, s.metrics)
			if err == nil && !strings.Contains(body, `leader_election_master_status{name="kube-scheduler"} 1`) {
				err = fmt.Errorf("not the leader yet")
			}
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// metric reads one sample of the plugin's, written as in the exposition without the prefix; -1 if it is not there.
func (s *suite) metric(t *testing.T, sample string) float64 {
	t.Helper()
	body, err := component.Get(t.Context(), s.http, s.metrics)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, "scheduler_interferencefit_"+sample+" "); ok {
			var value float64
			if _, err := fmt.Sscan(rest, &value); err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	return -1
}

func (s *suite) awaitMetric(t *testing.T, within time.Duration, sample string, want float64) {
	t.Helper()
	component.Eventually(t, within, func() string {
		if got := s.metric(t, sample); got != want {
			return fmt.Sprintf("%s is %v, want %v", sample, got, want)
		}
		return ""
	})
}

// nodeShape is a node of 4 CPU and 16 Gi.
func nodeShape() localcluster.NodeShape {
	return localcluster.NodeShape{Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("4"), v1.ResourceMemory: resource.MustParse("16Gi")}}
}
