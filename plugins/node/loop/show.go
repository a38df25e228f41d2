package loop

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/loop/findings"
	"github.com/ballast-k8s/ballast/plugins/node/loop/share"
)

// show puts together what the object's status says.
func (l *Loop) show(in *Input, out *Outcome) {
	s := l.status
	s.Mode, s.Version = v1alpha1.ControlObserve, in.Spec.Control.Version
	if out.Acts {
		s.Mode = v1alpha1.ControlAct
	}
	s.Batch = cmp.Or(l.problem, share.Words(l.limits, l.setting))
	if l.blind != "" && l.law != nil {
		s.Batch += "; blind: " + l.blind
	}
	if in.NoLimits != "" && l.law != nil {
		s.Batch += "; no CPU limits: " + in.NoLimits
	}
	if in.Refused != "" && out.Acts && l.law != nil {
		s.Batch += "; not applied, and what is in force stays: " + in.Refused
	}
	if l.stopped != "" && l.law != nil {
		s.Batch += "; " + l.stopped + " is stopped by its own CPU limit, which is for its owner to raise: batch keeps what it has for it"
	}
	s.Batch += l.learning()
	if cores := out.Cores[l.batch]; out.Acts && cores > 0 {
		s.BatchMilliCPU = new(int64(math.Round(1000 * cores)))
	}
	if out.Acts && in.Spec.Control.Eviction == v1alpha1.EvictionLastStep { // also while CPU limits cannot be written: whoever is restarted then goes on from it
		s.Evict = l.evicted
	}
	s.Batch, s.LastAction, s.Infeasible = cut(s.Batch), cut(s.LastAction), cut(s.Infeasible)
	out.Status = &s
	for i := range l.attribution.Findings {
		found := findings.Interference(&l.attribution.Findings[i])
		found.Evidence = cut(found.Evidence)
		out.Interference = append(out.Interference, found)
	}
}

// learning says how long it takes until all services can be judged; empty: they can. In parts of a minute, so that it does not change with every
// reading.
func (l *Loop) learning() string {
	c, have, need, learning := l.attribution.Learning()
	if !learning {
		return ""
	}
	each := int(time.Minute / window)
	return fmt.Sprintf("; bars of %s are being learnt, %d of %d readings: interference is judged in about %d min", c, have/each*each, need,
		(need-have+each-1)/each)
}

// seconds is a time as the API server keeps it.
func seconds(t time.Time) *metav1.Time { return &metav1.Time{Time: t.Truncate(time.Second)} }

// maxText is what the type's sentences may have.
const maxText = 1024

func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText-3], "") + "..."
}
