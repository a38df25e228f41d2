package modelsource

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// State is what is known of the InterferenceModel object. It is immutable.
type State[K any] struct {
	// Known is what was learned from the last good model, nil if there is none. An object that cannot be used changes nothing but the problem:
	// the last good model keeps deciding until it is too old. A deleted object is an order to forget.
	Known *K
	// Version is the model's, "" if there is none; PublishedAt when it was last confirmed.
	Version     string
	PublishedAt time.Time
	// Problem is why the object as it is cannot be used: ReasonNoModel, ReasonInvalidModel, ReasonUnsupportedFormat, or "" if it can.
	Problem string
}

// Results of a change of the InterferenceModel object; a refused one has its reason, ReasonInvalidModel or ReasonUnsupportedFormat. They are
// label values of a metric.
const (
	ResultAccepted  = "accepted"
	ResultConfirmed = "confirmed" // the same content, published again
	ResultDeleted   = "deleted"
)

// errUnsupportedFormat is a model of a layout that this version does not read.
var errUnsupportedFormat = errors.New("unsupported format")

// model keeps the newest good model of one InterferenceModel object.
type model[K any] struct {
	follower *follow.Follower
	name     string
	learn    func(*interference.Model) *K
	current  atomic.Pointer[State[K]]
	seen     Seen
}

func newModel[K any](client dynamic.Interface, name string, learn func(*interference.Model) *K, seen Seen) *model[K] {
	m := &model[K]{name: name, learn: learn, seen: seen}
	m.current.Store(&State[K]{Problem: ReasonNoModel})
	models := client.Resource(v1alpha1.InterferenceModels)
	m.follower = follow.Object(follow.Source{
		Name: fmt.Sprintf("InterferenceModel %q", name), Complaint: complaint,
		Example: &unstructured.Unstructured{}, List: follow.Lists(models.List), Watch: models.Watch, Client: client,
		Failed: func(ctx context.Context, err error) bool {
			if !apierrors.IsNotFound(err) {
				return false
			}
			m.take(ctx, nil) // no such resource, so no such object
			return true
		},
	}, name, m.take)
	return m
}

// take replaces the state by what the object holds, nil where there is none.
func (m *model[K]) take(ctx context.Context, obj any) {
	logger := klog.FromContext(ctx)
	last := m.current.Load()
	if obj == nil && last.Problem == ReasonNoModel {
		return // still absent
	}
	next, classes, err := m.read(obj, last)
	switch {
	case err != nil && last.Known != nil:
		logger.Error(err, "Refused a change of the interference model; deciding by the last good one", "model", m.name, "version", last.Version)
	case err != nil:
		logger.Error(err, "Refused the interference model; there is no other: stock scheduling", "model", m.name)
	case next.Known == nil && last.Known != nil:
		logger.Info("The interference model was deleted: stock scheduling", "model", m.name)
	case next.Known != last.Known:
		logger.Info("Deciding by a new interference model", "model", m.name, "version", next.Version,
			"classes", classes, "publishedAt", next.PublishedAt)
	}
	m.current.Store(next)
	m.seen.Model(resultOf(next, last))
	m.seen.Changed(ctx)
}

func resultOf[K any](next, last *State[K]) string {
	switch {
	case next.Problem == ReasonNoModel:
		return ResultDeleted
	case next.Problem != "":
		return next.Problem
	case next.Known == last.Known:
		return ResultConfirmed
	default:
		return ResultAccepted
	}
}

// read turns the object into the next state after last, and returns how many classes its model has.
func (m *model[K]) read(obj any, last *State[K]) (next *State[K], classes int, err error) {
	if obj == nil {
		return &State[K]{Problem: ReasonNoModel}, 0, nil
	}
	read, publishedAt, err := decode(obj)
	if err != nil {
		refused := *last
		refused.Problem = ReasonInvalidModel
		if errors.Is(err, errUnsupportedFormat) {
			refused.Problem = ReasonUnsupportedFormat
		}
		return &refused, 0, err
	}
	next = &State[K]{Known: last.Known, Version: read.Version(), PublishedAt: publishedAt}
	if last.Known == nil || last.Version != next.Version { // else caches stay good
		next.Known = m.learn(read)
	}
	return next, len(read.Classes()), nil
}

func decode(obj any) (*interference.Model, time.Time, error) {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return nil, time.Time{}, fmt.Errorf("reading interference model: got a %T", obj)
	}
	var im v1alpha1.InterferenceModel
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &im); err != nil {
		return nil, time.Time{}, fmt.Errorf("reading interference model %q: %w", u.GetName(), err)
	}
	if im.Spec.Format != interference.Format {
		return nil, time.Time{}, fmt.Errorf("interference model %q: format is %q, this Ballast reads %q: %w",
			im.Name, im.Spec.Format, interference.Format, errUnsupportedFormat)
	}
	m, err := im.Spec.Model()
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("interference model %q: %w", im.Name, err)
	}
	return m, im.Spec.PublishedAt.Time, nil
}
