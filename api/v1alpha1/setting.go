package v1alpha1

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// groupPrefix begins the folder name of every control group that is a partition.
const groupPrefix = "ballast-"

// ShapeOf names the machine shape of a node by its labels: ShapeLabel, else the instance type that a cloud sets, else "".
func ShapeOf(labels map[string]string) string {
	if shape := labels[ShapeLabel]; shape != "" {
		return shape
	}
	return labels[corev1.LabelInstanceTypeStable]
}

// SettingName is how the setting of a node is written in column setting of a mixes file: <shape>/<partitions>, or <shape> where the node
// is not divided. An empty shape stands for every shape that is not named otherwise.
func SettingName(shape, partitions string) string {
	if partitions == "" {
		return shape
	}
	return shape + "/" + partitions
}

// PartitionsInForce names the partitions that a node has, in the order of their names and joined by +, such as batch+web; "" for none. It
// goes by the groups that the kernel shows, whatever is wanted. Groups of others don't count.
func (s *NodeIsolationStatus) PartitionsInForce() string {
	var names []string
	for i := range s.Groups {
		if name, ours := strings.CutPrefix(s.Groups[i].Name, groupPrefix); ours {
			names = append(names, name)
		}
	}
	return joined(names)
}

// PartitionsWanted names the partitions that a node shall have, in the form of PartitionsInForce.
func (s *NodeIsolationSpec) PartitionsWanted() string {
	names := make([]string, 0, len(s.Partitions))
	for i := range s.Partitions {
		names = append(names, s.Partitions[i].Name)
	}
	return joined(names)
}

func joined(names []string) string {
	slices.Sort(names)
	return strings.Join(names, "+")
}
