package vmnode_test

import (
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster/vmnode"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

const (
	// limit is the burner's CPU limit in cores, at first.
	limit = 0.5
	// memoryLimit is that of the pod that rereads a file of twice the size.
	memoryLimit = 32 << 20
)

// loads are the pods with a known load.
var loads = []string{"burner", "rereader", "idle"}

// The series of a container that are looked at, without the prefix that all have, with the values of the labels that are not names.
const (
	used       = "cpu_seconds_total"
	limited    = "cpu_limit_cores"
	periods    = "cpu_periods_total"
	stopped    = "cpu_throttled_periods_total"
	throttled  = "cpu_throttled_seconds_total"
	cpuSome    = "pressure_seconds_total/cpu/some"
	cpuFull    = "pressure_seconds_total/cpu/full"
	memorySome = "pressure_seconds_total/memory/some"
	ioSome     = "pressure_seconds_total/io/some"
	waited     = "run_queue_seconds_total"
	memoryUse  = "memory_bytes"
	hits       = "memory_limit_hits_total"
	kills      = "memory_kills_total"
	age        = "reading_age_seconds"
)

// testAgent puts ballast-node on the node by its manifests and waits until the node's object says that all there is of the kernel is read.
func testAgent(t *testing.T, s *suite) {
	nodesuite.Agents{
		Manifests: "../../manifests/node", ControlPlane: vmnode.ControlPlaneAddress, Field: "nodeName", Value: vmnode.Name,
	}.Apply(t, s.Cluster)
	s.agent = nodesuite.AwaitPod(t, s.client, soon, nodesuite.AgentNamespace, metav1.ListOptions{})
	nodesuite.AwaitObject(t, s.Cluster, soon, vmnode.Name, func(object *v1alpha1.NodeIsolation) string {
		if object.Status.Mode == "" || len(object.Status.Absent) == 0 {
			return "NodeIsolation has no status"
		}
		for _, absent := range object.Status.Absent {
			switch absent.Signal {
			case "use", "throttling", "memory", "cpu pressure", "memory pressure", "io pressure", "run queue delay", "names of containers":
				return fmt.Sprintf("NodeIsolation says that %s is absent: %s", absent.Signal, absent.Why)
			}
		}
		t.Logf("figure: NodeIsolation says is absent: %+v", object.Status.Absent)
		return ""
	})
}

// bound says in which range a series grows in a second, or, for a gauge, is.
type bound struct {
	series      string
	gauge       bool
	least, most float64
}

// almost is how much of a second may have gone in a second where nothing should: the kubelet does something in each container now and then.
const almost = 0.05

// cores returns the resources of a container with the same CPU request and limit: with the weight that comes with it, it gets what it may use,
// whatever the node's other processes do.
func cores(n float64) v1.ResourceRequirements {
	list := v1.ResourceList{v1.ResourceCPU: *resource.NewMilliQuantity(int64(n*1000), resource.DecimalSI)}
	return v1.ResourceRequirements{Requests: list, Limits: list}
}

// testCounters holds what ballast-node says of three containers against what they do, and against what the kernel says before and after.
func testCounters(t *testing.T, s *suite) {
	s.pods["witness"] = s.run(t, newPod("witness", v1.ResourceRequirements{}))
	s.pods["burner"] = s.run(t, newPod("burner", cores(limit), "burn"))
	s.pods["idle"] = s.run(t, newPod("idle", cores(limit)))
	s.pods["rereader"] = s.run(t, newPod("rereader", v1.ResourceRequirements{
		Requests: v1.ResourceList{v1.ResourceCPU: resource.MustParse("50m")},
		Limits:   v1.ResourceList{v1.ResourceMemory: *resource.NewQuantity(memoryLimit, resource.BinarySI)},
	}, "reread", "/data/file", strconv.Itoa(2*memoryLimit)))
	client := nodesuite.ReaderClient(t, s.Cluster)
	before := s.kernel(t)
	first := s.look(t, client, loads...)
	second := s.look(t, client, loads...)
	after := s.kernel(t)
	for _, pod := range loads {
		for name, least := range before[pod] {
			if a, b, most := first[pod][name], second[pod][name], after[pod][name]; a < least-1e-6 || b < a || b > most+1e-6 {
				t.Errorf("%s of %s is %v and %v by ballast-node, want that between %v and %v, what the kernel said before and after", name, pod, a, b, least, most)
			}
		}
	}
	checkGrowth(t, first, second, "burner", []bound{
		{limited, true, limit, limit},
		{used, false, 0.4 * limit, 1.1 * limit},
		{periods, false, 8, 10.5},      // of 100 ms
		{stopped, false, 2, 10.5},      // in each of them it is stopped, if the node's other processes leave it what it may use
		{throttled, false, 0.1, 2},     // half of the time, on one or two CPUs
		{cpuSome, false, 0.2, 0.9},     // then its thread waits
		{cpuFull, false, 0.2, 0.9},     // and it has no other that computes
		{waited, false, 0.2, 5},        // those of the language's run time wait too
		{ioSome, false, 0, almost},     // it reads nothing
		{memorySome, false, 0, almost}, // and needs no memory
		{hits, false, 0, 0},
		{kills, true, 0, 0},
	})
	checkGrowth(t, first, second, "idle", []bound{
		{limited, true, limit, limit},
		{used, false, 0, almost},
		{stopped, false, 0, 0},
		{throttled, false, 0, 0},
		{cpuSome, false, 0, almost},
		{waited, false, 0, almost},
		{ioSome, false, 0, almost},
		{memorySome, false, 0, almost},
		{hits, false, 0, 0},
		{kills, true, 0, 0},
	})
	checkGrowth(t, first, second, "rereader", []bound{
		{limited, true, 0, 0}, // no series
		{used, false, 0.02, 2},
		{stopped, false, 0, 0},
		{memoryUse, true, 0.5 * memoryLimit, memoryLimit},
		{memorySome, false, 0.0001, 1}, // pages that it has just read have to go
		{ioSome, false, 0.0001, 1},     // and are read again
		{kills, true, 0, 0},
	})
	// The pod's cgroup has the sum of its containers' limits, and the memory of the sandbox besides: with one container, the pod's limit is met
	// first, and counts. An allocation that meets the limit of a cgroup is no event of those below.
	met := number(t, s.files(t, []string{"rereader"}, "../memory.events")["rereader ../memory.events"], "max")
	if met == 0 {
		t.Error("the rereader's pod did not meet its memory limit")
	}
	for _, pod := range []string{"rereader", "idle"} { // the burner shall have the CPUs
		if err := s.client.CoreV1().Pods("default").Delete(t.Context(), pod, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	t.Logf("figure: the memory limit was met %v times by the rereader's pod, %v by its container", met, after["rereader"][hits])
}

// looked is what was read of each container, by pod, and when by the machine's clock.
type looked map[string]nodesuite.Figures

// readAt is the series under which look puts when the container's counters were read, in seconds since some moment.
const readAt = "read at"

// checkGrowth compares two looks at a pod's container with the bounds. Those above are what a limit allows, and a little more, as readings take
// time. Those below are wide: on a busy machine the emulated CPUs stand still now and then, and the node's own processes have their part of
// them. That the numbers are the right ones, the kernel's own say.
func checkGrowth(t *testing.T, first, second looked, pod string, bounds []bound) {
	t.Helper()
	a, b := first[pod], second[pod]
	during := b[readAt] - a[readAt]
	var figures []string
	for _, bound := range bounds {
		got, there := b[bound.series]
		if !there && bound.least > 0 {
			t.Errorf("ballast-node has no %s of %s", bound.series, pod)
		}
		if !bound.gauge {
			got = (got - a[bound.series]) / during
		}
		figures = append(figures, fmt.Sprintf("%s %.4g", bound.series, got))
		if got < bound.least || got > bound.most {
			t.Errorf("%s of %s is %.4g (a second, if it counts up), want it in [%.4g, %.4g]", bound.series, pod, got, bound.least, bound.most)
		}
	}
	t.Logf("figure: %s in %.1f s: %s", pod, during, strings.Join(figures, ", "))
}

// kernel reads those series of the pods with a load that only grow, from their containers' cgroups.
func (s *suite) kernel(t *testing.T) looked {
	t.Helper()
	got := s.files(t, loads, "cpu.stat", "cpu.pressure", "memory.pressure", "io.pressure", "memory.events")
	out := looked{}
	for _, pod := range loads {
		number := func(file, key string) float64 { return number(t, got[pod+" "+file], key) }
		out[pod] = map[string]float64{
			used: number("cpu.stat", "usage_usec") / 1e6, periods: number("cpu.stat", "nr_periods"),
			stopped: number("cpu.stat", "nr_throttled"), throttled: number("cpu.stat", "throttled_usec") / 1e6,
			cpuSome: number("cpu.pressure", "some") / 1e6, cpuFull: number("cpu.pressure", "full") / 1e6,
			memorySome: number("memory.pressure", "some") / 1e6, ioSome: number("io.pressure", "some") / 1e6,
			hits: number("memory.events", "max"), kills: number("memory.events", "oom_kill"),
		}
	}
	return out
}

// number is the last number of the line that begins with the key.
func number(t *testing.T, text, key string) float64 {
	t.Helper()
	for line := range strings.Lines(text) {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '=' || r == '\n' })
		if words[0] != key {
			continue
		}
		value, err := strconv.ParseFloat(words[len(words)-1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	t.Fatalf("no line %s in %q", key, text)
	return 0
}

// files reads files in the cgroups of the pods' containers, by pod and file with a blank between. They are read in another pod, which sees the
// node's cgroups: what is started in a container itself would count there. The path is what the kubelet makes of a pod of this class
// without systemd.
func (s *suite) files(t *testing.T, pods []string, files ...string) map[string]string {
	t.Helper()
	args, of := []string{"exec", "witness", "--", "/workload", "lines"}, map[string]string{}
	for _, pod := range pods {
		id := strings.TrimPrefix(s.pods[pod].Status.ContainerStatuses[0].ContainerID, "containerd://")
		for _, file := range files {
			name := path.Join("/cgroup/kubepods/burstable", "pod"+string(s.pods[pod].UID), id, file)
			args, of[name] = append(args, name), pod+" "+file
		}
	}
	text, err := s.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, " ")
		if of[name] == "" {
			t.Fatalf("line %q", line)
		}
		out[of[name]] += rest
	}
	return out
}

// look returns what ballast-node's metrics say after it has looked at the pods' containers once more since now.
func (s *suite) look(t *testing.T, client *http.Client, pods ...string) (shown looked) {
	t.Helper()
	now := clock()
	component.Eventually(t, soon, func() (problem string) {
		if shown, problem = s.scrape(t, client); problem != "" {
			return problem
		}
		for _, pod := range pods {
			if shown[pod] == nil || shown[pod][readAt] < now {
				return "ballast-node has not looked at " + pod + " since"
			}
		}
		return ""
	})
	return shown
}

// began is what clock counts from.
var began = time.Now()

// clock is the time in seconds.
func clock() float64 { return time.Since(began).Seconds() }

// scrape reads the agent's metrics by pod, or says why it cannot.
func (s *suite) scrape(t *testing.T, client *http.Client) (found looked, problem string) {
	t.Helper()
	at := clock() // at the latest: the answer takes a fraction of a second
	if found, problem = nodesuite.Scrape(t, client, s.agent); problem != "" {
		return nil, problem
	}
	for _, series := range found {
		series[readAt] = at - series[age]
	}
	return found, ""
}
