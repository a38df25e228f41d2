package realnodes_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

const (
	// victimLimit is the CPU that the victim may use, of which it would use more: so the kernel stops it now and then.
	victimLimit = 0.1
	// pressured is the series of the time in which a container's tasks waited for a CPU, with the values of its labels.
	pressured = "pressure_seconds_total/cpu/some"
	waited    = "run_queue_seconds_total"
)

// series are those of one container by name, without the prefix that all have, with the values of the labels that are not names.
type series = nodesuite.Figures

// testReport runs a victim and an antagonist on a node, and compares what ballast-node's metrics say of them with the kernel's files.
func testReport(t *testing.T, s *suite) {
	s.startAddons(context.WithoutCancel(t.Context())) // for the next test: this one mostly waits
	victim := newPod("victim", s.nodes[0].Name, small, "serve", work.String())
	victim.Spec.Containers[0].Resources.Limits = v1.ResourceList{v1.ResourceCPU: *resource.NewMilliQuantity(victimLimit*1000, resource.DecimalSI)}
	victim = s.startPod(t, victim)
	antagonist := s.startPod(t, newPod("antagonist", s.nodes[0].Name, small, "burn", strconv.Itoa(runtime.NumCPU())))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go hammer(ctx, "http://"+victim.Status.PodIP+":8080/")

	pods := []*v1.Pod{victim, antagonist}
	client := nodesuite.ReaderClient(t, s.Cluster)
	first, from := s.look(t, client, pods)
	second, to := s.look(t, client, pods)
	checkUse(t, victim, first, second, to.Sub(from), victimLimit)
	checkUse(t, antagonist, first, second, to.Sub(from), 0)
	s.checkNames(t, client)
	s.checkAbsent(t, second)
	s.checkAgents(t)
	stop()
	s.deletePod(t, victim.Name)
	s.deletePod(t, antagonist.Name)
}

// checkUse holds two looks at a container against what it does, with a limit in cores or, without one, 0. How much it uses the kernel's files say
// exactly, see look: here only the order of it is checked, because others may use the machine too.
func checkUse(t *testing.T, pod *v1.Pod, first, second map[string]series, during time.Duration, limit float64) {
	t.Helper()
	a, b := first[pod.Name], second[pod.Name]
	grown := series{}
	for name := range b {
		grown[name] = b[name] - a[name]
	}
	cores := grown["cpu_seconds_total"] / during.Seconds()
	t.Logf("figure: ballast-node on %s says of %s, %s: %.2f cores, stopped in %.0f of %.0f periods, waited %.1f s by pressure and %.1f s by run queues, %.1f MB",
		pod.Spec.NodeName, pod.Name, during.Round(100*time.Millisecond), cores, grown["cpu_throttled_periods_total"], grown["cpu_periods_total"],
		grown[pressured], grown[waited], b["memory_bytes"]/1e6)
	most := limit
	if limit == 0 {
		most = float64(runtime.NumCPU())
	}
	if cores < 0.01 || cores > 1.5*most {
		t.Errorf("%s uses %.3f cores, want more than nothing and not more than %.1f", pod.Name, cores, most)
	}
	if b["cpu_limit_cores"] != limit { // without a series it is 0
		t.Errorf("%s has the limit %v, want %v", pod.Name, b["cpu_limit_cores"], limit)
	}
	if stopped := grown["cpu_throttled_periods_total"]; (stopped > 0) != (limit > 0) {
		t.Errorf("%s, with the limit %v, was stopped in %v periods", pod.Name, limit, stopped)
	}
	if _, there := b[waited]; there && grown[waited] <= 0 {
		t.Errorf("%s did not wait for a CPU", pod.Name)
	}
}

// hammer sends requests one after the other until the context ends.
func hammer(ctx context.Context, url string) {
	for ctx.Err() == nil {
		if get(ctx, http.DefaultClient, url) != nil {
			time.Sleep(10 * time.Millisecond) // it does not serve yet
		}
	}
}

