package node_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/component"
)

// testWithoutResctrl is the main case on cloud machines.
func testWithoutResctrl(t *testing.T, s *suite) {
	s.start(t, "agent-plain", plain, filepath.Join(s.machine.root, "none"), s.machine.logs())
	const sentence = "The processor neither divides nor counts cache and memory bandwidth"
	o := s.await(t, plain, condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonWorking, "cgroup v2"))
	for _, problem := range []string{
		condition(v1alpha1.ConditionBlind, metav1.ConditionTrue, v1alpha1.ReasonNoResctrl, sentence)(o),
		applied(metav1.ConditionFalse, v1alpha1.ReasonNoResctrl, sentence)(o),
	} {
		if problem != "" {
			t.Error(problem)
		}
	}
	if len(o.Status.Absent) == 0 || o.Status.Absent[0].Signal != "resctrl" || !strings.HasPrefix(o.Status.Absent[0].Why, sentence) {
		t.Errorf("absent %+v, want resctrl with the reason", o.Status.Absent)
	}
	if o.Status.Capacity != nil || o.Status.LastReport == nil {
		t.Errorf("capacity %+v, last report %v", o.Status.Capacity, o.Status.LastReport)
	}
	if err := s.want(t.Context(), plain, `[{"name":"lc","caches":[{"cache":"L3","ways":4}]}]`); err != nil {
		t.Fatal(err)
	}
	s.await(t, plain, applied(metav1.ConditionFalse, v1alpha1.ReasonNoResctrl, "1 partitions are wanted.", sentence))
}

// testContainers links the container of the machine as a kubelet does, to a log that is not there, and looks for it in the metrics.
func testContainers(t *testing.T, s *suite) {
	a := s.agents[0]
	link := filepath.Join(s.machine.logs(), "web_default_app-"+containerID+".log")
	if err := os.Symlink("/var/log/pods/default_web_0a1b2c3d-0000-1111-2222-333344445555/app/0.log", link); err != nil {
		t.Fatal(err)
	}
	const who = `{container="app",namespace="default",pod="web",uid="0a1b2c3d-0000-1111-2222-333344445555"}`
	var body string
	component.Eventually(t, soon, func() string {
		var err error
		if body, err = component.Get(t.Context(), s.http, a.base+"/metrics"); err != nil {
			return err.Error()
		}
		for _, sample := range []string{
			"node_agent_container_cpu_seconds_total" + who + " 1.5", "node_agent_container_cpu_limit_cores" + who + " 0.5",
			"node_agent_container_cpu_throttled_seconds_total" + who + " 0.25", "node_agent_container_memory_bytes" + who,
			"node_agent_container_run_queue_seconds_total" + who + " 0", `node_agent_collector_success{source="cgroups"} 1`,
			`node_agent_collector_success{source="names"} 1`,
		} {
			if !strings.Contains(body, "\n"+sample) {
				return "the metrics are without " + sample
			}
		}
		return ""
	})
	if strings.Contains(body, "node_agent_container_pressure_seconds_total{") {
		t.Error("there is a series of pressure, which the machine does not count")
	}
	s.await(t, plain, func(o *v1alpha1.NodeIsolation) string {
		for _, m := range o.Status.Absent {
			if m.Signal == "cpu pressure" && m.Why != "" {
				return ""
			}
		}
		return fmt.Sprintf("absent %+v, want cpu pressure", o.Status.Absent)
	})
	if _, err := component.Get(t.Context(), &http.Client{Transport: anonymous(s.http)}, a.base+"/metrics"); err == nil {
		t.Error("anybody may read the metrics")
	}
}

// anonymous is a transport that accepts any certificate and shows none.
func anonymous(client *http.Client) http.RoundTripper {
	transport := client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.Certificates, transport.TLSClientConfig.GetClientCertificate = nil, nil
	return transport
}

