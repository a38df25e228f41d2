package v1alpha1

import (
	"testing"

	"github.com/ballast-k8s/ballast/api/membership"
)

// The first partition that has a container takes it; a member of which nothing is given means nobody.
func TestPartitionOf(t *testing.T) {
	spec := &NodeIsolationSpec{Partitions: []NodePartition{
		{Name: "none", Members: []PartitionMember{{}}},
		{Name: "lc", Role: RoleLatency, Members: []PartitionMember{{Namespace: "shop", Pod: "web-*"}}},
		{Name: "be", Role: RoleBatch, Members: []PartitionMember{{QOSClass: "BestEffort"}, {Namespace: "shop"}}},
	}}
	for c, want := range map[membership.Container]string{
		{Namespace: "shop", Pod: "web-1", QoS: membership.BestEffort}: "lc",
		{Namespace: "shop", Pod: "sort", QoS: membership.Guaranteed}:  "be",
		{Namespace: "jobs", Pod: "sort", QoS: membership.BestEffort}:  "be",
		{Namespace: "jobs", Pod: "sort", QoS: membership.Burstable}:   "",
		{}: "",
	} {
		got := ""
		if p := spec.PartitionOf(c); p != nil {
			got = p.Name
		}
		if got != want {
			t.Errorf("%+v belongs to %q, want %q", c, got, want)
		}
	}
}