// look waits for the next time that the first node's agent looks at its containers and returns what its metrics say then, by pod, and when. What
// counts up must lie between what the kernel says before and after.
func (s *suite) look(t *testing.T, client *http.Client, pods []*v1.Pod) (shown map[string]series, at time.Time) {
	t.Helper()
	last := pods[len(pods)-1].Name
	read := func() map[string]series {
		out := map[string]series{}
		for _, pod := range pods {
			out[pod.Name] = s.kernel(t, pod)
		}
		return out
	}
	before := read() // first: whatever is new in the metrics after the first scrape was looked at later
	var old map[string]series
	component.Eventually(t, soon, func() (problem string) {
		old, problem = nodesuite.Scrape(t, client, &s.agents[0])
		return problem
	})
	component.Eventually(t, soon, func() (problem string) {
		if shown, problem = nodesuite.Scrape(t, client, &s.agents[0]); problem != "" {
			return problem
		}
		at = time.Now()
		if is, was := shown[last], old[last]; is == nil || was != nil && is["cpu_seconds_total"] == was["cpu_seconds_total"] {
			return "ballast-node has not looked at " + last
		}
		return ""
	})
	after := read()
	for _, pod := range pods {
		for name, least := range before[pod.Name] {
			// The files are in whole microseconds on v2.
			if got, there := shown[pod.Name][name]; !there || got < least-2e-6 || got > after[pod.Name][name]+2e-6 {
				t.Errorf("%s of %s is %v (%t), want it between %v and %v, as the kernel says before and after", name, pod.Name, got, there, least,
					after[pod.Name][name])
			}
		}
		if memory := shown[pod.Name]["memory_bytes"]; memory < 100e3 || memory > 200e6 {
			t.Errorf("%s has %v bytes", pod.Name, memory)
		}
	}
	return shown, at
}

// kernel reads those series of a pod's container that only grow, where the machine has them.
func (s *suite) kernel(t *testing.T, pod *v1.Pod) series {
	t.Helper()
	out := series{}
	for _, file := range []struct {
		name, key, series string
		v2                bool
		unit              float64
	}{
		{"cpuacct.usage", "", "cpu_seconds_total", false, 1e-9},
		{"cpu.stat", "throttled_time", "cpu_throttled_seconds_total", false, 1e-9},
		{"cpu.stat", "usage_usec", "cpu_seconds_total", true, 1e-6},
		{"cpu.stat", "throttled_usec", "cpu_throttled_seconds_total", true, 1e-6},
		{"cpu.stat", "nr_periods", "cpu_periods_total", false, 1},
		{"cpu.stat", "nr_throttled", "cpu_throttled_periods_total", false, 1},
		{"cpu.stat", "nr_periods", "cpu_periods_total", true, 1},
		{"cpu.stat", "nr_throttled", "cpu_throttled_periods_total", true, 1},
		{"cpu.pressure", "some", pressured, true, 1e-6},
	} {
		dir, err := s.cgroup(pod, strings.SplitN(file.name, ".", 2)[0], file.v2)
		if err != nil {
			continue // a hierarchy that the machine does not have
		}
		text, err := os.ReadFile(filepath.Join(dir, file.name))
		if err != nil {
			continue
		}
		value, there := number(text, file.key)
		if _, known := out[file.series]; there && !known { // a v2 hierarchy beside v1 counts use too
			out[file.series] = value * file.unit
		}
	}
	if _, there := out["cpu_seconds_total"]; !there {
		t.Fatalf("the kernel has no use of %s", pod.Name)
	}
	return out
}

// number is the last number of the line that begins with the key, or of all if the key is empty.
func number(text []byte, key string) (float64, bool) {
	for line := range bytes.Lines(text) {
		fields := strings.FieldsFunc(string(line), func(r rune) bool { return r == ' ' || r == '=' || r == '\n' })
		if len(fields) > 0 && (key == "" || fields[0] == key) {
			value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			return value, err == nil
		}
	}
	return 0, false
}

