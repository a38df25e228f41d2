// Package recommender_test runs the built ballast-recommender beside the stock recommender on a real control plane, under the
// permissions of manifests/recommender, and compares what they write.
package recommender_test

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
	vpaclientset "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/client/clientset/versioned"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// soon bounds what should take a moment; it is generous for busy machines and the race detector.
	soon = 30 * time.Second
	// leaseDuration, renewDeadline and retryPeriod are those of the replicas under test. An API server that stands still for as long as
	// renewDeadline ends the leader.
	leaseDuration, renewDeadline, retryPeriod = 15 * time.Second, 10 * time.Second, time.Second
)

// suite is the cluster that all tests share, and its recommenders.
type suite struct {
	*localcluster.Cluster
	client  kubernetes.Interface
	objects dynamic.Interface
	vpas    vpaclientset.Interface
	http    *http.Client
	binary  string
	stock   *localcluster.Child
	// running are our replicas, also those that have ended; leads is the one that does.
	running []*replica
	leads   *replica
	load    *load
	// held are the objective's targets when the last leader ended, in millicores by workload.
	held map[string]int64
}

// replica is a process of ballast-recommender.
type replica struct {
	*localcluster.Child
	base, otlp string // URLs
}

// TestRecommender takes one cluster and the recommenders through what an operator does to them. Subtests depend on those before.
func TestRecommender(t *testing.T) {
	binary := make(chan string, 1)
	go func() { binary <- component.Build(t, "ballast-recommender") }() // while the cluster starts
	ctx := context.WithoutCancel(t.Context())                           // the cluster must outlive it: its logs are read in the clean-up
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		<-binary
		t.Fatal(err)
	}
	s := &suite{Cluster: cluster, binary: <-binary}
	t.Cleanup(func() {
		if t.Failed() && s.leads != nil {
			t.Logf("log of the recommender:\n%s", component.Tail(s.leads.LogPath(), 60))
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
		{"bad configuration", testBadConfiguration},
		{"waits for VPA's types", testWaitsForTypes},
		{"writes what stock writes", testEqual},
		{"touches no other VPA", testUntouched},
		{"takes VPAs over from stock", testHandover},
		{"guards its metrics", testEndpoint},
		{"switch", testSwitch},
		{"another replica takes over", testTakeOver},
		{"restarts from checkpoints", testRestart},
		{"follows usage as stock does", testUsage},
		{"sizes for an objective", testObjective},
		{"writes set-points of nodes", testSetPoints},
		{"sees neighbours of a service", testNeighbour},
		{"guards its receiver", testReceiver},
		{"goes on after a restart", testRestored},
		{"steps down while blind", testBlind},
		{"keeps set-points while blind", testSetPointsStay},
		{"recovers", testRecovers},
		{"modes of an objective", testObjectiveModes},
		{"has no right to touch pods", testRights},
		{"stays within its permissions", testPermissions},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// connect makes the administrator's clients, the permissions of our recommender and a node.
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
	if s.vpas, err = vpaclientset.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if s.http, err = component.Client(config); err != nil {
		t.Fatal(err)
	}
	manifests := filepath.Join(component.Root, "manifests")
	if err := s.ApplyFiles(t.Context(), filepath.Join(manifests, "base"), filepath.Join(manifests, "recommender/rbac.yaml")); err != nil {
		t.Fatal(err)
	}
	shape := localcluster.NodeShape{Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("64"), v1.ResourceMemory: resource.MustParse("256Gi")}}
	if err := s.AddNodes(t.Context(), node, 1, shape); err != nil {
		t.Fatal(err)
	}
}

// configure writes a configuration file.
func configure(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// start runs a replica of ours under its ServiceAccount, until it is healthy.
func (s *suite) start(t *testing.T, name string) *replica {
	t.Helper()
	return s.startWith(t, name, "interval: 1s\n")
}

// startWith runs one with more in its configuration.
func (s *suite) startWith(t *testing.T, name, config string) *replica {
	t.Helper()
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "ballast-system", "ballast-recommender")
	if err != nil {
		t.Fatal(err)
	}
	port, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	otlp, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	config += fmt.Sprintf("telemetry: {port: %d}\nleaderElection: {leaseDuration: %s, renewDeadline: %s, retryPeriod: %s}\n",
		otlp, leaseDuration, renewDeadline, retryPeriod)
	r := &replica{base: fmt.Sprintf("https://127.0.0.1:%d", port), otlp: fmt.Sprintf("https://127.0.0.1:%d", otlp)}
	r.Child, err = s.Run(t.Context(), localcluster.Process{
		Name: name, Path: s.binary, Ready: localcluster.Healthz(r.base + "/healthz"),
		Args: []string{"--config=" + configure(t, name, config), "--kubeconfig=" + kubeconfig, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port), "--v=2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.running = append(s.running, r)
	return r
}

// startStock runs the stock recommender as the administrator. It is not the one under test.
func (s *suite) startStock(t *testing.T) {
	t.Helper()
	port, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s.stock, err = s.Run(t.Context(), localcluster.Process{
		Name: "vpa-recommender", Path: filepath.Join(s.ToolDir(), "vpa-recommender"),
		Args: []string{"--kubeconfig=" + s.AdminKubeconfig(), "--recommender-interval=1s", fmt.Sprintf("--address=127.0.0.1:%d", port), "--v=2"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitMetric waits for a sample that begins so, written as in the exposition.
func (s *suite) awaitMetric(t *testing.T, within time.Duration, r *replica, sample string) {
	t.Helper()
	component.Eventually(t, within, func() string {
		body, err := component.Get(t.Context(), s.http, r.base+"/metrics")
		if err != nil {
			return err.Error()
		}
		if !strings.Contains(body, "\n"+sample) {
			return "the metrics are without " + sample
		}
		return ""
	})
}
