package v1alpha1

import "github.com/ballast-k8s/ballast/api/membership"

// Memberships are the partitions with their members, in their order, in the form that package membership decides by.
func (s *NodeIsolationSpec) Memberships() []membership.Partition {
	var out []membership.Partition
	for i := range s.Partitions {
		p := membership.Partition{Name: s.Partitions[i].Name}
		for _, m := range s.Partitions[i].Members {
			p.Members = append(p.Members, m.Member())
		}
		out = append(out, p)
	}
	return out
}

// PartitionOf is the partition that takes a container; nil: none does.
func (s *NodeIsolationSpec) PartitionOf(c membership.Container) *NodePartition {
	name, has := membership.Of(s.Memberships(), c)
	for i := range s.Partitions {
		if has && s.Partitions[i].Name == name {
			return &s.Partitions[i]
		}
	}
	return nil
}

// Member is the member in the form that package membership decides by.
func (m PartitionMember) Member() membership.Member {
	return membership.Member{QoS: m.QOSClass, Namespace: m.Namespace, Pod: m.Pod}
}
