package isolationfit

import (
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/isolationfit/bandwidth"
)

// spareClasses is how many resource classes a node must have free for one more partition: the agent leaves one of them free (package partition).
const spareClasses = 2

// news is what an object says of its node.
type news struct {
	at time.Time
	// partitions that it has or is to have.
	partitions []string
	// divides says that it has resctrl; classesLeft then counts its free resource classes.
	divides     bool
	classesLeft int
	// measured says that the memory bandwidth of its domains is known.
	measured bool
	domains  bandwidth.Domains
	// missed says that its agent cannot keep all set-points there, whatever it does to batch work.
	missed bool
	pairs  []v1alpha1.Interference
	// number grows with each report that comes, of any node.
	number uint64
}

// whole decodes an object. Fields that the plugin does not read are dropped, so that a list of large machines is no burden.
func whole(u *unstructured.Unstructured) *v1alpha1.NodeIsolation {
	var in v1alpha1.NodeIsolation
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &in); err != nil {
		// The CRD's schema keeps it from coming to that. Without a time it is a report that is not believed.
		return &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{Name: u.GetName(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion()}}
	}
	out := &v1alpha1.NodeIsolation{ObjectMeta: metav1.ObjectMeta{
		Name: in.Name, UID: in.UID, ResourceVersion: in.ResourceVersion, Annotations: in.Annotations,
	}}
	for _, p := range in.Spec.Partitions {
		out.Spec.Partitions = append(out.Spec.Partitions, v1alpha1.NodePartition{Name: p.Name})
	}
	for _, g := range in.Status.Groups {
		out.Status.Groups = append(out.Status.Groups, v1alpha1.IsolationGroup{Name: g.Name, Domains: g.Domains})
	}
	out.Status.Capacity, out.Status.LastReport = in.Status.Capacity, in.Status.LastReport
	if c := in.Status.Control; c != nil {
		out.Status.Control = &v1alpha1.LocalControlStatus{Infeasible: c.Infeasible}
	}
	for _, i := range in.Status.Interference {
		if i.State == v1alpha1.InterferenceConfirmed && i.Culprit != nil {
			out.Status.Interference = append(out.Status.Interference, i)
		}
	}
	return out
}

// newsOf reads an object.
func newsOf(ni *v1alpha1.NodeIsolation) news {
	n := news{pairs: ni.Status.Interference}
	if ni.Status.LastReport != nil {
		n.at = ni.Status.LastReport.Time
	}
	for _, p := range ni.Spec.Partitions {
		n.partitions = append(n.partitions, p.Name)
	}
	n.partitions = append(n.partitions, strings.Split(ni.Status.PartitionsInForce(), "+")...) // "" is no name
	if c := ni.Status.Capacity; c != nil {
		n.divides, n.classesLeft = true, int(c.ClassesLeft)
		n.domains, n.measured = bandwidth.Of(ni.Status.Groups, peakOf(c))
	}
	n.missed = ni.Status.Control != nil && ni.Status.Control.Infeasible != ""
	return n
}

// peakOf is the peak bandwidth of a domain in 10^6 bytes a second, 0 if it is not known.
func peakOf(c *v1alpha1.IsolationCapacity) float64 {
	i := slices.IndexFunc(c.Resources, func(r v1alpha1.IsolationResource) bool { return r.PeakMBps > 0 })
	if i < 0 {
		return 0
	}
	return float64(c.Resources[i].PeakMBps)
}

// roomFor reports whether the node has a partition, is to have it, or could.
func (n news) roomFor(partition string) bool {
	return slices.Contains(n.partitions, partition) || n.divides && n.classesLeft >= spareClasses
}

func (n news) believed(now time.Time) bool { return nodesetting.Believed(n.at, now) }
