package recommender_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/test/component"
)

// testRights asks for rights that the logs cannot tell of: that to delete the checkpoints of VPA objects that are gone is used every ten
// minutes only, and what would let the recommender touch a pod must not be there.
func testRights(t *testing.T, s *suite) {
	const vpa = "autoscaling.k8s.io"
	for right, want := range map[authorizationv1.ResourceAttributes]bool{
		{Verb: "list", Resource: "namespaces"}:                                                          true,
		{Verb: "delete", Group: vpa, Resource: "verticalpodautoscalercheckpoints", Namespace: ours}:     true,
		{Verb: "patch", Group: vpa, Resource: "verticalpodautoscalers", Namespace: ours}:                false,
		{Verb: "patch", Group: "ballast.dev", Resource: "latencyobjectives", Namespace: ours}:           false,
		{Verb: "patch", Group: "ballast.dev", Resource: "nodeisolations"}:                               true,
		{Verb: "create", Group: "ballast.dev", Resource: "nodeisolations"}:                              false,
		{Verb: "patch", Group: "ballast.dev", Resource: "nodeisolations", Subresource: "status"}:        false,
		{Verb: "update", Resource: "nodes"}:                                                             false,
		{Verb: "patch", Resource: "pods", Namespace: ours}:                                              false,
		{Verb: "patch", Resource: "pods", Subresource: "resize", Namespace: ours}:                       false,
		{Verb: "create", Resource: "pods", Subresource: "eviction", Namespace: ours}:                    false,
		{Verb: "update", Group: "apps", Resource: "deployments", Subresource: "scale", Namespace: ours}: false,
		{Verb: "get", Resource: "secrets", Namespace: ours}:                                             false,
		{Verb: "update", Resource: "configmaps", Namespace: "ballast-system", Name: "ballast"}:          false,
	} {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "system:serviceaccount:ballast-system:ballast-recommender", Groups: []string{"system:authenticated"}, ResourceAttributes: &right,
		}}
		answer, err := s.client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status.Allowed != want {
			t.Errorf("may %+v: %t, want %t", right, answer.Status.Allowed, want)
		}
	}
}

// testPermissions reads the logs of all that went before.
func testPermissions(t *testing.T, s *suite) {
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := component.Get(ctx, s.http, s.leads.base+"/healthz"); err != nil {
		t.Errorf("the probe fails: %v", err)
	}
	s.leads.Stop()
	bad := regexp.MustCompile(`(?i:forbidden|unauthorized)|DATA RACE|panic`)
	for _, r := range s.running {
		text, err := os.ReadFile(r.LogPath())
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if bad.MatchString(line) && !strings.Contains(line, "FLAG:") {
				t.Errorf("%s logged: %s", r.Name(), line)
			}
		}
		if strings.Contains(string(text), "DATA RACE") {
			t.Logf("%s", text)
		}
	}
}
