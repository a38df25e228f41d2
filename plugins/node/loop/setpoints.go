package loop

import (
	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/control"
)

// Partitions are the spec's partitions with their members, in membership's form.
func Partitions(spec *v1alpha1.NodeIsolationSpec) []membership.Partition {
	var out []membership.Partition
	for i := range spec.Partitions {
		p := membership.Partition{Name: spec.Partitions[i].Name}
		for _, m := range spec.Partitions[i].Members {
			p.Members = append(p.Members, memberOf(m))
		}
		out = append(out, p)
	}
	return out
}

func memberOf(m v1alpha1.PartitionMember) membership.Member {
	return membership.Member{QoS: m.QOSClass, Namespace: m.Namespace, Pod: m.Pod}
}

// setPoint is the first that a container is meant by; nil: none.
func setPoint(control *v1alpha1.LocalControl, c membership.Container) *v1alpha1.SetPoint {
	for i := range control.SetPoints {
		if memberOf(control.SetPoints[i].PartitionMember).Has(c) {
			return &control.SetPoints[i]
		}
	}
	return nil
}

// HasSetPoint says whether some set-point means a container.
func HasSetPoint(spec *v1alpha1.NodeIsolationSpec, c *containers.Container) bool {
	return spec.Control != nil && setPoint(spec.Control, nameOf(c)) != nil
}

// slack is (target - signal) / target; nil where the signal was not read.
func slack(p *v1alpha1.SetPoint, r *attribution.Reading) *float64 {
	signal := map[v1alpha1.SetPointSignal]*float64{
		v1alpha1.SignalRunQueueDelay: r.Delay, v1alpha1.SignalCPUPressure: r.Pressure, v1alpha1.SignalCPI: r.CPI,
	}[p.Signal]
	target := float64(p.MilliTarget) / 1000
	if signal == nil || !(target > 0) {
		return nil
	}
	return new((target - *signal) / target)
}

// selfInflicted is the share of the periods of its own limit that ended with a container stopped, from which on its waiting is its own: that of
// package attribution.
const selfInflicted = 0.05

// stopsItself says whether the container's own limit, which is not the loop's, is why it waits.
func stopsItself(r *attribution.Reading) bool {
	return r.Throttled != nil && *r.Throttled >= selfInflicted
}

// cause is why a container exceeds its set-point. What attribution finds comes first. Where it finds nothing, a container that waits for CPUs
// does so because others run: what it is used to may have been learnt with them there.
func cause(p *v1alpha1.SetPoint, r *attribution.Reading, v attribution.Resource) control.Cause {
	waits := p.Signal == v1alpha1.SignalRunQueueDelay || p.Signal == v1alpha1.SignalCPUPressure
	switch {
	case stopsItself(r):
		return control.None
	case v == attribution.NotJudged && waits, v == attribution.None && waits:
		return control.CPU
	}
	return control.Cause(v)
}
