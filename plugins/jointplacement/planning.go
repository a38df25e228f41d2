package jointplacement

import (
	"cmp"
	"context"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/plan"
)

// target is a pod with its planned place.
type target struct {
	pod   *v1.Pod
	place hold.Place
}

// planGroups plans the pods of groups and writes what came out.
func (p *JointPlacement) planGroups(ctx context.Context, c condition, ready []hold.Key) {
	groups := hold.Names(ready)
	pods, made, err := p.planAll(ctx, c, p.collect(ctx, c, ready))
	if err != nil {
		klog.FromContext(ctx).Error(err, "Cannot plan; letting the pods go", "groups", groups, "pods", len(pods))
		p.metrics.plans.WithLabelValues(p.profile, string(c.Mode), resultFailed).Inc()
		p.letGo(ctx, reasonFailed, uidsOf(pods))
		return
	}
	if made == nil {
		return // nobody is left
	}
	p.record(ctx, c, made.Plan, groups)
	p.complain(pods)
	if c.Mode == v1alpha1.Shadow {
		p.compare(ctx, c, made.Plan, pods)
		p.forget(uidsOf(pods))
		return
	}
	p.write(ctx, &hold.Batch{Pods: len(made.targets), Groups: groups, Sentence: made.Sentence(), Model: c.Version}, made)
}

// collect takes the pods of the groups as they are now, by name. Those that changed into something that is not planned for are let go.
func (p *JointPlacement) collect(ctx context.Context, c condition, ready []hold.Key) []*v1.Pod {
	var pods []*v1.Pod
	var others []types.UID
	for _, w := range p.waiting.Waiters(ready) {
		pod, err := p.pods.Pods(w.Name.Namespace).Get(w.Name.Name)
		switch {
		case err != nil || pod.UID != w.UID:
			p.waiting.Forget(w.UID, p.clock.Now())
		case plannable(c, pod) || c.Mode == v1alpha1.Shadow && plannable(c, unbound(pod)):
			pods = append(pods, pod)
		default:
			others = append(others, w.UID)
		}
	}
	if len(others) > 0 {
		p.letGo(ctx, reasonUnplanned, others)
	}
	slices.SortFunc(pods, func(a, b *v1.Pod) int { return cmp.Compare(nameOf(a), nameOf(b)) })
	return pods
}

// unbound is a pod as if it had no node.
func unbound(pod *v1.Pod) *v1.Pod {
	free := *pod
	free.Spec.NodeName = ""
	return &free
}

// nameOf is the name of a pod in a plan.
func nameOf(pod *v1.Pod) string { return cache.MetaObjectToName(pod).String() }

func uidsOf(pods []*v1.Pod) []types.UID {
	uids := make([]types.UID, 0, len(pods))
	for _, pod := range pods {
		uids = append(uids, pod.UID)
	}
	return uids
}

// outcome is a plan for pods: those with a place, and those without.
type outcome struct {
	*plan.Plan
	targets []target
	rest    []*v1.Pod
}

// planAll plans pods. Gangs that don't find room for all are put off, and the others, which are returned too, are planned without them.
// There is no outcome if nobody is left.
func (p *JointPlacement) planAll(ctx context.Context, c condition, pods []*v1.Pod) ([]*v1.Pod, *outcome, error) {
	for len(pods) > 0 {
		made, err := p.planOnce(ctx, c, pods, nil)
		if err != nil {
			return pods, nil, err
		}
		put := p.waiting.PutOff(uidsOf(made.rest), p.clock.Now().Add(gangRetry))
		if len(put) == 0 {
			return pods, made, nil
		}
		klog.FromContext(ctx).V(2).Info("No room for all pods of a gang; it waits", "pods", len(put))
		pods = slices.DeleteFunc(pods, func(pod *v1.Pod) bool { return put.Has(pod.UID) })
	}
	return nil, nil, nil
}

// planOnce reads the cluster and plans the pods on it.
func (p *JointPlacement) planOnce(ctx context.Context, c condition, pods []*v1.Pod, refused refusals) (*outcome, error) {
	p.breathe()
	begin := p.clock.Now()
	in, err := p.view.Input(c.Known, pods, refused)
	if err != nil {
		return nil, err
	}
	if in.Dropped > 0 {
		klog.FromContext(ctx).Info("Too many soft constraints; planning without the surplus", "leftOut", in.Dropped)
	}
	made, err := plan.Make(in.Input)
	if err != nil {
		return nil, err
	}
	p.metrics.planSeconds.WithLabelValues(p.profile).Observe(p.clock.Since(begin).Seconds())
	byName := make(map[string]plan.Placement, len(made.Placements))
	for _, at := range made.Placements {
		byName[at.Pod] = at
	}
	out := &outcome{Plan: made}
	for _, pod := range pods {
		if at, ok := byName[nameOf(pod)]; ok {
			out.targets = append(out.targets, target{pod: pod, place: hold.Place{Node: at.Node, Kind: in.KindOf[pod.UID], Predicted: at.Predicted}})
		} else {
			out.rest = append(out.rest, pod)
		}
	}
	return out, nil
}

// mostBroken is how many broken constraints the log names, the costliest first.
const mostBroken = 5

// record counts and logs a plan.
func (p *JointPlacement) record(ctx context.Context, c condition, made *plan.Plan, groups string) {
	result := resultBounded
	switch {
	case len(made.Unplaced) > 0:
		result = resultPartial
	case made.Optimal():
		result = resultOptimal
	case !made.Proven:
		result = resultUnbounded
	}
	p.metrics.plans.WithLabelValues(p.profile, string(c.Mode), result).Inc()
	p.metrics.plannedPods.WithLabelValues(p.profile, string(c.Mode)).Add(float64(len(made.Placements)))
	if made.Proven {
		p.metrics.planGap.WithLabelValues(p.profile).Observe(made.Gap())
	}
	klog.FromContext(ctx).V(2).Info("Planned pods together", "groups", groups, "pods", len(made.Placements), "unplaced", len(made.Unplaced),
		"mode", c.Mode, "gain", made.Gain, "bound", made.Bound, "constraintsCost", made.Cost, "constraintsBroken", made.Broken[:min(len(made.Broken), mostBroken)], "proven", made.Proven, "nodeGroups", made.Groups, "patterns", made.Patterns,
		"model", c.Version, "stale", c.Stale)
}

// complain tells pods that their annotation of constraints cannot be read.
func (p *JointPlacement) complain(pods []*v1.Pod) {
	for _, pod := range pods {
		if err := p.view.Wishes.Problem(pod); err != nil {
			p.events.Tell(pod, nil, v1.EventTypeWarning, eventActionRead, err.Error)
		}
	}
}

// compare logs what a plan in mode shadow would have gained over what was done without it, if all its pods have a node by now.
func (p *JointPlacement) compare(ctx context.Context, c condition, made *plan.Plan, pods []*v1.Pod) {
	at := map[string]string{}
	for _, pod := range pods {
		if node := p.ledger.NodeOf(pod.UID); node != "" {
			at[nameOf(pod)] = node
		}
	}
	logger := klog.FromContext(ctx).V(2)
	in, err := p.view.Input(c.Known, pods, nil)
	if err != nil || len(at) < len(pods) {
		logger.Info("Shadow: not all pods of a joint plan have a node yet, so there is nothing to compare", "pods", len(pods), "placed", len(at))
		return
	}
	logger.Info("Shadow: a joint plan against what was done", "pods", len(pods), "planned", made.Gain, "done", plan.Gain(in.Input, at))
}
