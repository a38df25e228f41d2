// Package jointplacement_test runs the built ballast-scheduler with manifests/scheduler/profile-joint.yaml on a real control plane with
// simulated nodes, and gives it the batches of Metis (SC'20).
package jointplacement_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/component/schedulertest"
	"github.com/ballast-k8s/ballast/test/peers/judge"
)

// soon bounds what should take a moment; it is generous for busy machines and the race detector. batchSoon is for hundreds of pods.
const (
	soon      = 30 * time.Second
	batchSoon = 3 * time.Minute
)

// suite is the cluster that all tests share, the scheduler under test, and the published data.
type suite struct {
	*schedulertest.Suite
	model  *interference.Model
	forest *judge.Table // the paper's own simulator
}

// patient is a profile like the shipped one for groups, but for its maxWait: a busy machine may take longer than that to make hundreds of
// pods, and those that come later would be planned by themselves.
const patient = "ballast-patient"

// patientProfile writes it, as a list in YAML.
func patientProfile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(component.Root, "manifests/scheduler/profile-joint.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Profiles []map[string]any `json:"profiles"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	for _, profile := range config.Profiles {
		plugins, _ := profile["pluginConfig"].([]any)
		for _, plugin := range plugins {
			p, _ := plugin.(map[string]any)
			args, _ := p["args"].(map[string]any)
			if profile["schedulerName"] != "ballast-joint" || p["name"] != "JointPlacement" || args["maxWait"] == nil {
				continue
			}
			profile["schedulerName"], args["maxWait"] = patient, "2m"
			own, err := yaml.Marshal([]any{profile})
			if err != nil {
				t.Fatal(err)
			}
			return string(own)
		}
	}
	t.Fatalf("there is no profile ballast-joint with a maxWait in %s", text)
	return ""
}

func TestJointPlacement(t *testing.T) {
	s := &suite{}
	s.learn(t)
	s.Suite = schedulertest.Start(t, "scheduler_jointplacement", "crd/ballast.dev_interferencemodels.yaml")
	s.Publish(t, "default", s.model, time.Now(), nil)
	s.Schedule(t, "profile-joint", patientProfile(t))
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"lands as planned", testLandsAsPlanned},
		{"as good as planned", testQuality},
		{"hard constraints win", testConstraintsWin},
		{"soft constraints count", testSoftConstraints},
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

// learn fits the model with the command line, as a user does, and reads the table that judges placements.
func (s *suite) learn(t *testing.T) {
	t.Helper()
	mixes, pairs, forest := data(t, "mixes.csv.gz"), data(t, "pairs.csv"), data(t, "forest.csv.gz")
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
	s.forest = read(t, forest, judge.ReadTable)
}

// batch is one of the published batches of so many containers: how many of each class.
func batch(t *testing.T, containers, row int) map[string]int {
	t.Helper()
	all := read(t, data(t, fmt.Sprintf("batch_set_%d.csv", containers)), judge.ReadBatches)
	counts := map[string]int{}
	for i, class := range all.Classes {
		counts[class] = all.Counts[row][i]
	}
	return counts
}

// read reads a file.
func read[T any](t *testing.T, path string, by func(name string, r io.Reader) (*T, error)) *T {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, err := by(path, f)
	if err != nil {
		t.Fatal(err)
	}
	return out
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
				if _, err := s.Client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
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
		list, err := s.Client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
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
	sum := 0.0
	for sample, value := range s.Samples(t) {
		labels, ok := strings.CutPrefix(sample, name+"{")
		for _, text := range texts {
			ok = ok && strings.Contains(labels, text)
		}
		if ok {
			sum += value
		}
	}
	return sum
}
