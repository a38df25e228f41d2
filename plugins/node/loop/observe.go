package loop

import (
	"time"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/attribution/probe"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
)

// observe makes readings of the samples and those before.
func (l *Loop) observe(in *Input) {
	partitions := Partitions(in.Spec)
	roles := map[string]v1alpha1.PartitionRole{}
	for _, p := range in.Spec.Partitions {
		roles[p.Name] = p.Role
	}
	now, sizes := make(map[string]counters.Sample, len(in.View.Containers)), make(map[string]float64, len(in.View.Containers))
	l.members = nil
	for i := range in.View.Containers {
		c := &in.View.Containers[i]
		if c.Name == "" {
			continue // its names are not known, so it belongs to nobody
		}
		id := c.Sample.Container.ID
		now[id] = c.Sample
		before, known := l.earlier[id]
		named := nameOf(c)
		partition, _ := membership.Of(partitions, named)
		batch := roles[partition] == v1alpha1.RoleBatch
		sizes[id] = l.sizes[id]
		if !known {
			continue
		}
		r, ok := reading(&before, &c.Sample, batch && l.limited)
		if !ok {
			continue
		}
		if sizes[id] = size(l.sizes[id], value(r.Cores), max(in.Cores, 1)); r.Entitled == 0 {
			r.Entitled = sizes[id]
		}
		fills(&r, c.Use)
		r.Container, r.Throttleable = keyOf(c), batch
		r.Sensitive = !batch && (roles[partition] == v1alpha1.RoleLatency || setPoint(in.Spec.Control, named) != nil)
		l.members = append(l.members, member{
			key: r.Container, named: named, id: id, partition: partition, uid: c.Sample.Container.Pod, reading: r,
		})
	}
	l.earlier, l.sizes, l.read = now, sizes, in.View.Time
}

func nameOf(c *containers.Container) membership.Container {
	qos := map[string]string{"guaranteed": membership.Guaranteed, "burstable": membership.Burstable, "besteffort": membership.BestEffort}
	return membership.Container{Namespace: c.Namespace, Pod: c.Pod, Name: c.Name, QoS: qos[c.Sample.Container.QoS]}
}

// rest is how long no probe begins after a change that the law made: one that is followed by another ends with it, and there are few an hour. The
// law's steps down are 4 s apart while it takes several (two readings after 2 s), those up 8 s, so that a probe comes in between these.
const rest = 6 * time.Second

// attribute asks who slows whom down, and says how a probe ended.
func (l *Loop) attribute(in *Input, acts bool) probe.Outcome {
	ask := attribution.Input{
		Now: time.Duration(in.Now.UnixNano()), Steal: in.Steal, Disturbed: l.disturbs, NoProbes: !acts || in.NoLimits != "" || l.redivision.Running(),
		Wait: in.Now.Sub(l.changed) < rest,
	}
	for i := range l.members {
		ask.Readings = append(ask.Readings, l.members[i].reading)
	}
	result := attribution.Step(&l.attribution, ask)
	l.disturbs, l.hold = false, result.Hold
	l.verdicts = make(map[attribution.Key]attribution.Resource, len(result.Verdicts))
	for _, v := range result.Verdicts {
		l.verdicts[v.Container] = v.Resource
	}
	if result.Ended == nil {
		return probe.Running
	}
	return result.Ended.Outcome
}
