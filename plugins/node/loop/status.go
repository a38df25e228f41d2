package loop

import (
	"math"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
)

// interference is a finding as the object's status has it.
func interference(f *attribution.Finding) v1alpha1.Interference {
	i := v1alpha1.Interference{
		Victim: nameIn(f.Victim), Resource: string(f.Resource), State: v1alpha1.InterferenceState(f.State), Evidence: cut(f.Evidence),
		Since: *at(f.Since), LastSeen: *at(f.LastSeen),
	}
	if i.Resource == "" || f.Resource == attribution.None {
		i.Resource = string(attribution.Unknown)
	}
	if f.Culprit != nil {
		i.Culprit = new(nameIn(*f.Culprit))
	}
	if f.Slowdown != nil {
		i.MilliSlowdown = milli(*f.Slowdown)
	}
	return i
}

func nameIn(k attribution.Key) v1alpha1.ContainerName {
	return v1alpha1.ContainerName{Namespace: k.Namespace, Pod: k.Pod, Container: k.Container}
}

// at is a time since the Unix epoch, in whole seconds as the API server keeps it.
func at(since time.Duration) *metav1.Time { return seconds(time.Unix(0, int64(since))) }

func seconds(t time.Time) *metav1.Time { return &metav1.Time{Time: t.Truncate(time.Second)} }

// milli is in thousandths; nil for what is not a number, or too large for one.
func milli(v float64) *int32 {
	m := math.Round(1000 * v)
	if math.IsNaN(m) || math.Abs(m) > math.MaxInt32 {
		return nil
	}
	return new(int32(m))
}
