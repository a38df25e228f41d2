package nomination

import (
	"errors"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"
)

func TestWrite(t *testing.T) {
	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b", UID: "u"}}
	client := fake.NewClientset(pod)
	if err := Write(t.Context(), client, pod, "n1"); err != nil {
		t.Fatal(err)
	}
	patch, ok := client.Actions()[0].(kubetesting.PatchAction)
	if !ok || patch.GetSubresource() != "status" || string(patch.GetPatch()) != `{"metadata":{"uid":"u"},"status":{"nominatedNodeName":"n1"}}` {
		t.Errorf("wrote %+v", client.Actions())
	}
	if got, err := client.CoreV1().Pods("a").Get(t.Context(), "b", metav1.GetOptions{}); err != nil || got.Status.NominatedNodeName != "n1" {
		t.Errorf("the pod's node is %q, %v", got.Status.NominatedNodeName, err)
	}

	refusal := errors.New("the object has been modified")
	client.PrependReactor("patch", "pods", func(kubetesting.Action) (bool, runtime.Object, error) { return true, nil, refusal })
	err := Write(t.Context(), client, pod, "n1")
	if !errors.Is(err, refusal) || !strings.HasPrefix(err.Error(), "nominating node n1 for pod a/b: ") {
		t.Errorf("a refusal gives %v", err)
	}
}
