package isolationfit

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/dynamic"
	corelisters "k8s.io/client-go/listers/core/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
)

// reports are the NodeIsolation objects, by node; nil before the first answer. They are the store of their follower.
type reports struct {
	follower *follow.Follower

	mu    sync.Mutex
	nodes map[string]news
	// number is that of the report that came last.
	number uint64
}

func followReports(client dynamic.Interface) *reports {
	r := &reports{}
	source := nodesetting.Objects(client, whole)
	source.Failed = func(_ context.Context, err error) bool {
		if !apierrors.IsNotFound(err) {
			return false
		}
		_ = r.Replace(nil, "") // the type is not installed; reads no object, so nothing can be wrong with one
		return true
	}
	r.follower = follow.Kind(source, r)
	return r
}

// Add takes an object; with Update, Delete, Replace and Resync it makes reports the store of their follower.
func (r *reports) Add(obj any) error {
	ni, err := object(obj)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.nodes == nil {
		r.nodes = map[string]news{}
	}
	r.nodes[ni.Name] = r.numbered(ni)
	return nil
}

// numbered reads an object, with the number of its report: a new one if the report is. r.mu is held.
func (r *reports) numbered(ni *v1alpha1.NodeIsolation) news {
	n, was := newsOf(ni), r.nodes[ni.Name]
	if n.number = was.number; was.number == 0 || !n.at.Equal(was.at) {
		r.number++
		n.number = r.number
	}
	return n
}

func object(obj any) (*v1alpha1.NodeIsolation, error) {
	ni, ok := obj.(*v1alpha1.NodeIsolation)
	if !ok {
		return nil, fmt.Errorf("reading a NodeIsolation: got a %T", obj)
	}
	return ni, nil
}

// Update takes a changed object.
func (r *reports) Update(obj any) error { return r.Add(obj) }

// Delete forgets an object.
func (r *reports) Delete(obj any) error {
	ni, err := object(obj)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.nodes, ni.Name)
	return nil
}

// Replace takes the result of a list.
func (r *reports) Replace(objs []any, _ string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := make(map[string]news, len(objs))
	for _, obj := range objs {
		ni, err := object(obj)
		if err != nil {
			return err
		}
		next[ni.Name] = r.numbered(ni)
	}
	r.nodes = next
	return nil
}

// Resync does nothing: nothing can have been missed.
func (r *reports) Resync() error { return nil }

// known is what counts of a node.
type known struct {
	news
	// fresh says that the news are believed; else they have partitions at most.
	fresh bool
}

// knowledge is what all reports say at one time. It is immutable.
type knowledge struct {
	nodes map[string]known
	// fresh is how many of them are, and missed how many of those cannot keep their set-points.
	fresh, missed int
	// fullest is the largest share of bandwidth that is known to be taken; measured says that any is.
	fullest  float64
	measured bool
	partners partners
	pairs    int
	// number is that of the last report in it.
	number uint64
}

// take is what the reports say now; nil before the first answer. was has the workloads of pods that may be gone by now, and is replaced by
// those that still are in a report.
func (r *reports) take(now time.Time, pods corelisters.PodLister, was *map[v1alpha1.ContainerName]workload) *knowledge {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.nodes == nil {
		return nil
	}
	k := &knowledge{nodes: make(map[string]known, len(r.nodes)), partners: partners{}, number: r.number}
	named := map[v1alpha1.ContainerName]workload{}
	find := func(node string, name v1alpha1.ContainerName) workload {
		w := (*was)[name]
		if pod, err := pods.Pods(name.Namespace).Get(name.Pod); err == nil {
			if w = workloadOf(pod); pod.Spec.NodeName != node {
				w = workload{} // an agent speaks of its own node only
			}
		}
		named[name] = w
		return w
	}
	for node, n := range r.nodes {
		fresh := n.believed(now)
		k.nodes[node] = known{news: n, fresh: fresh}
		if !fresh {
			continue
		}
		k.fresh++
		if n.missed {
			k.missed++
		}
		if n.measured {
			k.measured, k.fullest = true, max(k.fullest, n.domains.Use)
		}
		for _, pair := range n.pairs {
			k.pairs++
			k.partners.add(find(node, pair.Victim), find(node, *pair.Culprit), lossOf(pair.MilliSlowdown), pair.Evidence)
		}
	}
	*was = named
	return k
}

// bandwidthShare is what a workload with memory to read loses at most to a full node, see the package documentation.
const bandwidthShare = 0.1

// taken is what a node loses by the bandwidth that is taken there.
func (k *knowledge) taken(n *known) float64 {
	switch {
	case !k.measured:
		return 0
	case n.fresh && n.measured:
		return bandwidthShare * n.domains.Use
	}
	return bandwidthShare * k.fullest
}

// missedLoss is what one more pod loses on a node that cannot keep its set-points, see the package documentation.
const missedLoss = 0.5
