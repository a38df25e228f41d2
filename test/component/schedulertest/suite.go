// Package schedulertest runs the built ballast-scheduler on a real control plane with simulated nodes, with the configuration and under the
// permissions of manifests/scheduler, for integration tests of its plugins.
package schedulertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

// Suite is a cluster that the tests of a package share, and the scheduler under test.
type Suite struct {
	*localcluster.Cluster
	// Client, Objects and HTTP ask as administrator.
	Client  kubernetes.Interface
	Objects dynamic.Interface
	HTTP    *http.Client
	// Binary is the scheduler's path.
	Binary string
	// Scheduler is the process under test and URL its endpoint, after Schedule.
	Scheduler *localcluster.Child
	URL       string

	subsystem string
}

// Start starts a cluster with the permissions of the scheduler and what else of manifests/ is named, and ends it with the test. subsystem
// begins the names of the metrics that Samples reads.
func Start(t *testing.T, subsystem string, manifests ...string) *Suite {
	t.Helper()
	binary := make(chan string, 1)
	go func() { binary <- component.Build(t, "ballast-scheduler") }() // while the cluster starts
	ctx := context.WithoutCancel(t.Context())                         // the cluster must outlive it: its logs are read in the clean-up
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir()})
	s := &Suite{Cluster: cluster, Binary: <-binary, subsystem: subsystem}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && s.Scheduler != nil {
			t.Logf("log of the scheduler:\n%s", component.Tail(s.Scheduler.LogPath(), 60))
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	config := s.AdminConfig()
	config.QPS, config.Burst = 500, 500
	if s.Client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if s.Objects, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if s.HTTP, err = component.Client(config); err != nil {
		t.Fatal(err)
	}
	s.Apply(t, append([]string{"base", "scheduler/rbac.yaml"}, manifests...)...)
	return s
}

// Apply applies files and folders of manifests/.
func (s *Suite) Apply(t *testing.T, manifests ...string) {
	t.Helper()
	for _, name := range manifests {
		if err := s.ApplyFiles(t.Context(), filepath.Join(component.Root, "manifests", name)); err != nil {
			t.Fatal(err)
		}
	}
}

// Configure writes a scheduler's configuration with a kubeconfig of its own, and returns both files: that of manifests/scheduler/<profile>.yaml
// with more profiles in it, a list in YAML.
func (s *Suite) Configure(t *testing.T, profile, more string) (file, kubeconfig string) {
	t.Helper()
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "ballast-system", "ballast-scheduler")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(component.Root, "manifests/scheduler", profile+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		t.Fatal(err)
	}
	config["clientConnection"] = map[string]any{"kubeconfig": kubeconfig}
	// By default a leader ends whose API server stands still for 10 s, as it may on a busy machine.
	election, ok := config["leaderElection"].(map[string]any)
	if !ok {
		t.Fatalf("leaderElection is %v", config["leaderElection"])
	}
	election["leaseDuration"], election["renewDeadline"] = "90s", "60s"
	var others []any
	if err := yaml.UnmarshalStrict([]byte(more), &others); err != nil {
		t.Fatal(err)
	}
	own, ok := config["profiles"].([]any)
	if !ok {
		t.Fatalf("profiles are %v", config["profiles"])
	}
	config["profiles"] = append(own, others...)
	if text, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, kubeconfig
}

// Schedule runs the scheduler with such a configuration until the cluster ends, and waits until it leads.
func (s *Suite) Schedule(t *testing.T, profile, more string) {
	t.Helper()
	file, kubeconfig := s.Configure(t, profile, more)
	port, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s.URL = fmt.Sprintf("https://127.0.0.1:%d", port)
	s.Scheduler, err = s.Run(t.Context(), localcluster.Process{
		Name: "ballast-scheduler", Path: s.Binary,
		Args: []string{
			"--config=" + file, "--v=2", "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
			"--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		},
		Ready: func(ctx context.Context) error {
			body, err := component.Get(ctx, s.HTTP, s.URL+"/metrics")
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

// Samples are the metrics of the subsystem, written as in the exposition without the prefix: name{label="value"}. A busy scheduler may
// fail to answer once.
func (s *Suite) Samples(t *testing.T) map[string]float64 {
	t.Helper()
	var body string
	component.Eventually(t, 30*time.Second, func() string {
		var err error
		if body, err = component.Get(t.Context(), s.HTTP, s.URL+"/metrics"); err != nil {
			return err.Error()
		}
		return ""
	})
	samples := map[string]float64{}
	for line := range strings.Lines(body) {
		rest, ours := strings.CutPrefix(strings.TrimSpace(line), s.subsystem+"_")
		at := strings.LastIndexByte(rest, ' ')
		if !ours || at < 0 {
			continue
		}
		value, err := strconv.ParseFloat(rest[at+1:], 64)
		if err != nil {
			t.Fatal(err)
		}
		samples[rest[:at]] = value
	}
	return samples
}

// Turn sets the switch.
func (s *Suite) Turn(t *testing.T, mode string) {
	t.Helper()
	cm := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.SwitchNamespace, Name: v1alpha1.SwitchName}, Data: map[string]string{v1alpha1.SwitchKey: mode}}
	maps := s.Client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
	_, err := maps.Update(t.Context(), cm, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = maps.Create(t.Context(), cm, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Publish creates or updates an InterferenceModel, as of the given time. change, where it is not nil, may spoil it first.
func (s *Suite) Publish(t *testing.T, name string, m *interference.Model, at time.Time, change func(*v1alpha1.InterferenceModel)) {
	t.Helper()
	im, err := v1alpha1.NewInterferenceModel(name, m, metav1.NewTime(at))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(im)
	}
	text, err := json.Marshal(im)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	models := s.Objects.Resource(v1alpha1.InterferenceModels)
	old, err := models.Get(t.Context(), name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = models.Create(t.Context(), u, metav1.CreateOptions{})
	case err == nil:
		u.SetResourceVersion(old.GetResourceVersion())
		_, err = models.Update(t.Context(), u, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
