package containers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

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

// logs is a folder like /var/log/containers, with such links.
func logs(t testing.TB, links ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, link := range links {
		if err := os.Symlink("/var/log/pods/not-mounted/0.log", filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func watch(t *testing.T, o counters.Options, folder string) *Watcher {
	t.Helper()
	w := New(o, folder)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// why are the reasons of what is absent.
func why(v *View) map[counters.Signal]string {
	out := map[counters.Signal]string{}
	for _, a := range v.Absent {
		out[a.Signal] = a.Why
	}
	return out
}

func TestJoin(t *testing.T) {
	w := watch(t, machine(t), logs(t, "web_shop_app-"+first+".log"))
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
# HELP node_agent_collector_success 1 if the source could be read at the last look, else 0.
# TYPE node_agent_collector_success gauge
node_agent_collector_success{source="cgroups"} 1
node_agent_collector_success{source="names"} 1
`
	if err := testutil.CollectAndCompare(NewCollector(w), strings.NewReader(want), "node_agent_container_cpu_seconds_total",
		"node_agent_container_pressure_seconds_total", "node_agent_containers", "node_agent_container_cpu_limit_cores",
		"node_agent_collector_success"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.CollectAndLint(NewCollector(w)); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// TestAbsent has one container with CPU pressure and one without, and none with memory pressure.
func TestAbsent(t *testing.T) {
	why := why(watch(t, machine(t), logs(t, "web_shop_a-"+first+".log", "web_shop_b-"+second+".log")).Look())
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

// TestUnnamed: the machine has two cgroups in one pod, of which one at least is a container.
func TestUnnamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ folder, want string }{
		"no folder":                  {file + "s", "no such file"},
		"a file":                     {file, "not a directory"},
		"none was given":             {"", "none was given"},
		"empty":                      {logs(t), "no link in"},
		"another machine's":          {logs(t, "web_shop_app-"+strings.Repeat("9", 64)+".log"), "is of a container that runs here"},
		"one container has its name": {logs(t, "web_shop_app-"+first+".log"), ""},
	} {
		w := watch(t, machine(t), c.folder)
		v := w.Look()
		if v.Problem != "" || !strings.Contains(v.Unnamed, c.want) || (v.Unnamed == "") != (c.want == "") || why(v)[Names] != v.Unnamed {
			t.Errorf("%s: %+v, want it to say %q", name, v, c.want)
		}
		if c.want == "" {
			continue
		}
		if len(v.Containers) != 2 || v.Unknown != 0 || v.Containers[0].Name != "" || v.Containers[0].Sample.Container.Pod != "0a1b" {
			t.Errorf("%s: %+v, want both containers without names", name, v)
		}
		const want = `# HELP node_agent_collector_success 1 if the source could be read at the last look, else 0.
# TYPE node_agent_collector_success gauge
node_agent_collector_success{source="cgroups"} 1
node_agent_collector_success{source="names"} 0
# HELP node_agent_container_cpu_seconds_total CPU time used.
# TYPE node_agent_container_cpu_seconds_total counter
node_agent_container_cpu_seconds_total{container="` + first + `",namespace="",pod="",uid="0a1b"} 1.5
node_agent_container_cpu_seconds_total{container="` + second + `",namespace="",pod="",uid="0a1b"} 0.25
`
		if err := testutil.CollectAndCompare(NewCollector(w), strings.NewReader(want), "node_agent_collector_success",
			"node_agent_container_cpu_seconds_total"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOnlySandboxes: a node whose first pod is being started has a cgroup and no link, and nothing is wrong.
func TestOnlySandboxes(t *testing.T) {
	o := machine(t)
	if err := os.RemoveAll(filepath.Join(o.Cgroup, "kubepods.slice/kubepods-pod0a1b.slice/cri-containerd-"+second+".scope")); err != nil {
		t.Fatal(err)
	}
	if v := watch(t, o, logs(t)).Look(); v.Unnamed != "" || v.Unknown != 1 || len(v.Containers) != 0 || len(v.Absent) != 0 {
		t.Errorf("%+v", v)
	}
}

// TestDeletedMeanwhile: the link of a container that is being removed may go before its cgroup, and the other way round.
func TestDeletedMeanwhile(t *testing.T) {
	o, folder := machine(t), logs(t, "web_shop_a-"+first+".log", "web_shop_b-"+second+".log")
	w := watch(t, o, folder)
	if v := w.Look(); len(v.Containers) != 2 {
		t.Fatalf("%+v", v)
	}
	for _, step := range []struct {
		goes           string
		shown, unknown int
	}{
		{filepath.Join(folder, "web_shop_a-"+first+".log"), 1, 1},
		{filepath.Join(o.Cgroup, "kubepods.slice/kubepods-pod0a1b.slice/cri-containerd-"+first+".scope"), 1, 0},
		{filepath.Join(o.Cgroup, "kubepods.slice/kubepods-pod0a1b.slice/cri-containerd-"+second+".scope"), 0, 0},
	} {
		if err := os.RemoveAll(step.goes); err != nil {
			t.Fatal(err)
		}
		if v := w.Look(); v.Problem != "" || v.Unnamed != "" || len(v.Containers) != step.shown || v.Unknown != step.unknown {
			t.Errorf("without %s: %+v, want %d shown and %d unknown", step.goes, v, step.shown, step.unknown)
		}
	}
}

// TestTooMany has one container more than are read.
func TestTooMany(t *testing.T) {
	o, folder := machine(t), logs(t)
	for i := range MaxContainers + 1 {
		id := fmt.Sprintf("%064x", i)
		dir := filepath.Join(o.Cgroup, "kubepods.slice/kubepods-podc0de.slice/cri-containerd-"+id+".scope")
		if err := os.Mkdir(filepath.Dir(dir), 0o755); err != nil && i == 0 {
			t.Fatal(err)
		}
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.threads"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/", filepath.Join(folder, "web_shop_app-"+id+".log")); err != nil {
			t.Fatal(err)
		}
	}
	v := watch(t, o, folder).Look()
	if v.Problem != "" || len(v.Containers) != MaxContainers || !strings.Contains(why(v)[tooMany], "more than 2000") {
		t.Errorf("problem %q, %d containers, absent %+v", v.Problem, len(v.Containers), v.Absent)
	}
}

// TestComesBack starts without cgroups, which come later.
func TestComesBack(t *testing.T) {
	o := machine(t)
	away := o.Cgroup + ".away"
	if err := os.Rename(o.Cgroup, away); err != nil {
		t.Fatal(err)
	}
	w := watch(t, o, logs(t, "web_shop_app-"+first+".log"))
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
