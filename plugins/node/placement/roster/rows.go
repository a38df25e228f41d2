package roster

import (
	"cmp"
	"slices"
	"strings"
)

// Row is what is known and wanted of one container.
type Row struct {
	Entry

	// Partition that it belongs to, and its group; empty if there is none.
	Partition, Control string
	// Foreign says that Class is somebody else's: the container's threads are left alone.
	Foreign bool
	// Runtime says that the runtime has told of it.
	Runtime bool
	// Kubelet is the kubelet's limit in cores, Own ours; infinite for none.
	Kubelet, Own float64
	// Problem is why our limit could not be written; empty if it was.
	Problem string
}

// Rows are all containers by namespace, pod and name.
func (r *Roster) Rows() []Row {
	out := make([]Row, 0, len(r.containers))
	for _, c := range r.containers {
		out = append(out, Row{
			Entry: c.Entry, Partition: c.partition, Control: c.control, Foreign: c.foreign, Runtime: c.runtime,
			Kubelet: c.kubelet.Cores(), Own: c.own, Problem: c.problem,
		})
	}
	slices.SortFunc(out, func(a, b Row) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Pod, b.Pod), strings.Compare(a.Name, b.Name),
			strings.Compare(a.ID, b.ID))
	})
	return out
}

// Knows says whether a container is known.
func (r *Roster) Knows(id string) bool { return r.containers[id] != nil }
