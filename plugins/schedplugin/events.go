package schedplugin

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/component-base/metrics"
	"k8s.io/utils/clock"
)

// Budget returns a plugin's budget of events on pods: so many a second, and so many at once. The client that sends the scheduler's events is
// one for all profiles, and so is the budget.
func Budget(perSecond float32, atOnce int) flowcontrol.PassiveRateLimiter {
	return flowcontrol.NewTokenBucketPassiveRateLimiterWithClock(perSecond, atOnce, clock.RealClock{})
}

// Events are a plugin's events on pods in one profile. All fields are required.
type Events struct {
	Recorder events.EventRecorder
	// Reason is what users filter by.
	Reason string
	// Budget bounds the events, and Dropped counts those that are left out, with the label Profile.
	Budget  flowcontrol.PassiveRateLimiter
	Dropped *metrics.CounterVec
	Profile string
}

// Tell puts an event on a pod, within the budget. related may be nil; sentence is called only for an event that is sent.
func (e *Events) Tell(pod *v1.Pod, related runtime.Object, kind, action string, sentence func() string) {
	if !e.Budget.TryAccept() {
		e.Dropped.WithLabelValues(e.Profile).Inc()
		return
	}
	e.Recorder.Eventf(pod, related, kind, e.Reason, action, "%s", sentence())
}

// NodeReference is a node as what an event relates to.
func NodeReference(name string) *v1.ObjectReference {
	return &v1.ObjectReference{APIVersion: "v1", Kind: "Node", Name: name}
}
