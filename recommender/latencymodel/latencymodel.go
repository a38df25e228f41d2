// Package latencymodel publishes what the recommender knows of each latency objective as a LatencyModel object, so that ballast-scheduler
// (plugin GraphScore) can tell what an objective loses where a pod runs.
//
// A model is published for an objective that decides, is not in mode shadow or off by itself, and has workloads whose speed matters. It is
// confirmed every other round. Nothing is withdrawn: a model whose objective went blind is not confirmed, and readers stop believing it
// when it is older than they accept; one whose objective is deleted is collected with it (owner reference).
package latencymodel

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/latency/network"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/objectives/links"
)

// fieldManager is who the fields of published objects belong to.
const fieldManager = "ballast-recommender"

// Of returns the model that a report supports, nil if there is none.
func Of(r *objectives.Report) *v1alpha1.LatencyModel {
	o := r.Objective
	if r.Decision.Blind || (o.Spec.Mode != "" && o.Spec.Mode != v1alpha1.ObjectiveActive) {
		return nil
	}
	m := &v1alpha1.LatencyModel{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "LatencyModel"},
		ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, OwnerReferences: []metav1.OwnerReference{{
			APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "LatencyObjective", Name: o.Name, UID: o.UID,
		}}},
		Spec: v1alpha1.LatencyModelSpec{
			Format: v1alpha1.LatencyModelFormat, PublishedAt: metav1.NewTime(r.Time), Percentile: o.Spec.Percentile, Target: o.Spec.Target,
			Predicted: metav1.Duration{Duration: duration(r.Decision.Predicted.Value)}, Workloads: []v1alpha1.LatencyModelWorkload{},
		},
	}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if w.Allocation == nil || w.Pods < 1 || !(w.Allocation.Slowdown > 0) || math.IsInf(w.Allocation.Slowdown, 1) {
			continue
		}
		m.Spec.Workloads = append(m.Spec.Workloads, v1alpha1.LatencyModelWorkload{
			WorkloadReference: w.Reference, Pods: int32(min(w.Pods, math.MaxInt32)), //nolint:gosec // bounded
			SlowdownMilliseconds: math.Round(1e6*w.Allocation.Slowdown) / 1e3, // to the microsecond
		})
	}
	if len(m.Spec.Workloads) == 0 {
		return nil
	}
	m.Spec.Calls, m.Spec.Network = calls(r.Calls), costs(&r.Network)
	return m
}

// maxCalls is what the type takes.
const maxCalls = 1000

func calls(list []links.Call) []v1alpha1.LatencyModelCall {
	var out []v1alpha1.LatencyModelCall
	for _, c := range list[:min(len(list), maxCalls)] {
		out = append(out, v1alpha1.LatencyModelCall{From: c.From, To: c.To, Critical: math.Round(1e4*c.Critical) / 1e4})
	}
	return out
}

// costs are those that are known.
func costs(c *network.Costs) []v1alpha1.NetworkCost {
	micros := func(seconds float64) float64 { return math.Round(1e6*seconds) / 1e3 } // in ms, to the microsecond
	var out []v1alpha1.NetworkCost
	for _, at := range []struct {
		distance v1alpha1.NetworkDistance
		cost     network.Cost
	}{{v1alpha1.DistanceNode, c.Node}, {v1alpha1.DistanceZone, c.Zone}, {v1alpha1.DistanceRegion, c.Region}} {
		if at.cost.Known {
			out = append(out, v1alpha1.NetworkCost{
				Distance: at.distance, Milliseconds: micros(at.cost.Seconds), StandardError: micros(at.cost.StandardError), Calls: int64(at.cost.Calls),
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
	// published is when each objective's was, by the objective's UID.
	published map[types.UID]time.Time
}

// NewPublisher returns a publisher for rounds of that length.
func NewPublisher(client dynamic.Interface, round time.Duration) *Publisher {
	return &Publisher{client: client, every: 2 * round, published: map[types.UID]time.Time{}}
}

// Publish writes the models that are due, until the context ends. What fails is in the error and tried again in the next round. Where the
// resource does not exist, because its CRD is not installed, there is nobody to tell, and that is no error.
func (p *Publisher) Publish(ctx context.Context, reports []objectives.Report) error {
	var errs error
	before := p.published
	p.published = make(map[types.UID]time.Time, len(reports))
	for i := range reports {
		r := &reports[i]
		uid := r.Objective.UID
		last, ok := before[uid]
		if ok && r.Time.Sub(last) < p.every-p.every/8 && !r.Time.Before(last) { // rounds are not exact
			p.published[uid] = last
			continue
		}
		m := Of(r)
		if m == nil || ctx.Err() != nil {
			continue
		}
		switch err := p.apply(ctx, m); {
		case err == nil, apierrors.IsNotFound(err):
			p.published[uid] = r.Time
		default:
			errs = errors.Join(errs, fmt.Errorf("publishing LatencyModel %s/%s: %w", m.Namespace, m.Name, err))
		}
	}
	return errs
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
