package interferencefit

import (
	"encoding/json"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
)

// A resident's promise binds pods of its own priority and below, so that pods of one class and floor find different nodes feasible by their
// priority. kube-scheduler treats pods of one signature alike, and adds no priority to it.
func TestPodsOfDifferentPriorityAreNotAlike(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	resident := byhand.Pod("quiet", "0.6")
	resident.Spec.Priority = new(int32(100))
	node := nodemix.NewCache(nil).Observe(byhand.Node("n1", resident), k, "")
	p := &InterferenceFit{args: DefaultArgs(), clock: clock.RealClock{}, source: modelsource.New(
		modelsource.Clients{Kube: fake.NewClientset(), Models: dynamicfake.NewSimpleDynamicClient(runtime.NewScheme())},
		"default", nodemix.Learn, modelsource.Seen{})}
	// look returns the signature as kube-scheduler compares it, and whether the node refuses the pod.
	look := func(pod *v1.Pod) (string, bool) {
		fragments, status := p.SignPod(t.Context(), pod)
		if !status.IsSuccess() {
			t.Fatal(status)
		}
		text, err := json.Marshal(fragments)
		if err != nil {
			t.Fatal(err)
		}
		return string(text), node.Violation(loud, 0, podclass.Priority(pod)).Broken()
	}
	low, same, high := byhand.Pod("loud", ""), byhand.Pod("loud", ""), byhand.Pod("loud", "")
	same.Spec.Priority, high.Spec.Priority = new(int32(0)), new(int32(101))
	lowSigned, lowRefused := look(low)
	if signed, _ := look(same); signed != lowSigned {
		t.Errorf("pods that are alike are signed %s and %s", lowSigned, signed)
	}
	if signed, refused := look(high); refused == lowRefused || signed == lowSigned {
		t.Errorf("refused are low %v, high %v, want low alone; they are signed %s and %s", lowRefused, refused, lowSigned, signed)
	}
}