func testNothingWanted(t *testing.T, s *suite) {
	s.kept = s.start(t, "agent-divided", divided, s.machine.resctrl(), filepath.Join(s.machine.root, "none"))
	o := s.await(t, divided, applied(metav1.ConditionTrue, v1alpha1.ReasonNothingWanted))
	nameless(t, s, o)
	// 8 classes, as the poorer resource has, of which the default group takes one.
	c := o.Status.Capacity
	if c == nil || c.Classes != 8 || c.ClassesLeft != 7 || len(c.Resources) != 2 {
		t.Fatalf("capacity %+v", c)
	}
	if l3 := c.Resources[0]; l3.Name != "L3" || l3.Ways != 20 || l3.MinWays != 1 || l3.DeviceWays != "18-19" || l3.Domains != "0-1" || l3.WayBytes != 57671680/20 {
		t.Errorf("L3 %+v", l3)
	}
	g := o.Status.Groups
	if len(g) != 1 || g[0].Name != "." || len(g[0].Domains) != 2 || g[0].Domains[0].OccupancyBytes == nil || *g[0].Domains[0].OccupancyBytes != 983040 {
		t.Errorf("groups %+v, want the default group with an occupancy of 983040 bytes", g)
	}
}

// nameless holds what an agent says that does not find the kubelet's links.
func nameless(t *testing.T, s *suite, o *v1alpha1.NodeIsolation) {
	t.Helper()
	for _, problem := range []string{
		condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonWorking, "without their names", "no such file")(o),
		condition(v1alpha1.ConditionBlind, metav1.ConditionTrue, v1alpha1.ReasonNoContainers, "by their pods' UIDs only")(o),
	} {
		if problem != "" {
			t.Error(problem)
		}
	}
	if !slices.ContainsFunc(o.Status.Absent, func(a v1alpha1.AbsentSignal) bool {
		return a.Signal == "names of containers" && strings.Contains(a.Why, "no such file")
	}) {
		t.Errorf("absent %+v, want the names of containers", o.Status.Absent)
	}
	body, err := component.Get(t.Context(), s.http, s.kept.base+"/metrics")
	const who = `{container="` + containerID + `",namespace="",pod="",uid="0a1b2c3d-0000-1111-2222-333344445555"} 1.5`
	if err != nil || !strings.Contains(body, "\nnode_agent_container_cpu_seconds_total"+who) {
		t.Errorf("%v, or the metrics are without %s", err, who)
	}
}

func testDivides(t *testing.T, s *suite) {
	if err := s.want(t.Context(), divided, `[{"name":"lc","caches":[{"cache":"L3","from":0,"to":12}]},
		{"name":"batch","caches":[{"cache":"L3","ways":4}],"bandwidth":[{"percent":35}]}]`); err != nil {
		t.Fatal(err)
	}
	o := s.await(t, divided, applied(metav1.ConditionTrue, v1alpha1.ReasonInForce, "2 partitions"))
	// Ways 0 to 11 are fff; the next four, away from those of devices, f000. 35 % is kept by the step of 10 below it.
	for group, want := range map[string]string{"ballast-lc": "MB:0=100;1=100 L3:0=fff;1=fff", "ballast-batch": "MB:0=30;1=30 L3:0=f000;1=f000"} {
		if got := ordered(s.machine.schemata(group)); got != ordered(want) {
			t.Errorf("%s has %q, want %q", group, got, want)
		}
	}
	if len(o.Status.Groups) != 3 || o.Status.Capacity.ClassesLeft != 5 {
		t.Errorf("groups %+v, %d classes left", o.Status.Groups, o.Status.Capacity.ClassesLeft)
	}
}

// ordered sorts the lines of schemata, which kernels do in their own order.
func ordered(lines string) string {
	a, b, _ := strings.Cut(lines, " ")
	return min(a, b) + " " + max(a, b)
}

func testChangedWish(t *testing.T, s *suite) {
	if err := s.want(t.Context(), divided, `[{"name":"lc","caches":[{"cache":"L3","from":0,"to":8}]}]`); err != nil {
		t.Fatal(err)
	}
	s.await(t, divided, applied(metav1.ConditionTrue, v1alpha1.ReasonInForce, "1 partitions"))
	if got := s.machine.schemata("ballast-lc"); !strings.Contains(got, "L3:0=ff;1=ff") {
		t.Errorf("ballast-lc has %q", got)
	}
	if got := s.machine.schemata("ballast-batch"); got != "" {
		t.Errorf("ballast-batch is still there: %q", got)
	}
}

