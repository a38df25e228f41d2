package nodepoints

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// fieldManager is who the set-points and their version belong to.
const fieldManager = "ballast-recommender"

// Reasons of events.
const (
	ReasonWritten  = "SetPointsWritten"
	ReasonConflict = "SetPointsConflict"
)

// bring writes the table of a node if it is due. Where the object has changed since it was followed, or is gone, that is for the next round.
func (k *Keeper) bring(ctx context.Context, n *optedIn, p places, c claims, now time.Time) error {
	if !k.due(n, p, c, now) {
		return nil
	}
	table := next(n.control.SetPoints, n.name, p, c)
	err := k.apply(ctx, n, table, versionOf(table, now))
	owners := managers(err)
	switch {
	case owners != "":
		k.refuse(ctx, n, owners, now)
		return nil
	case apierrors.IsConflict(err):
		return nil
	case err != nil:
		return fmt.Errorf("writing the set-points of NodeIsolation %s: %w", n.name, err)
	}
	delete(k.refused, n.name)
	k.metrics.writes.WithLabelValues(written).Inc()
	changed, gone := changes(n.control.SetPoints, table)
	text := describe(table, changed, gone, p, c)
	klog.FromContext(ctx).Info("Wrote set-points of a node", "node", n.name, "what", text)
	k.event(n, v1.EventTypeNormal, ReasonWritten, text)
	return nil
}

// due says whether a table differs by enough from what stands, and may be written.
func (k *Keeper) due(n *optedIn, p places, c claims, now time.Time) bool {
	changed, gone := changes(n.control.SetPoints, next(n.control.SetPoints, n.name, p, c))
	if len(changed)+len(gone) == 0 {
		delete(k.refused, n.name)
		return false
	}
	if r, refused := k.refused[n.name]; refused && r.generation == n.generation && within(now, r.at, tryAgain*k.every) {
		return false
	}
	// Versions are in whole seconds, and rounds are not exact.
	return !within(now, writtenAt(n.control.Version), k.every-k.every/8)
}

// within says whether something was less than that ago. What lies ahead was not: a clock was put back.
func within(now, then time.Time, d time.Duration) bool {
	since := now.Sub(then)
	return since >= 0 && since < d
}

// apply writes a table and its version over what was read, unless somebody else's stands there or the object has changed since.
func (k *Keeper) apply(ctx context.Context, n *optedIn, table []v1alpha1.SetPoint, version string) error {
	points := make([]any, len(table))
	for i := range table {
		point, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&table[i])
		if err != nil {
			return fmt.Errorf("encoding: %w", err)
		}
		points[i] = point
	}
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "NodeIsolation",
		"metadata": map[string]any{"name": n.name, "uid": string(n.uid), "resourceVersion": n.version},
		"spec":     map[string]any{"control": map[string]any{"setPoints": points, "version": version}},
	}}
	_, err := k.client.Resource(v1alpha1.NodeIsolations).Apply(ctx, n.name, u, metav1.ApplyOptions{FieldManager: fieldManager})
	return err
}

// managers are those that own what was to be written, as the API server says; "" for any other outcome.
func managers(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return ""
	}
	var list []string
	for _, cause := range status.Status().Details.Causes {
		if cause.Type == metav1.CauseTypeFieldManagerConflict {
			list = append(list, fmt.Sprintf("%s (%s)", cause.Message, cause.Field))
		}
	}
	return strings.Join(list, ", ")
}

// refuse tells once that somebody else's table stands.
func (k *Keeper) refuse(ctx context.Context, n *optedIn, owners string, now time.Time) {
	before := k.refused[n.name]
	k.refused[n.name] = refusal{generation: n.generation, at: now, why: owners}
	k.metrics.writes.WithLabelValues(conflicted).Inc()
	if before.why == owners {
		return
	}
	message := fmt.Sprintf("the set-points stay as they are: %s; remove these fields so that ballast-recommender writes them, or annotation %s so that it does not try",
		owners, Annotation)
	klog.FromContext(ctx).Info("Somebody else wrote set-points of a node", "node", n.name, "what", message)
	k.event(n, v1.EventTypeWarning, ReasonConflict, message)
}
