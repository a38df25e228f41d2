package interferencefit

import (
	"context"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/floor"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
)

// signatureKey names the fragment. Its value is everything of pod and condition that the plugin decides by.
const signatureKey = "ballast.dev/" + Name

// signature is the value of the fragment; it is only ever compared.
type signature struct {
	Class string  `json:"class"`
	Floor float64 `json:"floor"`
	// Priority decides which residents' floors count; it and DaemonSet change who is rejected and scored.
	Priority  int32         `json:"priority"`
	DaemonSet bool          `json:"daemonSet"`
	Model     string        `json:"model"`
	Mode      v1alpha1.Mode `json:"mode"`
	Blind     string        `json:"blind"`
}

// SignPod tells the scheduler which pods it may treat alike when it batches: those of one class, floor and priority under one
// model and mode. Gain and feasibility of a node depend on nothing else but the node, so that equal signatures have equal scores
// on one snapshot. The scheduler signs when a pod is queued and may reuse a ranking for half a second; a model that changes
// meanwhile acts that late.
func (p *InterferenceFit) SignPod(_ context.Context, pod *v1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	c := p.assess()
	least, err := floor.Of(pod)
	if err != nil {
		least = 0 // the annotation is ignored, so it makes no difference
	}
	return []fwk.SignFragment{{Key: signatureKey, Value: signature{
		Class: podclass.Name(pod), Floor: least, Priority: podclass.Priority(pod), DaemonSet: podclass.OfDaemonSet(pod),
		Model: c.Version, Mode: c.Mode, Blind: c.Blind,
	}}}, nil
}