// cgroup is the folder of the pod's first container in the v1 hierarchy of the controller, or in that of v2.
func (s *suite) cgroup(pod *v1.Pod, controller string, v2 bool) (string, error) {
	hierarchies, err := sandbox.Hierarchies()
	if err != nil {
		return "", err
	}
	id := pod.Status.ContainerStatuses[0].ContainerID
	id = id[strings.LastIndex(id, "/")+1:]
	for _, h := range hierarchies {
		if h.V2 != v2 || !v2 && !h.Has(controller) {
			continue
		}
		for _, node := range s.nodes {
			if node.Name != pod.Spec.NodeName {
				continue
			}
			dirs, err := filepath.Glob(filepath.Join(h.Mount, node.Cgroup, "kubepods", "*", "pod"+string(pod.UID), id))
			if err != nil || len(dirs) != 1 {
				return "", fmt.Errorf("the cgroup of %s was found %d times below %s, want once: %w", pod.Name, len(dirs), node.Cgroup, err)
			}
			return dirs[0], nil
		}
	}
	return "", fmt.Errorf("no cgroup hierarchy with the controller %s (v2: %t), or %s is on no node of ours", controller, v2, pod.Name)
}

// checkNames looks for whom each agent tells of: all cgroups of the machine are before its eyes, those of the other node too. Its names,
// from the kubelet's files, are those that the API server knows, which it may not ask.
func (s *suite) checkNames(t *testing.T, client *http.Client) {
	t.Helper()
	for i, want := range [][]string{{"antagonist", s.agents[0].Name, "victim"}, {s.agents[1].Name}} {
		component.Eventually(t, soon, func() string {
			found, problem := nodesuite.Scrape(t, client, &s.agents[i])
			if got := slices.Sorted(maps.Keys(found)); problem == "" && !slices.Equal(got, want) {
				problem = fmt.Sprintf("ballast-node on %s tells of %q, want %q", s.nodes[i].Name, got, want)
			}
			return problem
		})
		component.Eventually(t, soon, func() string {
			body, err := component.Get(t.Context(), client, nodesuite.MetricsURL(&s.agents[i]))
			if err != nil {
				return err.Error()
			}
			list, err := s.client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + s.nodes[i].Name})
			if err != nil || len(list.Items) != len(want) {
				return fmt.Sprintf("%d pods on %s, want %d: %v", len(list.Items), s.nodes[i].Name, len(want), err)
			}
			for _, pod := range list.Items {
				who := fmt.Sprintf("node_agent_container_memory_bytes{container=%q,namespace=%q,pod=%q,uid=%q} ", pod.Spec.Containers[0].Name,
					pod.Namespace, pod.Name, pod.UID)
				if !strings.Contains(body, "\n"+who) {
					return "the metrics are without " + who
				}
			}
			return ""
		})
	}
}

// checkAbsent holds what the node's object calls absent against the metrics: a signal is either there or called absent.
func (s *suite) checkAbsent(t *testing.T, shown map[string]series) {
	t.Helper()
	nodesuite.AwaitObject(t, s.Cluster, soon, s.nodes[0].Name, func(o *v1alpha1.NodeIsolation) string {
		why := map[string]string{}
		for _, a := range o.Status.Absent {
			why[a.Signal] = a.Why
		}
		if why["resctrl"] == "" || o.Status.Mode != string(v1alpha1.Active) {
			return fmt.Sprintf("mode %q, absent %+v, want %s and resctrl", o.Status.Mode, o.Status.Absent, v1alpha1.Active)
		}
		for signal, name := range map[string]string{
			"use": "cpu_seconds_total", "throttling": "cpu_periods_total", "memory": "memory_bytes", "run queue delay": waited,
			"cpu pressure": pressured, "memory pressure": "pressure_seconds_total/memory/some", "io pressure": "pressure_seconds_total/io/some",
		} {
			if _, there := shown["antagonist"][name]; there == (why[signal] != "") {
				return fmt.Sprintf("%s is shown: %t, and absent because %q", name, there, why[signal])
			}
		}
		return ""
	})
}
