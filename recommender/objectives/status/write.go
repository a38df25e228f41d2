package status

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/record"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
)

// Writer writes what rounds report into the objects' status, and events where that changes something. It is not safe for concurrent use.
type Writer struct {
	client dynamic.Interface
	events record.EventRecorder
	// written is what this process wrote last and on what version, by object: the follower may not have seen it yet.
	written map[types.UID]written
	// advised are the reasons of advice in force, by VPA object.
	advised map[types.UID]map[string]string
	// last is the name of the object written last.
	last string
}

type written struct {
	on     string // resourceVersion
	status v1alpha1.LatencyObjectiveStatus
}

// NewWriter returns a writer.
func NewWriter(client dynamic.Interface, events record.EventRecorder) *Writer {
	return &Writer{client: client, events: events, written: map[types.UID]written{}, advised: map[types.UID]map[string]string{}}
}

// Write brings the objects up to date, until the context ends: first those whose workloads have changed, because the next leader goes on
// from them, and of equals those after the one written last. What fails is in the error and, as what was not reached, is tried again in
// the next round.
func (w *Writer) Write(ctx context.Context, reports []objectives.Report) error {
	var errs error
	before := w.written
	w.written = make(map[types.UID]written, len(reports))
	list := w.changes(reports, before)
	for i, c := range list {
		o := c.report.Objective
		if ctx.Err() != nil {
			errs = errors.Join(errs, fmt.Errorf("%d of %d statuses of LatencyObjectives are not written: %w", len(list)-i, len(list), ctx.Err()))
			break
		}
		delete(w.written, o.UID) // in case it fails: nobody knows what stands there
		if err := w.patch(ctx, o, &c.is); err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		w.written[o.UID] = written{on: o.ResourceVersion, status: c.is}
		w.last = name(o)
		w.tell(o, c.was.Conditions, c.is.Conditions)
	}
	w.advise(reports)
	return errs
}

// change is a status to be written.
type change struct {
	report  *objectives.Report
	was, is v1alpha1.LatencyObjectiveStatus
}

// changes returns the statuses to be written, in the order in which to do it, and notes for all what stands there now.
func (w *Writer) changes(reports []objectives.Report, before map[types.UID]written) []change {
	var list []change
	for i := range reports {
		r := &reports[i]
		was := r.Objective.Status
		if last, ok := before[r.Objective.UID]; ok && last.on == r.Objective.ResourceVersion {
			was = last.status
		}
		is := Of(&was, r)
		if !equality.Semantic.DeepEqual(was, is) {
			list = append(list, change{r, was, is})
		}
		w.written[r.Objective.UID] = written{on: r.Objective.ResourceVersion, status: was}
	}
	rank := func(c change) int {
		switch name := name(c.report.Objective); {
		case moved(&c.was, &c.is):
			return 0
		case name > w.last:
			return 1
		default:
			return 2
		}
	}
	slices.SortStableFunc(list, func(a, b change) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// moved reports whether a workload has another phase or target.
func moved(a, b *v1alpha1.LatencyObjectiveStatus) bool {
	where := func(s *v1alpha1.LatencyObjectiveStatus) map[string]v1alpha1.WorkloadBudget {
		all := make(map[string]v1alpha1.WorkloadBudget, len(s.Budgets))
		for i := range s.Budgets {
			b := &s.Budgets[i]
			all[b.Workload] = v1alpha1.WorkloadBudget{Container: b.Container, Phase: b.Phase, TargetMillicores: b.TargetMillicores}
		}
		return all
	}
	return !maps.Equal(where(a), where(b))
}

func name(o *v1alpha1.LatencyObjective) string { return o.Namespace + "/" + o.Name }

// patch replaces the status of this very object. One that is gone needs none.
func (w *Writer) patch(ctx context.Context, o *v1alpha1.LatencyObjective, status *v1alpha1.LatencyObjectiveStatus) error {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	body, err := json.Marshal([]operation{{"test", "/metadata/uid", o.UID}, {"add", "/status", status}})
	if err != nil {
		return fmt.Errorf("encoding the status of LatencyObjective %s/%s: %w", o.Namespace, o.Name, err)
	}
	objects := w.client.Resource(v1alpha1.LatencyObjectives).Namespace(o.Namespace)
	_, err = objects.Patch(ctx, o.Name, types.JSONPatchType, body, metav1.PatchOptions{}, "status")
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status of LatencyObjective %s/%s: %w", o.Namespace, o.Name, err)
	}
	return nil
}

// tell makes an event of every condition that became true or false.
func (w *Writer) tell(o *v1alpha1.LatencyObjective, before, after []metav1.Condition) {
	was := map[string]metav1.ConditionStatus{}
	for _, c := range before {
		was[c.Type] = c.Status
	}
	ref := &v1.ObjectReference{
		APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "LatencyObjective", Namespace: o.Namespace, Name: o.Name, UID: o.UID,
	}
	for _, c := range after {
		bad := (c.Status == metav1.ConditionTrue) != (c.Type == v1alpha1.ConditionMet)
		switch {
		case c.Status == was[c.Type], c.Status == metav1.ConditionUnknown: // while blind, Blind tells
		case was[c.Type] != metav1.ConditionTrue && was[c.Type] != metav1.ConditionFalse && !bad: // nothing was amiss before either
		case bad:
			w.events.Eventf(ref, v1.EventTypeWarning, c.Reason, "%s is %s: %s", c.Type, c.Status, c.Message)
		default:
			w.events.Eventf(ref, v1.EventTypeNormal, c.Reason, "%s is %s: %s", c.Type, c.Status, c.Message)
		}
	}
}

// advise makes an event on a VPA object where something new keeps its target from helping.
func (w *Writer) advise(reports []objectives.Report) {
	before := w.advised
	w.advised = map[types.UID]map[string]string{}
	for i := range reports {
		for j := range reports[i].Workloads {
			workload := &reports[i].Workloads[j]
			uid := types.UID(workload.UID)
			if len(workload.Advice) == 0 || w.advised[uid] != nil {
				continue
			}
			w.advised[uid] = workload.Advice
			for _, reason := range []string{objectives.AdviceLimit, objectives.AdviceHeadroom} {
				message, now := workload.Advice[reason]
				if _, told := before[uid][reason]; now && !told {
					w.events.Event(&v1.ObjectReference{
						APIVersion: "autoscaling.k8s.io/v1", Kind: "VerticalPodAutoscaler", Namespace: reports[i].Objective.Namespace, Name: workload.Name, UID: uid,
					}, v1.EventTypeWarning, reason, message)
				}
			}
		}
	}
}
