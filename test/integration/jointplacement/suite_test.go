// Package jointplacement_test runs the built ballast-scheduler with manifests/scheduler/profile-joint.yaml on a real control plane with
// simulated nodes, and gives it the batches of Metis (SC'20).
package jointplacement_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
)

// soon bounds what should take a moment; it is generous for busy machines and the race detector. batchSoon is for hundreds of pods.
const (
	soon      = 30 * time.Second
	batchSoon = 3 * time.Minute
)

// suite is the cluster that all tests share, and the scheduler under test.
type suite struct {
	*localcluster.Cluster
	client    kubernetes.Interface
	objects   dynamic.Interface
	http      *http.Client
	metrics   string // URL
	scheduler *localcluster.Child
	model     *interference.Model
	batch     map[string]int // containers by class, of the first batch of 200
}

func TestJointPlacement(t *testing.T) {
	s := &suite{}
	s.learn(t)
	binary := make(chan string, 1)
	go func() { binary <- component.Build(t, "ballast-scheduler") }() // while the cluster starts
	ctx := context.WithoutCancel(t.Context())                         // the cluster must outlive it: its logs are read in the clean-up
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		<-binary
		t.Fatal(err)
	}
	s.Cluster = cluster
	t.Cleanup(func() {
		if t.Failed() && s.scheduler != nil {
			t.Logf("log of the scheduler:\n%s", component.Tail(s.scheduler.LogPath(), 60))
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	s.connect(t)
	s.start(t, <-binary)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"lands as planned", testLandsAsPlanned},
		{"hard constraints win", testConstraintsWin},
		{"the switch lets go", testSwitch},
		{"blind holds nothing", testBlind},
		{"stays within its permissions", testPermissions},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// data is a file of the published measurements of Metis, which stand outside the project.
func data(t *testing.T, file string) string {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join(component.Root, "..", "shared", "data")
	}
	path, err := filepath.Abs(filepath.Join(root, "metis", file))
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Skipf("published measurements not found: %v; set BALLAST_DATA to the folder that holds metis/", err)
	}
	return path
}

// learn fits the model with the command line, as a user does, and reads the batch.
func (s *suite) learn(t *testing.T) {
	t.Helper()
	mixes, pairs, batches := data(t, "mixes.csv.gz"), data(t, "pairs.csv"), data(t, "batch_set_200.csv")
	out := filepath.Join(t.TempDir(), "model.json")
	fit := exec.Command(component.Build(t, "ballast"), "interference", "fit", "--mixes", mixes+","+pairs, "--out", out)
	if text, err := fit.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if s.model, err = interference.Decode(b); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(batches)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	s.batch = map[string]int{}
	for i, column := range rows[0] {
		if class, ok := strings.CutPrefix(column, "n_"); ok {
			if s.batch[class], err = strconv.Atoi(rows[1][i]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (s *suite) connect(t *testing.T) {
	t.Helper()
	config := s.AdminConfig()
	config.QPS, config.Burst = 500, 500
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
	for _, file := range []string{"base", "scheduler/rbac.yaml", "crd/ballast.dev_interferencemodels.yaml"} {
		if err := s.ApplyFiles(t.Context(), filepath.Join(component.Root, "manifests", file)); err != nil {
			t.Fatal(err)
		}
	}
	s.publish(t)
}

// publish puts the model into the cluster.
func (s *suite) publish(t *testing.T) {
	t.Helper()
	im, err := v1alpha1.NewInterferenceModel("default", s.model, metav1.Now())
	if err != nil {
		t.Fatal(err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(im)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.objects.Resource(v1alpha1.InterferenceModels).Create(t.Context(), &unstructured.Unstructured{Object: content}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// start runs the scheduler until the cluster ends, with the manifest's configuration and permissions.
func (s *suite) start(t *testing.T, binary string) {
	t.Helper()
	kubeconfig, err := s.ServiceAccountKubeconfig(t.Context(), "ballast-system", "ballast-scheduler")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(component.Root, "manifests/scheduler/profile-joint.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		t.Fatal(err)
	}
	config["clientConnection"] = map[string]any{"kubeconfig": kubeconfig}
	if text, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	port, err := s.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	s.metrics = fmt.Sprintf("https://127.0.0.1:%d/metrics", port)
	s.scheduler, err = s.Run(t.Context(), localcluster.Process{
		Name: "ballast-scheduler", Path: binary,
		Args: []string{
			"--config=" + file, "--v=2", "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
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

// podOf is a pod of a class on the nodes of a pool, of a quarter of what a node of Metis has.
func podOf(name, class, pool string) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{v1alpha1.ClassLabel: class}, Annotations: map[string]string{}},
		Spec: v1.PodSpec{
			SchedulerName: "ballast-joint", NodeSelector: map[string]string{"ballast.dev/local-pool": pool},
			Containers: []v1.Container{{Name: "c", Image: "none", Resources: v1.ResourceRequirements{Requests: v1.ResourceList{
				v1.ResourceCPU: resource.MustParse("2"), v1.ResourceMemory: resource.MustParse("8Gi"),
			}}}},
		},
	}
}

// metisNode is the machine of Metis' measurements: 16 vCPU, 64 GB; so it takes 8 pods.
func metisNode() localcluster.NodeShape {
	return localcluster.NodeShape{Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("16"), v1.ResourceMemory: resource.MustParse("64Gi")}}
}

// create makes pods, eight at a time.
func (s *suite) create(t *testing.T, pods ...*v1.Pod) {
	t.Helper()
	next := make(chan *v1.Pod)
	errs := make(chan error, len(pods))
	var creating sync.WaitGroup
	for range 8 {
		creating.Go(func() {
			for pod := range next {
				if _, err := s.client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
					errs <- err
				}
			}
		})
	}
	for _, pod := range pods {
		next <- pod
	}
	close(next)
	creating.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
}

// awaitNodes waits until all pods of a pool are placed and returns their nodes by name.
func (s *suite) awaitNodes(t *testing.T, within time.Duration, pods []*v1.Pod) map[string]string {
	t.Helper()
	var at map[string]string
	component.Eventually(t, within, func() string {
		list, err := s.client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		have := map[string]string{}
		for i := range list.Items {
			have[list.Items[i].Name] = list.Items[i].Spec.NodeName
		}
		at = map[string]string{}
		for _, pod := range pods {
			if node := have[pod.Name]; node != "" {
				at[pod.Name] = node
			}
		}
		if len(at) < len(pods) {
			return fmt.Sprintf("%d of %d pods are placed", len(at), len(pods))
		}
		return ""
	})
	return at
}

// metric sums up the samples of one of the plugin's metrics whose labels contain all texts.
func (s *suite) metric(t *testing.T, name string, texts ...string) float64 {
	t.Helper()
	body, err := component.Get(t.Context(), s.http, s.metrics)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for line := range strings.Lines(body) {
		rest, ok := strings.CutPrefix(line, "scheduler_jointplacement_"+name+"{")
		if !ok {
			continue
		}
		for _, text := range texts {
			ok = ok && strings.Contains(rest, text)
		}
		if at := strings.LastIndexByte(rest, ' '); ok && at >= 0 {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest[at:]), 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += value
		}
	}
	return sum
}

// turn sets the switch.
func (s *suite) turn(t *testing.T, mode string) {
	t.Helper()
	cm := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: v1alpha1.SwitchNamespace, Name: v1alpha1.SwitchName}, Data: map[string]string{v1alpha1.SwitchKey: mode}}
	maps := s.client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
	_, err := maps.Update(t.Context(), cm, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = maps.Create(t.Context(), cm, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
