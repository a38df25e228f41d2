// Package findings puts what package attribution found into the words of a NodeIsolation's status, and takes it from there again at a restart.
package findings

import (
	"math"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
)

// Interference is a finding as the object's status has it. Its evidence is not cut to what the status may hold.
func Interference(f *attribution.Finding) v1alpha1.Interference {
	i := v1alpha1.Interference{
		Victim: Name(f.Victim), Resource: string(f.Resource), State: v1alpha1.InterferenceState(f.State), Evidence: f.Evidence,
		Since: at(f.Since), LastSeen: at(f.LastSeen),
	}
	if i.Resource == "" || f.Resource == attribution.None {
		i.Resource = string(attribution.Unknown)
	}
	if f.Culprit != nil {
		i.Culprit = new(Name(*f.Culprit))
	}
	if f.Slowdown != nil {
		i.MilliSlowdown = Milli(*f.Slowdown)
	}
	return i
}

// Name is a container as the object's status names it.
func Name(k attribution.Key) v1alpha1.ContainerName {
	return v1alpha1.ContainerName{Namespace: k.Namespace, Pod: k.Pod, Container: k.Container}
}

// at is a time since the Unix epoch, in whole seconds as the API server keeps it.
func at(since time.Duration) metav1.Time {
	return metav1.Time{Time: time.Unix(0, int64(since)).Truncate(time.Second)}
}

// Milli is in thousandths; nil for what is not a number, or too large for one.
func Milli(v float64) *int32 {
	m := math.Round(1000 * v)
	if math.IsNaN(m) || math.Abs(m) > math.MaxInt32 {
		return nil
	}
	return new(int32(m))
}

// Finding is what the status of an agent before this one says of an interference.
func Finding(i *v1alpha1.Interference) attribution.Finding {
	key := func(n v1alpha1.ContainerName) attribution.Key {
		return attribution.Key{Namespace: n.Namespace, Pod: n.Pod, Container: n.Container}
	}
	f := attribution.Finding{
		Victim: key(i.Victim), Resource: attribution.Resource(i.Resource), State: attribution.Certainty(i.State), Evidence: i.Evidence,
		Since: time.Duration(i.Since.UnixNano()), LastSeen: time.Duration(i.LastSeen.UnixNano()),
	}
	if i.Culprit != nil {
		f.Culprit = new(key(*i.Culprit))
	}
	if i.MilliSlowdown != nil {
		f.Slowdown = new(float64(*i.MilliSlowdown) / 1000)
	}
	return f
}
