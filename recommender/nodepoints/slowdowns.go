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

// Slowdowns are the times for a unit of work over the usual one of containers whose instructions neighbours make slow now, each above 1. Of
// several findings about a container the largest counts.
func (k *Keeper) Slowdowns(now time.Time) map[v1alpha1.ContainerName]float64 {
	k.nodes.mu.Lock()
	defer k.nodes.mu.Unlock()
	slow := map[v1alpha1.ContainerName]float64{}
	for _, list := range k.nodes.victims {
		for _, v := range list {
			if now.Sub(v.reported) <= reportedFor && v.reported.Sub(v.seen) <= seenFor {
				slow[v.container] = max(slow[v.container], v.slowdown)
			}
		}
	}
	return slow
}
