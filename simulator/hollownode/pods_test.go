package hollownode

import (
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestIdentify: a Deployment's ReplicaSet is named after it and the hash of the template, which is in a label of its pods.
func TestIdentify(t *testing.T) {
	for _, c := range []struct{ kind, owner, hash, want string }{
		{"ReplicaSet", "front-end-7d4b9c", "7d4b9c", "front-end"},
		{"ReplicaSet", "front-end-7d4b9c", "", ""},
		{"ReplicaSet", "by-hand", "7d4b9c", ""},
		{"StatefulSet", "store-7d4b9c", "7d4b9c", ""},
	} {
		pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: "a", Namespace: "shop", UID: "a", Labels: map[string]string{"pod-template-hash": c.hash},
			OwnerReferences: []metav1.OwnerReference{{Kind: c.kind, Name: c.owner}},
		}}
		if got := identify(pod); got.Deployment != c.want || got.Name != "a" || got.Namespace != "shop" || got.UID != "a" {
			t.Errorf("%+v: %+v, expected Deployment %q", c, got, c.want)
		}
	}
}
