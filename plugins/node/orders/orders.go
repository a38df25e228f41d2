// Package orders puts together what the agent tells package placement, of what it has seen.
package orders

import (
	"math"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// Groups adds to a wish, which has its partitions, those of their control groups that there are, and how many monitoring ids the machine has.
func Groups(wish *placement.Wish, is *resctrl.Inventory) {
	wish.Groups = map[string]string{}
	for _, p := range wish.Partitions {
		for _, g := range is.State.Groups {
			if g.Name == schemata.Prefix+p.Name {
				wish.Groups[p.Name] = g.Name
			}
		}
	}
	if m := is.Capacity.Monitoring; m != nil {
		wish.RMIDs = m.RMIDs
	}
}

// Left are the limits that an agent before this one has left, in cores by the container's id: those below the kubelet's.
func Left(v *placement.View) map[string]float64 {
	out := map[string]float64{}
	for i := range v.Containers {
		if c := &v.Containers[i]; c.Limit < c.Kubelet {
			out[c.ID] = c.Limit
		}
	}
	return out
}

// Known are the containers as their files tell of them.
func Known(view *containers.View) []placement.Known {
	qos := map[string]string{"guaranteed": membership.Guaranteed, "burstable": membership.Burstable, "besteffort": membership.BestEffort}
	out := make([]placement.Known, 0, len(view.Containers))
	for i := range view.Containers {
		c := &view.Containers[i]
		if c.Name == "" {
			continue // a sandbox, or nobody's
		}
		out = append(out, placement.Known{
			ID: c.Sample.Container.ID, Namespace: c.Namespace, Pod: c.Pod, PodUID: c.Sample.Container.Pod, Name: c.Name,
			QoS: qos[c.Sample.Container.QoS], Cgroup: c.Sample.Container.Path, Use: used(c),
		})
	}
	return out
}

// used is the CPU that a container used since the look before, in cores; NaN where it is not known.
func used(c *containers.Container) float64 {
	if c.Before == nil || c.Before.CPU == nil || c.Sample.CPU == nil {
		return math.NaN()
	}
	passed := c.Sample.Time.Sub(c.Before.Time)
	if passed <= 0 || c.Sample.CPU.Total < c.Before.CPU.Total {
		return math.NaN()
	}
	return float64(c.Sample.CPU.Total-c.Before.CPU.Total) / float64(passed)
}