// testRefused asks for what no machine and what this machine cannot do.
func testRefused(t *testing.T, s *suite) {
	for partitions, want := range map[string]string{
		`[{"name":"A"}]`: "should match",
		`[{"name":"a","caches":[{"cache":"L3"}]}]`:                          "give either ways, or from and to",
		`[{"name":"a","caches":[{"cache":"L3","ways":2,"from":0,"to":2}]}]`: "give either ways, or from and to",
		`[{"name":"a","caches":[{"cache":"L3","from":4,"to":4}]}]`:          "from must be less than to",
		`[{"name":"a","caches":[{"cache":"L3","from":4}]}]`:                 "from and to belong together",
		`[{"name":"a","caches":[{"cache":"L4","ways":2}]}]`:                 "supported values",
		`[{"name":"a","bandwidth":[{"percent":10,"mbps":100}]}]`:            "give either percent or mbps",
		`[{"name":"a","bandwidth":[{"percent":0}]}]`:                        "greater than or equal to 1",
		`[{"name":"a"},{"name":"a"}]`:                                       "Duplicate value",
		`[{"name":"a","caches":[{"cache":"L3","ways":2,"domains":[1,1]}]}]`: "Duplicate value",
		`[{"name":"a","caches":[{"cache":"L3","ways":33}]}]`:                "less than or equal to 32",
		`[{"name":"a","bandwidth":[{"resource":"GPU","percent":10}]}]`:      "supported values",
	} {
		if err := s.want(t.Context(), divided, partitions); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", partitions, err, want)
		}
	}
	if err := s.want(t.Context(), divided, `[{"name":"lc","caches":[{"cache":"L3","ways":21}]}]`); err != nil {
		t.Fatal(err)
	}
	s.await(t, divided, applied(metav1.ConditionFalse, v1alpha1.ReasonInvalidSpec, "lc", "20", "Groups stay as they are"))
	if got := s.machine.schemata("ballast-lc"); !strings.Contains(got, "L3:0=ff;1=ff") {
		t.Errorf("ballast-lc has %q, want what it had", got)
	}
}

