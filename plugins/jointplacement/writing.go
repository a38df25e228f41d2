package jointplacement

import (
	"context"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/cluster"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/nomination"
)

const (
	// chunk is how many nominations, or look-ups of PodGroups, are under way at once: enough to hide the latency of a request. Between two
	// chunks of nominations the planner looks whether the plan still holds.
	chunk = 16
	// maxReplans bounds how often the rest of a batch is planned again.
	maxReplans = 3
)

// write nominates the planned nodes, chunk by chunk. Each pod passes as soon as the queue sees its nomination; the rest is planned again
// when one of them had to go elsewhere, or its node is not what it was. Pods without a place are let go last: before the nominations are
// written they would take the room that is planned for others.
func (p *JointPlacement) write(ctx context.Context, b *hold.Batch, made *outcome) {
	targets, rest := made.targets, made.rest
	defer func() { p.noRoom(ctx, rest) }()
	defer p.finish(ctx, b)
	p.promise(b, targets)
	for replans := 0; len(targets) > 0 && ctx.Err() == nil; {
		p.breathe()
		c := p.condition()
		if c.Known == nil || c.Mode != v1alpha1.Active {
			p.giveUp(ctx, reasonSwitch, targets)
			return
		}
		n := min(chunk, len(targets))
		if deviated, refused := p.deviated(b, targets[:n]); deviated && replans < maxReplans {
			replans++
			again := p.replan(ctx, c, b, targets, refused)
			targets, rest = again.targets, append(rest, again.rest...)
			continue
		}
		if failed := p.nominate(ctx, targets[:n]); len(failed) > 0 {
			p.giveUp(ctx, reasonFailed, failed)
			if len(failed) == n { // the API server does not take them at all
				p.giveUp(ctx, reasonFailed, targets[n:])
				return
			}
		}
		targets = targets[n:]
	}
}

// finish lets the pods pass that are nominated and waited for the rest of their batch. However the writing ended, nothing more will come.
func (p *JointPlacement) finish(ctx context.Context, b *hold.Batch) {
	if waited := p.waiting.Finish(b); len(waited) > 0 {
		p.try(klog.FromContext(ctx), waited)
	}
}

// promise counts the planned pods on their nodes, and makes them wait for their nominations.
func (p *JointPlacement) promise(b *hold.Batch, targets []target) {
	places := make(map[types.UID]hold.Place, len(targets))
	for _, t := range targets {
		p.ledger.Put(t.pod, t.place.Node, cluster.Intended)
		places[t.pod.UID] = t.place
	}
	p.waiting.Plan(b, places)
}

// refusals tells which nodes do not take pods of a kind.
type refusals = func(kind, node string) bool

// deviated reports whether a pod of the batch had to go elsewhere since the last look, or a node cannot take its pods any more, and
// tells which nodes refuse what.
func (p *JointPlacement) deviated(b *hold.Batch, targets []target) (bool, refusals) {
	for _, t := range targets {
		if node, err := p.view.Nodes.Get(t.place.Node); err != nil || !cluster.Feasible(t.pod, node) {
			p.waiting.Refuse(b, t.place.Kind, t.place.Node)
		}
	}
	return p.waiting.Deviated(b)
}

// noRoom lets pods go that no plan has a place for.
func (p *JointPlacement) noRoom(ctx context.Context, rest []*v1.Pod) {
	if len(rest) > 0 {
		p.letGo(ctx, reasonNoRoom, uidsOf(rest))
	}
}

// replan plans the rest of a batch on the cluster as it is now.
func (p *JointPlacement) replan(ctx context.Context, c condition, b *hold.Batch, targets []target, refused refusals) *outcome {
	p.metrics.replans.WithLabelValues(p.profile).Inc()
	logger := klog.FromContext(ctx)
	made, err := p.planOnce(ctx, c, podsOf(targets), refused)
	if err != nil {
		logger.Error(err, "Cannot plan the rest of a group again; letting its pods go", "pods", len(targets))
		p.giveUp(ctx, reasonFailed, targets)
		return &outcome{}
	}
	logger.V(2).Info("Planned the rest of a group again, as the cluster differs", "groups", b.Groups,
		"pods", len(made.targets), "unplaced", len(made.rest), "gain", made.Gain, "bound", made.Bound)
	for _, pod := range made.rest {
		p.ledger.Take(pod.UID, cluster.Intended)
	}
	p.promise(b, made.targets)
	return made
}

func podsOf(targets []target) []*v1.Pod {
	pods := make([]*v1.Pod, 0, len(targets))
	for _, t := range targets {
		pods = append(pods, t.pod)
	}
	return pods
}

// nominate writes nominations at the same time and returns those that failed.
func (p *JointPlacement) nominate(ctx context.Context, targets []target) []target {
	errs := make([]error, len(targets))
	var writing sync.WaitGroup
	for i, t := range targets {
		writing.Go(func() { errs[i] = nomination.Write(ctx, p.client, t.pod, t.place.Node) })
	}
	writing.Wait()
	var failed []target
	var written []types.UID
	for i, t := range targets {
		if errs[i] == nil {
			written = append(written, t.pod.UID)
			continue
		}
		failed = append(failed, t)
		if ctx.Err() == nil {
			klog.FromContext(ctx).Info("Cannot nominate a node; letting the pod go without a plan",
				"pod", klog.KObj(t.pod), "node", t.place.Node, "err", errs[i])
		}
	}
	p.waiting.Written(written, p.clock.Now())
	return failed
}

// giveUp lets planned pods go whose nominations are not written.
func (p *JointPlacement) giveUp(ctx context.Context, reason string, targets []target) {
	pods := podsOf(targets)
	for _, pod := range pods {
		p.ledger.Take(pod.UID, cluster.Intended)
	}
	if len(pods) > 0 {
		p.letGo(ctx, reason, uidsOf(pods))
	}
}
