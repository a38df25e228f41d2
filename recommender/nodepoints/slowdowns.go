package nodepoints

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// victim is a container that a neighbour slows down.
type victim struct {
	container v1alpha1.ContainerName
	slowdown  float64
	// reported is when the agent wrote of it, seen when it saw it last.
	reported, seen time.Time
}

const (
	// reportedFor is how old an agent's report may be, seenFor how long before it the slowdown may have been seen last: agents report once
	// a minute where nothing changes, and keep what is over for a while.
	reportedFor = 3 * time.Minute
	seenFor     = time.Minute
	// maxAhead is how far the clock of a node may be ahead.
	maxAhead = time.Minute
	// waitsForCPU is the resource of containers that wait for CPUs.
	waitsForCPU = "CPU"
)

// victimsOf are the containers whose instructions neighbours make slow, as an object's status has it. Those that wait for CPUs are not
// among them: what pods obtain of busy nodes is in sizing's laws already, and would count twice. A status that cannot be read has none.
func victimsOf(u *unstructured.Unstructured) []victim {
	found, _, err := unstructured.NestedFieldNoCopy(u.Object, "status", "interference")
	if found == nil || err != nil {
		return nil // most nodes, at each of their reports
	}
	at, _, err := unstructured.NestedString(u.Object, "status", "lastReport")
	if err != nil {
		return nil
	}
	var status v1alpha1.NodeIsolationStatus
	part := map[string]any{"interference": found, "lastReport": at}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(part, &status); err != nil || status.LastReport == nil {
		return nil
	}
	var list []victim
	for i := range status.Interference {
		f := &status.Interference[i]
		if f.MilliSlowdown == nil || *f.MilliSlowdown <= 1000 || f.Resource == waitsForCPU {
			continue
		}
		list = append(list, victim{
			container: f.Victim, slowdown: float64(*f.MilliSlowdown) / 1000, reported: status.LastReport.Time, seen: f.LastSeen.Time,
		})
	}
	return list
}

// Slowdowns are the times for a unit of work over the usual one of containers whose instructions neighbours make slow now, each above 1, by
// the node that reports them: what an agent says of containers of other nodes is not to be believed. Of several findings about a container
// the largest counts.
func (k *Keeper) Slowdowns(now time.Time) map[string]map[v1alpha1.ContainerName]float64 {
	k.nodes.mu.Lock()
	defer k.nodes.mu.Unlock()
	slow := map[string]map[v1alpha1.ContainerName]float64{}
	for node, list := range k.nodes.victims {
		for _, v := range list {
			if age := now.Sub(v.reported); age > reportedFor || age < -maxAhead || v.reported.Sub(v.seen) > seenFor {
				continue
			}
			if slow[node] == nil {
				slow[node] = map[v1alpha1.ContainerName]float64{}
			}
			slow[node][v.container] = max(slow[node][v.container], v.slowdown)
		}
	}
	return slow
}
