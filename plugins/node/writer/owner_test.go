package writer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// reviews is an API server that tells whose token it is.
type reviews struct {
	extra map[string]authenticationv1.ExtraValue
	err   error
}

func (r reviews) Create(
	context.Context, *authenticationv1.SelfSubjectReview, metav1.CreateOptions,
) (*authenticationv1.SelfSubjectReview, error) {
	if r.err != nil {
		return nil, r.err
	}
	return &authenticationv1.SelfSubjectReview{Status: authenticationv1.SelfSubjectReviewStatus{
		UserInfo: authenticationv1.UserInfo{Username: "agent", Extra: r.extra},
	}}, nil
}

// bound are the extra fields of a token for a node.
func bound(name, uid string) map[string]authenticationv1.ExtraValue {
	return map[string]authenticationv1.ExtraValue{nodeNameKey: {name}, nodeUIDKey: {uid}}
}

// objectsWith is an API server that has these objects.
func objectsWith(objects ...runtime.Object) *fake.FakeDynamicClient {
	kinds := map[schema.GroupVersionResource]string{v1alpha1.NodeIsolations: "NodeIsolationList"}
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, objects...)
}

// ownersOf are the owner references of the object of node n.
func ownersOf(t *testing.T, objects *fake.FakeDynamicClient) []metav1.OwnerReference {
	t.Helper()
	o, err := objects.Resource(v1alpha1.NodeIsolations).Get(t.Context(), "n", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o.GetOwnerReferences()
}

// TestOwner: the object belongs to the Node that the token says, if that is the agent's; else to nobody. Whether the API server tells is no
// matter, but a call that failed is: the object would have no owner for ever.
func TestOwner(t *testing.T) {
	reviewed := schema.GroupResource{Group: "authentication.k8s.io", Resource: "selfsubjectreviews"}
	node := []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "n", UID: "7"}}
	two := bound("n", "7")
	two[nodeUIDKey] = authenticationv1.ExtraValue{"7", "8"}
	for name, c := range map[string]struct {
		reviews reviews
		owners  []metav1.OwnerReference
		fails   bool
	}{
		"a token of its pod":             {reviews: reviews{extra: bound("n", "7")}, owners: node},
		"a certificate":                  {},
		"a token of another node":        {reviews: reviews{extra: bound("m", "7")}},
		"a token without the node's UID": {reviews: reviews{extra: bound("n", "")}},
		"two UIDs":                       {reviews: reviews{extra: two}},
		"an API server without reviews":  {reviews: reviews{err: apierrors.NewNotFound(reviewed, "")}},
		"no right to review":             {reviews: reviews{err: apierrors.NewForbidden(reviewed, "", errors.New("no"))}},
		"an outage":                      {reviews: reviews{err: errors.New("connection refused")}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			objects := objectsWith()
			w := New(Options{Objects: objects, Reviews: c.reviews, Node: "n", Clock: clocktesting.NewFakeClock(start)})
			if err := w.create(t.Context()); c.fails {
				if err == nil || !strings.Contains(err.Error(), "connection refused") || len(objects.Actions()) > 0 {
					t.Errorf("error %v after %d calls, want that of the review and no object", err, len(objects.Actions()))
				}
				return
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.owners, ownersOf(t, objects)); diff != "" {
				t.Errorf("owners, -want +got:\n%s", diff)
			}
		})
	}
}

// TestOthersObjectIsLeft: an object that a person made gets no owner.
func TestOthersObjectIsLeft(t *testing.T) {
	objects := objectsWith(&unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "NodeIsolation", "metadata": map[string]any{"name": "n"},
	}})
	w := New(Options{Objects: objects, Reviews: reviews{extra: bound("n", "7")}, Node: "n", Clock: clocktesting.NewFakeClock(start)})
	if err := w.create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if owners := ownersOf(t, objects); len(owners) > 0 {
		t.Errorf("owners %v", owners)
	}
}

// TestRemadeOnceAMinute: while the garbage collector deletes what the agent of a Node that is gone makes, it makes one object a minute. Without
// an owner nothing deletes it but a person, and it is made anew at once.
func TestRemadeOnceAMinute(t *testing.T) {
	for name, c := range map[string]struct {
		extra map[string]authenticationv1.ExtraValue
		want  []int // seconds at which an object is made, of those below
	}{
		"with an owner":    {bound("n", "7"), []int{0, 60, 120}},
		"without an owner": {nil, []int{0, 1, 59, 60, 119, 120}},
	} {
		t.Run(name, func(t *testing.T) {
			objects, clock := objectsWith(), clocktesting.NewFakeClock(start)
			w := New(Options{Objects: objects, Reviews: reviews{extra: c.extra}, Node: "n", Clock: clock})
			var made []int
			for _, second := range []int{0, 1, 59, 60, 119, 120} {
				clock.SetTime(start.Add(time.Duration(second) * time.Second))
				if err := w.create(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := objects.Resource(v1alpha1.NodeIsolations).Delete(t.Context(), "n", metav1.DeleteOptions{}); err == nil {
					made = append(made, second)
				}
			}
			if diff := cmp.Diff(c.want, made); diff != "" {
				t.Errorf("made, -want +got:\n%s", diff)
			}
		})
	}
}