func testSwitch(t *testing.T, s *suite) {
	position := &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.SwitchName}, Data: map[string]string{v1alpha1.SwitchKey: "shadow"}}
	maps := s.client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
	if _, err := maps.Create(t.Context(), position, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	component.Eventually(t, 10*time.Second, func() string { // the bound that the switch promises
		body, err := component.Get(t.Context(), s.http, s.kept.base+"/metrics")
		if err != nil {
			return err.Error()
		}
		if !strings.Contains(body, "\n"+`node_agent_mode{mode="shadow"} 1`) {
			return "the agent is not in shadow"
		}
		return ""
	})
	if err := s.want(t.Context(), divided, `[{"name":"lc","caches":[{"cache":"L3","ways":6}]}]`); err != nil {
		t.Fatal(err)
	}
	o := s.await(t, divided, applied(metav1.ConditionFalse, v1alpha1.ReasonShadow, "1 steps"))
	if !strings.Contains(o.Status.Plan, "ballast-lc: L3:0=3f;1=3f") {
		t.Errorf("plan %q", o.Status.Plan)
	}
	if got := s.machine.schemata("ballast-lc"); !strings.Contains(got, "L3:0=ff;1=ff") {
		t.Errorf("ballast-lc has %q in shadow, want what it had", got)
	}
	position.Data[v1alpha1.SwitchKey] = "off"
	if _, err := maps.Update(t.Context(), position, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.await(t, divided, applied(metav1.ConditionFalse, v1alpha1.ReasonOff))
	if err := maps.Delete(t.Context(), v1alpha1.SwitchName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.await(t, divided, applied(metav1.ConditionTrue, v1alpha1.ReasonInForce))
	if got := s.machine.schemata("ballast-lc"); !strings.Contains(got, "L3:0=3f;1=3f") {
		t.Errorf("ballast-lc has %q", got)
	}
}

// testRestart changes a group while no agent runs. A group of somebody else is left alone. The agent finds the names of containers now.
func testRestart(t *testing.T, s *suite) {
	s.kept.Stop()
	if got := s.machine.schemata("ballast-lc"); !strings.Contains(got, "L3:0=3f;1=3f") {
		t.Fatalf("ballast-lc has %q after the agent's end, want what it had", got)
	}
	if err := os.WriteFile(filepath.Join(s.machine.resctrl(), "ballast-lc", "schemata"), []byte("L3:0=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.kept = s.start(t, "agent-restarted", divided, s.machine.resctrl(), s.machine.logs())
	component.Eventually(t, soon, func() string {
		if got := s.machine.schemata("ballast-lc"); !strings.Contains(got, "L3:0=3f;1=3f") {
			return "ballast-lc has " + got
		}
		return ""
	})
	s.await(t, divided, condition(v1alpha1.ConditionBlind, metav1.ConditionFalse, v1alpha1.ReasonSeen))
}

// testOutage changes a group while the agent does not reach the API server: the last wish stays in force.
func testOutage(t *testing.T, s *suite) {
	s.line.cut()
	if err := os.WriteFile(filepath.Join(s.machine.resctrl(), "ballast-lc", "schemata"), []byte("L3:0=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// The write may fall between the agent's own and its read-back: it takes that for a refusal and tries again after a minute.
	component.Eventually(t, time.Minute+soon, func() string {
		if got := s.machine.schemata("ballast-lc"); !strings.Contains(got, "L3:0=3f;1=3f") {
			return "ballast-lc has " + got
		}
		return ""
	})
	if err := s.want(t.Context(), divided, `[{"name":"lc","caches":[{"cache":"L3","ways":7}]}]`); err != nil {
		t.Fatal(err)
	}
	if _, err := component.Get(t.Context(), s.http, s.kept.base+"/healthz"); err != nil {
		t.Error(err)
	}
	s.line.mend(t)
	s.await(t, divided, applied(metav1.ConditionTrue, v1alpha1.ReasonInForce))
	if got := s.machine.schemata("ballast-lc"); !strings.Contains(got, "L3:0=7f;1=7f") {
		t.Errorf("ballast-lc has %q", got)
	}
}

// testDeletedObject deletes the node's object: the agent makes another, which wants nothing, and its groups go.
func testDeletedObject(t *testing.T, s *suite) {
	before, err := s.isolation(t.Context(), divided)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.objects.Resource(v1alpha1.NodeIsolations).Delete(t.Context(), divided, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	o := s.await(t, divided, applied(metav1.ConditionTrue, v1alpha1.ReasonNothingWanted))
	if o.UID == before.UID {
		t.Error("the object is the old one")
	}
	s.belongs(t, o, divided)
	if got := s.machine.schemata("ballast-lc"); got != "" {
		t.Errorf("ballast-lc is still there: %q", got)
	}
}

// belongs checks that an object has its Node as the owner, and nothing else.
func (s *suite) belongs(t *testing.T, o *v1alpha1.NodeIsolation, node string) {
	t.Helper()
	n, err := s.client.CoreV1().Nodes().Get(t.Context(), node, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: node, UID: n.UID}}
	if diff := cmp.Diff(want, o.OwnerReferences); diff != "" {
		t.Errorf("owners, -want +got:\n%s", diff)
	}
}

// testRemovedNode removes two nodes, as an autoscaler does: the object that an agent made goes with its own, by the cluster's garbage collector;
// one that a person made stays.
func testRemovedNode(t *testing.T, s *suite) {
	objects := s.objects.Resource(v1alpha1.NodeIsolations)
	applied := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "NodeIsolation", "metadata": map[string]any{"name": wanted},
	}}
	if _, err := objects.Create(t.Context(), applied, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var gone []*agent
	for _, node := range []string{leaving, wanted} {
		s.node(t, node)
		gone = append(gone, s.start(t, "agent-"+node, node, filepath.Join(s.machine.root, "none"), s.machine.logs()))
	}
	ready := condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonWorking)
	s.belongs(t, s.await(t, leaving, ready), leaving)
	if o := s.await(t, wanted, ready); len(o.OwnerReferences) > 0 {
		t.Errorf("a person's object belongs to %v", o.OwnerReferences)
	}
	for i, node := range []string{wanted, leaving} { // the second is seen to go, after which the first would have
		gone[i].Stop()
		if err := s.client.CoreV1().Nodes().Delete(t.Context(), node, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// The garbage collector looks for new kinds every 30 s.
	component.Eventually(t, time.Minute+soon, func() string {
		if _, err := objects.Get(t.Context(), leaving, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Sprintf("the object of a node that is gone is there, or %v", err)
		}
		return ""
	})
	if _, err := s.isolation(t.Context(), wanted); err != nil {
		t.Errorf("a person's object of a node that is gone: %v", err)
	}
}
