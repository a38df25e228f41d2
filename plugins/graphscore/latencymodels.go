package graphscore

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
	"github.com/ballast-k8s/ballast/plugins/graphscore/stake"
)

// clockSkew is how far in the future a model may be published, as for interference models (package modelsource).
const clockSkew = 5 * time.Minute

// latencyModels follows all LatencyModel objects and keeps the stakes of those that are believed.
type latencyModels struct {
	follower *follow.Follower
	store    cache.Store
	maxAge   time.Duration
	current  atomic.Pointer[stakes]
	// objects are those read last, by key; only refresh has them.
	objects map[string]*object
}

// object is a LatencyModel as read.
type object struct {
	version string
	model   stake.Model
	mode    v1alpha1.ObjectiveMode
	// content identifies the model whenever it was published.
	content   uint64
	published time.Time
	err       error
}

// stakes is what is believed of the objectives. It is immutable; its address identifies it in caches.
type stakes struct {
	*stake.Table
	// built identifies what it was made from.
	built uint64
}

// census counts the LatencyModel objects.
type census struct {
	fresh, shadow, stale, invalid int
	// oldest is the age of the oldest fresh one.
	oldest time.Duration
	// problem is that of the first invalid one by name.
	problem error
}

func followLatencyModels(client dynamic.Interface, maxAge time.Duration) *latencyModels {
	l := newLatencyModels(maxAge)
	models := client.Resource(v1alpha1.LatencyModels)
	l.follower = follow.Kind(follow.Source{
		Name: "LatencyModel objects", Complaint: "Cannot follow latency models",
		Example: &unstructured.Unstructured{}, List: follow.Lists(models.List), Watch: models.Watch, Client: client,
		Failed: func(_ context.Context, err error) bool { return apierrors.IsNotFound(err) }, // no such resource, so no such object
	}, l.store)
	return l
}

func newLatencyModels(maxAge time.Duration) *latencyModels {
	l := &latencyModels{store: cache.NewStore(cache.MetaNamespaceKeyFunc), maxAge: maxAge}
	l.current.Store(&stakes{Table: stake.NewTable(nil)})
	return l
}

// refresh reads the objects that changed, makes the stakes anew if others are believed than before, and returns the census of now. A model
// that was confirmed, or whose numbers are the same, is the same.
func (l *latencyModels) refresh(now time.Time) census {
	before := l.objects
	l.objects = make(map[string]*object, len(before))
	for _, obj := range l.store.List() {
		key, version := keyOf(obj), versionOf(obj)
		if o := before[key]; o != nil && o.version == version {
			l.objects[key] = o
			continue
		}
		l.objects[key] = read(obj, version)
	}
	var seen census
	var models []stake.Model
	built := fnv.New64a()
	for _, key := range slices.Sorted(maps.Keys(l.objects)) {
		o := l.objects[key]
		switch age := now.Sub(o.published); {
		case o.err != nil:
			seen.invalid++
			if seen.problem == nil {
				seen.problem = o.err
			}
		case age > l.maxAge || age < -clockSkew:
			seen.stale++
		case o.mode != v1alpha1.ObjectiveActive:
			seen.shadow++
		default:
			seen.fresh++
			seen.oldest = max(seen.oldest, age)
			models = append(models, o.model)
			fmt.Fprintf(built, "%s %x ", key, o.content)
		}
	}
	if sum := built.Sum64(); sum != l.current.Load().built || l.current.Load().built == 0 {
		l.current.Store(&stakes{Table: stake.NewTable(models), built: sum})
	}
	return seen
}

func keyOf(obj any) string {
	key, err := cache.MetaNamespaceKeyFunc(obj)
	if err != nil {
		return ""
	}
	return key
}

func versionOf(obj any) string {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		return string(u.GetUID()) + "/" + u.GetResourceVersion()
	}
	return ""
}

// read takes what the plugin needs from an object.
func read(obj any, version string) *object {
	o := &object{version: version}
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		o.err = fmt.Errorf("reading latency model: got a %T", obj)
		return o
	}
	var lm v1alpha1.LatencyModel
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &lm); err != nil {
		o.err = fmt.Errorf("reading latency model %s: %w", keyOf(obj), err)
		return o
	}
	if lm.Spec.Format != v1alpha1.LatencyModelFormat {
		o.err = fmt.Errorf("latency model %s: format is %q, this Ballast reads %q", keyOf(obj), lm.Spec.Format, v1alpha1.LatencyModelFormat)
		return o
	}
	o.model, o.published, o.mode = toStake(&lm), lm.Spec.PublishedAt.Time, cmp.Or(lm.Spec.Mode, v1alpha1.ObjectiveActive)
	content := fnv.New64a()
	fmt.Fprintf(content, "%+v", o.model)
	o.content = content.Sum64()
	return o
}

// toStake translates an object: milliseconds to seconds, names to indices.
func toStake(lm *v1alpha1.LatencyModel) stake.Model {
	m := stake.Model{
		Namespace: lm.Namespace, Name: lm.Name, Percentile: lm.Spec.Percentile,
		Target:  lm.Spec.Target.Seconds(),
		Network: [stake.Distances]float64{math.NaN(), math.NaN(), math.NaN()},
	}
	for _, w := range lm.Spec.Workloads {
		m.Workloads = append(m.Workloads, stake.Workload{Name: w.Name, Pods: int(w.Pods), Slowdown: w.SlowdownMilliseconds / 1000})
	}
	for _, c := range lm.Spec.Calls {
		m.Calls = append(m.Calls, stake.Call{From: c.From, To: c.To, Critical: c.Critical})
	}
	distances := map[v1alpha1.NetworkDistance]stake.Distance{
		v1alpha1.DistanceNode: stake.SameNode, v1alpha1.DistanceZone: stake.SameZone, v1alpha1.DistanceRegion: stake.OtherZone,
	}
	for _, n := range lm.Spec.Network {
		if d, ok := distances[n.Distance]; ok {
			m.Network[d] = n.Milliseconds / 1000
		}
	}
	return m
}
