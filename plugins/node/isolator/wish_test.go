package isolator

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
)

func TestWanted(t *testing.T) {
	four, one, six, half, mbps := int32(4), int32(1), int32(6), int32(50), int32(900)
	got := Wanted(v1alpha1.NodeIsolationSpec{Partitions: []v1alpha1.NodePartition{
		{Name: "a", Caches: []v1alpha1.CacheWays{{Cache: "L3", Domains: []int32{0, 2}, Ways: &four, Shared: true}, {Cache: "L2", From: &one, To: &six}}},
		{Name: "b", Bandwidth: []v1alpha1.BandwidthLimit{{Percent: &half}, {Resource: "SMBA", Domains: []int32{1}, MBps: &mbps}}},
	}})
	want := []partition.Partition{
		{Name: "a", Ways: []partition.Ways{{Cache: "L3", Domains: []int{0, 2}, Count: 4, Shared: true}, {Cache: "L2", From: 1, To: 6}}},
		{Name: "b", Bandwidth: []partition.Limit{{Resource: "MB", Percent: 50}, {Resource: "SMBA", Domains: []int{1}, MBps: 900}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A plan that the kernel refused is a setting that is not in force.
func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		found Found
		want  string
	}{
		{Found{Applied: metav1.ConditionFalse, Reason: v1alpha1.ReasonRefused, Message: "no"}, "no"},
		{Found{Applied: metav1.ConditionFalse, Reason: v1alpha1.ReasonInvalidSpec, Message: "no"}, "no"},
		{Found{Applied: metav1.ConditionFalse, Reason: v1alpha1.ReasonAnotherManager, Message: "no"}, "no"},
		{Found{Applied: metav1.ConditionFalse, Reason: v1alpha1.ReasonLeftovers, Message: "no"}, ""},
		{Found{Applied: metav1.ConditionTrue, Reason: v1alpha1.ReasonInForce, Message: "no"}, ""},
		{Found{Applied: metav1.ConditionUnknown, Reason: v1alpha1.ReasonWorking, Message: "no"}, ""},
		{Found{None: "x", Applied: metav1.ConditionFalse, Reason: v1alpha1.ReasonUnreadable, Message: "no"}, ""},
	} {
		if got := c.found.Refusal(); got != c.want {
			t.Errorf("%s: %q", c.found.Reason, got)
		}
	}
}
