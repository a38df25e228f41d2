package interferencefit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// modelState is what is known of the InterferenceModel object. It is immutable.
type modelState struct {
	// know is the last good model, nil if there is none; publishedAt when it was last confirmed.
	know        *knowledge
	publishedAt time.Time
	// problem is why the object as it is cannot be used: a blind reason, "" if it can.
	problem string
}

// modelSource keeps the newest good model of one InterferenceModel object.
type modelSource struct {
	watch   *objectWatch
	name    string
	current atomic.Pointer[modelState]
	// changed runs after every change.
	changed func(context.Context)
	// count counts what came by result.
	count func(result string)
}

// Results of a change of the InterferenceModel object. They are label values of a metric.
const (
	resultAccepted  = "accepted"
	resultConfirmed = "confirmed"
	resultDeleted   = "deleted"
)

// errUnsupportedFormat is a model of a layout that this version does not read.
var errUnsupportedFormat = errors.New("unsupported format")

func newModelSource(client dynamic.Interface, name string, c clock.WithTicker, count func(string), changed func(context.Context)) *modelSource {
	s := &modelSource{name: name, changed: changed, count: count}
	s.current.Store(&modelState{problem: reasonNoModel})
	models := client.Resource(v1alpha1.InterferenceModels)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			only(name, &options)
			return models.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			only(name, &options)
			return models.Watch(ctx, options)
		},
	}
	s.watch = newObjectWatch(fmt.Sprintf("InterferenceModel %q", name),
		cache.ToListWatcherWithWatchListSemantics(lw, client), &unstructured.Unstructured{}, c, s.take)
	return s
}

// take replaces the state by what the object holds. An object that cannot be used changes nothing but the problem: the last
// good model keeps deciding until it is too old. A deleted object is an order to forget.
func (s *modelSource) take(ctx context.Context, obj any) {
	logger := klog.FromContext(ctx)
	last := s.current.Load()
	if obj == nil && last.problem == reasonNoModel {
		return // still absent
	}
	next, err := readModel(obj, last)
	switch {
	case err != nil && last.know != nil:
		logger.Error(err, "Refused a change of the interference model; deciding by the last good one", "model", s.name, "version", last.know.model.Version())
	case err != nil:
		logger.Error(err, "Refused the interference model; there is no other: stock scheduling", "model", s.name)
	case next.know == nil && last.know != nil:
		logger.Info("The interference model was deleted: stock scheduling", "model", s.name)
	case next.know != last.know:
		logger.Info("Deciding by a new interference model", "model", s.name, "version", next.know.model.Version(),
			"classes", len(next.know.names), "publishedAt", next.publishedAt)
	}
	s.current.Store(next)
	s.count(resultOf(next, last))
	s.changed(ctx)
}

func resultOf(next, last *modelState) string {
	switch {
	case next.problem == reasonNoModel:
		return resultDeleted
	case next.problem != "":
		return next.problem
	case next.know == last.know:
		return resultConfirmed
	default:
		return resultAccepted
	}
}

// readModel turns the object into the next state after last.
func readModel(obj any, last *modelState) (*modelState, error) {
	if obj == nil {
		return &modelState{problem: reasonNoModel}, nil
	}
	m, publishedAt, err := decodeModel(obj)
	if err != nil {
		refused := *last
		refused.problem = reasonInvalidModel
		if errors.Is(err, errUnsupportedFormat) {
			refused.problem = reasonUnsupportedFormat
		}
		return &refused, err
	}
	if last.know != nil && last.know.model.Version() == m.Version() {
		return &modelState{know: last.know, publishedAt: publishedAt}, nil // caches stay good
	}
	return &modelState{know: newKnowledge(m), publishedAt: publishedAt}, nil
}

func decodeModel(obj any) (*interference.Model, time.Time, error) {
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

// missing reports whether a list failed because the resource itself does not exist.
func missing(err error) bool { return err != nil && apierrors.IsNotFound(err) }
