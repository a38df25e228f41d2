package containers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
)

const (
	first  = "abababababababababababababababababababababababababababababababab"
	second = "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
)

// machine has a pod with two containers on cgroup v2, of which one has pressure.
func machine(t *testing.T) counters.Options {
	t.Helper()
	root := t.TempDir()
	pod := "cgroup/kubepods.slice/kubepods-pod0a1b.slice/"
	for name, text := range map[string]string{
		"cgroup/cgroup.controllers": "cpu\n", "cgroup/cgroup.procs": "", "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
		pod + "cri-containerd-" + first + ".scope/cpu.stat":        "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n",
		pod + "cri-containerd-" + first + ".scope/cpu.pressure":    "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\n",
		pod + "cri-containerd-" + second + ".scope/cpu.stat":       "usage_usec 250000\nuser_usec 250000\nsystem_usec 0\n",
		pod + "cri-containerd-" + first + ".scope/cgroup.threads":  "",
		pod + "cri-containerd-" + second + ".scope/cgroup.threads": "",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return counters.Options{
		Cgroup: filepath.Join(root, "cgroup"), Proc: filepath.Join(root, "proc"), Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	}
}

func pod(ids map[string]string) *v1.Pod {
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "0a1b"}}
	for name, id := range ids {
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, v1.ContainerStatus{Name: name, ContainerID: id})
	}
	return p
}

func watch(t *testing.T, o counters.Options, pods ...*v1.Pod) *Watcher {
	t.Helper()
	store := cache.NewStore(cache.MetaNamespaceKeyFunc)
	for _, p := range pods {
		if err := store.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	w := New(o, store)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestJoin(t *testing.T) {
	w := watch(t, machine(t), pod(map[string]string{"app": "containerd://" + first, "starting": ""}))
	v := w.Look()
	if v.Problem != "" || v.Cgroups != "v2" || v.Unknown != 1 || len(v.Containers) != 1 {
		t.Fatalf("%+v", v)
	}
	if c := v.Containers[0]; c.Namespace != "shop" || c.Pod != "web" || c.Name != "app" || c.Sample.CPU.Total != 1500*time.Millisecond {
		t.Errorf("%+v", c)
	}
	const want = `# HELP node_agent_container_cpu_seconds_total CPU time used.
# TYPE node_agent_container_cpu_seconds_total counter
node_agent_container_cpu_seconds_total{container="app",namespace="shop",pod="web",uid="0a1b"} 1.5
# HELP node_agent_container_pressure_seconds_total Time that tasks waited for a resource: at least one (some), or all that were not idle (full).
# TYPE node_agent_container_pressure_seconds_total counter
node_agent_container_pressure_seconds_total{container="app",kind="some",namespace="shop",pod="web",resource="cpu",uid="0a1b"} 2
# HELP node_agent_containers Containers that were read.
# TYPE node_agent_containers gauge
node_agent_containers 1
`
	if err := testutil.CollectAndCompare(NewCollector(w), strings.NewReader(want), "node_agent_container_cpu_seconds_total",
		"node_agent_container_pressure_seconds_total", "node_agent_containers", "node_agent_container_cpu_limit_cores"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(NewCollector(w)); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// TestAbsent has one container with CPU pressure and one without, and none with memory pressure.
func TestAbsent(t *testing.T) {
	w := watch(t, machine(t), pod(map[string]string{"a": "containerd://" + first, "b": "cri-o://" + second}))
	v := w.Look()
	why := map[counters.Signal]string{}
	for _, a := range v.Absent {
		why[a.Signal] = a.Why
	}
	if !strings.HasPrefix(why[counters.CPUPressure], "some containers lack it") {
		t.Errorf("cpu pressure: %q", why[counters.CPUPressure])
	}
	if all := why[counters.MemoryPressure]; all == "" || strings.HasPrefix(all, "some") {
		t.Errorf("memory pressure: %q", all)
	}
	if text, ok := why[counters.Use]; ok {
		t.Errorf("use is absent: %q", text)
	}
}

// TestNameless: the machine has cgroups; whether they should have names depends on what the API server says.
func TestNameless(t *testing.T) {
	for name, c := range map[string]struct {
		pods []*v1.Pod
		want bool
	}{
		"no pod is known":        {nil, true},
		"a container starts":     {[]*v1.Pod{pod(map[string]string{"app": ""})}, false},
		"another machine's pods": {[]*v1.Pod{pod(map[string]string{"app": "containerd://" + strings.Repeat("9", 64)})}, true},
		"one has its name":       {[]*v1.Pod{pod(map[string]string{"app": "containerd://" + first})}, false},
	} {
		if v := watch(t, machine(t), c.pods...).Look(); v.Nameless() != c.want || v.Unknown == 0 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestComesBack starts without cgroups, which come later.
func TestComesBack(t *testing.T) {
	o := machine(t)
	away := o.Cgroup + ".away"
	if err := os.Rename(o.Cgroup, away); err != nil {
		t.Fatal(err)
	}
	w := watch(t, o, pod(map[string]string{"app": "containerd://" + first}))
	if v := w.Look(); !strings.Contains(v.Problem, "open cgroups") || len(v.Containers) != 0 {
		t.Errorf("%+v", v)
	}
	if got := testutil.CollectAndCount(NewCollector(w), "node_agent_container_cpu_seconds_total"); got != 0 {
		t.Errorf("%d series of containers that were not read", got)
	}
	if err := os.Rename(away, o.Cgroup); err != nil {
		t.Fatal(err)
	}
	if v := w.Look(); v.Problem != "" || len(v.Containers) != 1 {
		t.Errorf("%+v", v)
	}
}

func TestTrim(t *testing.T) {
	p := pod(map[string]string{"app": "containerd://" + first})
	p.ResourceVersion = "7"
	want := p.DeepCopy()
	want.Status.InitContainerStatuses, want.Status.EphemeralContainerStatuses = []v1.ContainerStatus{}, []v1.ContainerStatus{}
	p.Spec.Containers = []v1.Container{{Name: "app", Env: []v1.EnvVar{{Name: "PASSWORD", Value: "x"}}}}
	p.Annotations = map[string]string{"a": "b"}
	if diff := cmp.Diff(want, Trim(p)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
