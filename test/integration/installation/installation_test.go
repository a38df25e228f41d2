package installation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/component"
)

// make makes a pod, when the namespace's ServiceAccount is there.
func (s *suite) make(t *testing.T, p *v1.Pod) error {
	t.Helper()
	component.Eventually(t, soon, func() string {
		if _, err := s.client.CoreV1().ServiceAccounts(p.Namespace).Get(t.Context(), "default", metav1.GetOptions{}); err != nil {
			return err.Error()
		}
		return ""
	})
	_, err := s.client.CoreV1().Pods(p.Namespace).Create(t.Context(), p, metav1.CreateOptions{})
	return err
}

// testLimited: the API server does refuse critical pods where there is no quota.
func testLimited(t *testing.T, s *suite) {
	for _, priority := range []string{"system-cluster-critical", "system-node-critical"} {
		p := pod("default", "critical", "")
		p.Spec.PriorityClassName = priority
		if err := s.make(t, p); err == nil || !strings.Contains(err.Error(), "insufficient quota to match these scopes") {
			t.Errorf("a pod of priority %s: %v, want a refusal for want of a quota", priority, err)
		}
	}
}

// turnOff is how README.md's command begins that turns Ballast off. turnOn stands in a sentence, so that nobody pastes both.
const (
	turnOff = "kubectl -n ballast-system create configmap ballast"
	turnOn  = "kubectl apply -f manifests/scheduler/switch.yaml"
)

// testInstalled runs README.md's commands that apply a manifest, in its order, and looks for the pods of what is installed then.
func testInstalled(t *testing.T, s *suite) {
	for _, c := range s.readme {
		if strings.HasPrefix(c, "kubectl apply -") && strings.Contains(c, " manifests/") {
			s.run(t, c)
		}
	}
	component.Eventually(t, soon, func() string {
		found := map[string]int32{}
		deployments, err := s.client.AppsV1().Deployments("").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		for _, d := range deployments.Items {
			found[d.Namespace+"/"+d.Name] = d.Status.Replicas
		}
		daemons, err := s.client.AppsV1().DaemonSets("").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err.Error()
		}
		for _, d := range daemons.Items {
			found[d.Namespace+"/"+d.Name] = d.Status.CurrentNumberScheduled
		}
		// The one node has no label for resctrl.
		want := map[string]int32{
			"ballast-system/ballast-scheduler": 2, "ballast-system/ballast-recommender": 2,
			"ballast-node/ballast-node": 1, "ballast-node/ballast-node-resctrl": 0,
		}
		return cmp.Diff(want, found)
	})
}

// testSwitch turns Ballast off as README.md says, where the switch's object is not there and where it is, and on again.
func testSwitch(t *testing.T, s *suite) {
	maps := s.client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace)
	data := func() map[string]string {
		t.Helper()
		position, err := maps.Get(t.Context(), v1alpha1.SwitchName, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return position.Data
	}
	if _, err := maps.Get(t.Context(), v1alpha1.SwitchName, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("the switch's object after the installation: %v, want none: to install a component must not turn the others on", err)
	}
	const note = `kubectl -n ballast-system patch configmap ballast --type merge -p '{"data":{"note":"ours","mode":"shadow"}}'`
	off := s.command(t, turnOff)
	for _, step := range []struct {
		command string
		want    map[string]string
	}{
		{off, map[string]string{"mode": "off"}},
		{turnOn, map[string]string{"mode": "active"}},
		{note, map[string]string{"mode": "shadow", "note": "ours"}},
		{off, map[string]string{"mode": "off", "note": "ours"}},
		{off, map[string]string{"mode": "off", "note": "ours"}},
		{turnOn, map[string]string{"mode": "active", "note": "ours"}},
	} {
		s.run(t, step.command)
		if diff := cmp.Diff(step.want, data()); diff != "" {
			t.Errorf("after %s, -want +got:\n%s", step.command, diff)
		}
	}
}

// testClasses: namespace shop may use classes web and db, namespace bare none.
func testClasses(t *testing.T, s *suite) {
	const annotation = "ballast.dev/classes"
	for _, n := range []*v1.Namespace{
		{ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: map[string]string{annotation: "web, db"}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "bare"}},
	} {
		if _, err := s.client.CoreV1().Namespaces().Create(t.Context(), n, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.make(t, pod("bare", "before", "web")); err != nil {
		t.Fatalf("without the policy: %v", err)
	}
	s.run(t, "kubectl apply -f manifests/examples/class-policy.yaml")
	tries := 0
	component.Eventually(t, soon, func() string { // the policy is in force since the API server has compiled it
		tries++
		if err := s.make(t, pod("bare", fmt.Sprintf("early-%d", tries), "web")); err == nil {
			return "the policy is not in force"
		}
		return ""
	})
	label := func(namespace, name, labels string) error {
		patch := []byte(`{"metadata":{"labels":` + labels + `}}`)
		_, err := s.client.CoreV1().Pods(namespace).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	}
	const (
		others  = "class batch is not among those of namespace shop: its annotation ballast.dev/classes names web, db"
		missing = "class web is not among those of namespace bare: its annotation ballast.dev/classes is missing"
	)
	for _, step := range []struct {
		what string
		err  error
		says string // "": allowed
	}{
		{"make a pod of its class", s.make(t, pod("shop", "web", "web")), ""},
		{"make one of the other class", s.make(t, pod("shop", "db", "db")), ""},
		{"make one without", s.make(t, pod("shop", "none", "")), ""},
		{"make one of another's class", s.make(t, pod("shop", "batch", "batch")), others},
		{"make one of a class, without annotation", s.make(t, pod("bare", "web", "web")), missing},
		{"make one without a class or annotation", s.make(t, pod("bare", "none", "")), ""},
		{"label a pod with its class", label("shop", "none", `{"ballast.dev/class":"db"}`), ""},
		{"change to another's class", label("shop", "web", `{"ballast.dev/class":"batch"}`), others},
		{"label a pod, without annotation", label("bare", "none", `{"ballast.dev/class":"web"}`), missing},
		{"take the class away", label("shop", "web", `{"ballast.dev/class":null}`), ""},
		{"change another label of a pod that has a class since before", label("bare", "before", `{"a":"b"}`), ""},
	} {
		switch {
		case step.says == "" && step.err != nil:
			t.Errorf("%s: %v", step.what, step.err)
		case step.says != "" && (!apierrors.IsForbidden(step.err) || !strings.HasSuffix(step.err.Error(), step.says)):
			t.Errorf("%s: %v, want a refusal that says %q", step.what, step.err, step.says)
		}
	}
}
