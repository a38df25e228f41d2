// Package latencymodel publishes what the recommender knows of each latency objective as a LatencyModel object, so that ballast-scheduler
// (plugin GraphScore) can tell what an objective loses where a pod runs.
//
// A model is published for each objective that decides or has decided here, with the objective's own mode, and confirmed every other round. Once
// an objective is blind or off its model is published without workloads, so that nothing is placed by it any more. What this process never
// published, such as before its first decision after a start, stands as it is: readers stop believing a model that is not confirmed.
// One whose objective is deleted is collected with it (owner reference).
//
// The model also carries what the next leader goes on from (Recall): without it, it would hold what was decided for some rounds. Until that leader
// has read it, or has given up, nothing is published in its place.
//
// Only workloads have a part that a VerticalPodAutoscaler gives to this recommender: of others no CPU, and so no law, is known.
package latencymodel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/latency/network"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/objectives/links"
)

// fieldManager is who the fields of published objects belong to.
const fieldManager = "ballast-recommender"

// Of returns the model that a report supports: without workloads where nothing is known, or the objective is off. Of so many workloads the
// next leader will know nothing, because a model does not take more.
func Of(r *objectives.Report) (model *v1alpha1.LatencyModel, forgotten int) {
	o := r.Objective
	m := &v1alpha1.LatencyModel{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "LatencyModel"},
		ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, OwnerReferences: []metav1.OwnerReference{{
			APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "LatencyObjective", Name: o.Name, UID: o.UID,
		}}},
		Spec: v1alpha1.LatencyModelSpec{
			Format: v1alpha1.LatencyModelFormat, PublishedAt: metav1.NewTime(r.Time), Mode: cmp.Or(o.Spec.Mode, v1alpha1.ObjectiveActive),
			Percentile: o.Spec.Percentile, Target: o.Spec.Target, Workloads: []v1alpha1.LatencyModelWorkload{},
		},
	}
	if o.Spec.Mode == v1alpha1.ObjectiveOff {
		return m, 0
	}
	m.Spec.Memory, forgotten = memory(r)
	if r.Decision.Blind {
		return m, forgotten
	}
	m.Spec.Predicted.Duration = duration(r.Decision.Predicted.Value)
	names := make(map[string]bool, len(r.Workloads))
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if w.Allocation == nil || w.Pods < 1 || !(w.Allocation.Slowdown >= 0) || math.IsInf(w.Allocation.Slowdown, 1) {
			continue
		}
		names[w.Reference.Name] = true
		m.Spec.Workloads = append(m.Spec.Workloads, v1alpha1.LatencyModelWorkload{
			WorkloadReference: w.Reference, Pods: int32(min(w.Pods, math.MaxInt32)), //nolint:gosec // bounded
			SlowdownMilliseconds: digits(1e3 * w.Allocation.Slowdown),
		})
	}
	if r.Links != nil {
		m.Spec.Calls, m.Spec.Network = calls(r.Links.Calls(r.Time, linksMaxAge), names), costs(r.Links.Costs())
	}
	return m, forgotten
}

// linksMaxAge is how old the last traces of a call may be: that of the readers' LatencyModels.
const linksMaxAge = 10 * time.Minute

// digits rounds to two digits: the rest is noise, and would make readers think that something changed.
func digits(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	rounded := math.Round(x/unit) * unit
	return math.Round(rounded*1e6) / 1e6
}

// maxCalls is what the type takes.
const maxCalls = 1000

// calls are those between workloads of the model.
func calls(list []links.Call, names map[string]bool) []v1alpha1.LatencyModelCall {
	var out []v1alpha1.LatencyModelCall
	for _, c := range list {
		if names[c.From] && names[c.To] && len(out) < maxCalls {
			out = append(out, v1alpha1.LatencyModelCall{From: c.From, To: c.To, Critical: digits(c.Critical)})
		}
	}
	return out
}

// costs are those that are known.
func costs(c network.Costs) []v1alpha1.NetworkCost {
	var out []v1alpha1.NetworkCost
	for _, at := range []struct {
		distance v1alpha1.NetworkDistance
		cost     network.Cost
	}{{v1alpha1.DistanceNode, c.Node}, {v1alpha1.DistanceZone, c.Zone}, {v1alpha1.DistanceRegion, c.Region}} {
		if at.cost.Known {
			out = append(out, v1alpha1.NetworkCost{
				Distance: at.distance, Milliseconds: digits(1e3 * at.cost.Seconds), StandardError: digits(1e3 * at.cost.StandardError), Calls: int64(at.cost.Calls),
			})
		}
	}
	return out
}

// longest is the most that a published percentile says: beyond, the load is more than the CPU can serve.
const longest = time.Hour

