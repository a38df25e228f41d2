package isolationfit

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// scale is that of InterferenceFit: a raw score is the loss in 1/10,000 of a container's alone-performance, as a number below 0, of which 100
// are a point. Losses that one node's reports can add up to stay far below the limit.
var scale = schedplugin.Scale{Units: 10_000, PerPoint: 100, Limit: 1 << 40}

// Reasons why a pod is not scored.
const (
	reasonOff       = "off"        // the switch is off, or was not read yet
	reasonNoReports = "no_reports" // before the first answer
	reasonNothing   = "nothing"    // no report says anything that matters to the pod
	reasonDaemonSet = "daemon_set"
)

// cycle is the state of scoring in one scheduling cycle.
type cycle struct {
	mode     v1alpha1.Mode
	know     *knowledge
	partners []partner
	best     fwk.NodeScore
	scored   int
}

// Clone returns an independent copy; what it points to is immutable.
func (c *cycle) Clone() fwk.StateData {
	clone := *c
	return &clone
}

// PreScore skips the cycle where the reports have nothing to say about the pod.
func (p *IsolationFit) PreScore(_ context.Context, state fwk.CycleState, pod *v1.Pod, _ []fwk.NodeInfo) *fwk.Status {
	c := &cycle{mode: p.position(), know: p.current.Load()}
	reason := ""
	switch {
	case c.mode != v1alpha1.Active && c.mode != v1alpha1.Shadow:
		reason = reasonOff
	case c.know == nil:
		reason = reasonNoReports
	case podclass.Background(pod):
		reason = reasonDaemonSet
	default:
		if c.partners = c.know.partners[workloadOf(pod)]; len(c.partners) == 0 && !c.know.measured && c.know.missed == 0 {
			reason = reasonNothing
		}
	}
	if reason != "" {
		p.metrics.skippedPods.WithLabelValues(p.profile, reason).Inc()
		return fwk.NewStatus(fwk.Skip)
	}
	state.Write(scoreKey, c)
	return nil
}

// loss is what is lost on a node, in containers' worth.
type loss struct {
	// own and theirs are by confirmed pairs; worst is the pod on the node that has most part in them, nil for none, and evidence what the
	// agent that confirmed its pair says.
	own, theirs float64
	worst       *v1.Pod
	evidence    string
	// taken is by bandwidth, missed by set-points that the node does not keep.
	taken, missed float64
}

func (l loss) total() float64 { return l.own + l.theirs + l.taken + l.missed }

// loss is what is lost on a node where except is not.
func (c *cycle) loss(info fwk.NodeInfo, except types.UID) loss {
	l := beside(c.partners, info.GetPods(), except)
	n := c.know.nodes[info.Node().Name]
	l.taken = c.know.taken(&n)
	if n.fresh && n.missed {
		l.missed = missedLoss
	}
	return l
}

// beside is what a pod and the residents of a node lose by each other. except is not there.
func beside(of []partner, residents []fwk.PodInfo, except types.UID) (l loss) {
	if len(of) == 0 {
		return l
	}
	worst := 0.0
	for _, info := range residents {
		pod := info.GetPod()
		if pod.UID == except || podclass.Background(pod) {
			continue
		}
		w := workloadOf(pod)
		for i := range of {
			if of[i].workload != w {
				continue
			}
			if of[i].victim {
				l.theirs += of[i].loss
			} else {
				l.own = max(l.own, of[i].loss)
			}
			if of[i].loss > worst {
				worst, l.worst, l.evidence = of[i].loss, pod, of[i].evidence
			}
		}
	}
	return l
}

// Score returns what is lost on the node, in 1/10,000 of a container's alone-performance, as a number below 0.
func (p *IsolationFit) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	c, err := schedplugin.ReadState[*cycle](state, scoreKey)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	return scale.Raw(-c.loss(info, "").total()), nil
}

// ScoreExtensions returns the plugin itself.
func (p *IsolationFit) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore maps losses to 0..100, see the package documentation. In mode shadow every node gets 0, which changes nothing.
func (p *IsolationFit) NormalizeScore(_ context.Context, state fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	c, err := schedplugin.ReadState[*cycle](state, scoreKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	c.scored = len(scores)
	c.best, _ = scale.Normalize(scores, c.mode == v1alpha1.Shadow)
	return nil
}
