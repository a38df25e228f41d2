package isolationfit

import (
	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
)

// workload is what a pod is one of: its class label, else its namespace and top controller. The zero workload is that of a bare pod, and
// has no partners.
type workload struct {
	label, namespace, controller string
}

func workloadOf(pod *v1.Pod) workload {
	if label := pod.Labels[v1alpha1.ClassLabel]; label != "" {
		return workload{label: label}
	}
	if controller := podclass.Workload(pod); controller != "" {
		return workload{namespace: pod.Namespace, controller: controller}
	}
	return workload{}
}

// String is the workload class's name.
func (w workload) String() string {
	if w.label != "" {
		return w.label
	}
	return w.namespace + "/" + w.controller
}

// partner is a workload that disturbs another, or that is disturbed by it.
type partner struct {
	workload
	// victim says that the partner is the one that loses.
	victim bool
	// loss is what the victim loses, in 0..1 of its alone-performance.
	loss     float64
	evidence string
}

// defaultSlowdown is that of a pair of which the agent does not know how much.
const defaultSlowdown = 1.1

// mostSlowdown bounds what one agent can make of a pair: no report outweighs three quarters of a container.
const mostSlowdown = 4

// lossOf is the loss by a slowdown in thousandths, nil if it is not known.
func lossOf(milli *int32) float64 {
	slowdown := defaultSlowdown
	if milli != nil {
		slowdown = float64(*milli) / 1000
	}
	return 1 - 1/min(max(slowdown, 1), mostSlowdown)
}

// partners are by workload those that it disturbs, and that disturb it. They are immutable once they are in use.
type partners map[workload][]partner

// add enters a pair, of one that is reported twice the larger loss.
func (p partners) add(victim, culprit workload, loss float64, evidence string) {
	if victim == (workload{}) || culprit == (workload{}) {
		return
	}
	p.put(culprit, partner{workload: victim, victim: true, loss: loss, evidence: evidence})
	p.put(victim, partner{workload: culprit, loss: loss, evidence: evidence})
}

func (p partners) put(of workload, other partner) {
	for i, is := range p[of] {
		if is.workload == other.workload && is.victim == other.victim {
			if other.loss > is.loss {
				p[of][i] = other
			}
			return
		}
	}
	p[of] = append(p[of], other)
}