func duration(seconds float64) time.Duration {
	if !(seconds < longest.Seconds()) {
		return longest
	}
	return time.Duration(max(seconds, 0) * float64(time.Second)).Round(10 * time.Microsecond)
}

// Publisher writes the models. It is not safe for concurrent use.
type Publisher struct {
	client dynamic.Interface
	every  time.Duration
	// published is what was last, by the objective's UID.
	published map[types.UID]published
	// last is the name of the objective published last.
	last string
	// absent says that the resource does not exist.
	absent bool
}

// published is when a model was, in which state, and how many workloads its memory lacked.
type published struct {
	at        time.Time
	state     string
	forgotten int
}

// stateOf is what may not wait for the next turn: the mode, and whether anything is known.
func stateOf(r *objectives.Report) (state string, empty bool) {
	mode := cmp.Or(r.Objective.Spec.Mode, v1alpha1.ObjectiveActive)
	empty = r.Decision.Blind || mode == v1alpha1.ObjectiveOff || !slices.ContainsFunc(r.Workloads, func(w objectives.WorkloadReport) bool {
		return w.Allocation != nil && w.Pods > 0
	})
	return fmt.Sprintf("%s/%t", mode, empty), empty
}

// NewPublisher returns a publisher for rounds of that length.
func NewPublisher(client dynamic.Interface, round time.Duration) *Publisher {
	return &Publisher{client: client, every: 2 * round, published: map[types.UID]published{}}
}

// Publish writes the models that are due, until the context ends, beginning after the one written last. What fails is in the error and, as
// what was not reached, tried again in the next round. Where the resource does not exist, because its CRD is not installed, there is nobody
// to tell: that is no error, and logged when it changes.
func (p *Publisher) Publish(ctx context.Context, reports []objectives.Report) error {
	var errs error
	before := p.published
	p.published = make(map[types.UID]published, len(reports))
	var due []*objectives.Report
	for i := range reports {
		r := &reports[i]
		uid := r.Objective.UID
		last, known := before[uid]
		if known {
			p.published[uid] = last
		}
		if p.due(r, last, known) {
			due = append(due, r)
		}
	}
	name := func(r *objectives.Report) string { return r.Objective.Namespace + "/" + r.Objective.Name }
	slices.SortStableFunc(due, func(a, b *objectives.Report) int {
		after := func(r *objectives.Report) int { return btoi(name(r) <= p.last) }
		return cmp.Or(cmp.Compare(after(a), after(b)), cmp.Compare(name(a), name(b)))
	})
	for i, r := range due {
		if ctx.Err() != nil {
			return errors.Join(errs, fmt.Errorf("%d of %d LatencyModels are not published: %w", len(due)-i, len(due), ctx.Err()))
		}
		model, forgotten := Of(r)
		err := p.apply(ctx, model)
		p.tell(ctx, apierrors.IsNotFound(err))
		if err != nil && !apierrors.IsNotFound(err) {
			errs = errors.Join(errs, fmt.Errorf("publishing LatencyModel %s: %w", name(r), err))
			continue
		}
		state, _ := stateOf(r)
		if forgotten > 0 && forgotten != p.published[r.Objective.UID].forgotten {
			klog.FromContext(ctx).Info("What is known of an objective's workloads is more than a LatencyModel takes: the next leader learns those "+
				"anew that were least used", "objective", klog.KObj(r.Objective), "leftOut", forgotten, "workloads", len(r.Workloads),
				"bytes", v1alpha1.MaxLatencyModelMemory)
		}
		p.published[r.Objective.UID], p.last = published{r.Time, state, forgotten}, name(r)
	}
	return errs
}

// due says whether a model is to be written: every other round, at once when its state changes, and never an empty one first.
func (p *Publisher) due(r *objectives.Report, last published, known bool) bool {
	state, empty := stateOf(r)
	switch {
	case r.Recalling: // what the last leader knew is not read yet
		return false
	case !known:
		return !empty
	case state != last.state:
		return true
	}
	return r.Time.Sub(last.at) >= p.every-p.every/8 || r.Time.Before(last.at) // rounds are not exact
}

// tell logs whether the resource exists, when that changes.
func (p *Publisher) tell(ctx context.Context, absent bool) {
	if absent != p.absent {
		p.absent = absent
		klog.FromContext(ctx).Info("The resource latencymodels.ballast.dev, which the scheduler's GraphScore reads", "exists", !absent)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *Publisher) apply(ctx context.Context, m *v1alpha1.LatencyModel) error {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(m)
	if err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	u := &unstructured.Unstructured{Object: content}
	_, err = p.client.Resource(v1alpha1.LatencyModels).Namespace(m.Namespace).Apply(ctx, m.Name, u, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	return nil
}
