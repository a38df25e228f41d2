package isolationfit

import (
	"context"
	"fmt"
	"math"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit"
)

// The scale of scores, in one place and that of InterferenceFit: Score returns the loss in units of 1/lossUnits of a container's
// alone-performance, as a number below 0; NormalizeScore takes lossPerPoint of them off 100 for every point.
const (
	lossUnits    = 10_000
	lossPerPoint = lossUnits / 100
)

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

func readCycle(state fwk.CycleState) (*cycle, error) {
	data, err := state.Read(scoreKey)
	if err != nil {
		return nil, fmt.Errorf("reading %q from cycleState: %w", scoreKey, err)
	}
	c, ok := data.(*cycle)
	if !ok {
		return nil, fmt.Errorf("reading %q from cycleState: got a %T", scoreKey, data)
	}
	return c, nil
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
	case interferencefit.Background(pod):
		reason = reasonDaemonSet
	default:
		if c.partners = c.know.partners[workloadOf(pod)]; len(c.partners) == 0 && !c.know.measured {
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
	own, theirs, taken float64
	evidence           string
}

func (l loss) total() float64 { return l.own + l.theirs + l.taken }

func (c *cycle) loss(info fwk.NodeInfo, except types.UID) loss {
	l := loss{taken: c.know.taken(info.Node().Name)}
	l.own, l.theirs, l.evidence = beside(c.partners, info.GetPods(), except)
	return l
}

// Score returns what is lost on the node, in 1/10,000 of a container's alone-performance, as a number below 0.
func (p *IsolationFit) Score(_ context.Context, state fwk.CycleState, _ *v1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	c, err := readCycle(state)
	if err != nil {
		return 0, fwk.AsStatus(err)
	}
	return -int64(math.Round(c.loss(info, "").total() * lossUnits)), nil
}

// ScoreExtensions returns the plugin itself.
func (p *IsolationFit) ScoreExtensions() fwk.ScoreExtensions { return p }

// NormalizeScore maps losses to 0..100, see the package documentation. In mode shadow every node gets 0, which changes nothing.
func (p *IsolationFit) NormalizeScore(_ context.Context, state fwk.CycleState, _ *v1.Pod, scores fwk.NodeScoreList) *fwk.Status {
	c, err := readCycle(state)
	if err != nil {
		return fwk.AsStatus(err)
	}
	c.scored = len(scores)
	for i, s := range scores {
		if i == 0 || s.Score > c.best.Score || s.Score == c.best.Score && s.Name < c.best.Name {
			c.best = s
		}
	}
	for i := range scores {
		if c.mode == v1alpha1.Shadow {
			scores[i].Score = 0
			continue
		}
		scores[i].Score = max(fwk.MinScore, fwk.MaxScore-(c.best.Score-scores[i].Score+lossPerPoint/2)/lossPerPoint)
	}
	return nil
}
