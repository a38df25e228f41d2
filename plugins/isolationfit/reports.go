package isolationfit

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	corelisters "k8s.io/client-go/listers/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
)

// reports are the NodeIsolation objects, by node; nil before the first answer. They are the store of their follower.
type reports struct {
	follower *follow.Follower

	mu    sync.Mutex
	nodes map[string]news
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
	r.nodes[ni.Name] = newsOf(ni)
	return nil
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
	next := make(map[string]news, len(objs))
	for _, obj := range objs {
		ni, err := object(obj)
		if err != nil {
			return err
		}
		next[ni.Name] = newsOf(ni)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes = next
	return nil
}

// Resync does nothing: nothing can have been missed.
func (r *reports) Resync() error { return nil }

// knowledge is what all reports say at one time. It is immutable.
type knowledge struct {
	nodes map[string]news
	// fresh says of whom the news are believed; the rest have partitions at most.
	fresh map[string]bool
	// fullest is the largest share of bandwidth that is known to be taken; measured says that any is.
	fullest  float64
	measured bool
	partners partners
	pairs    int
}

// take is what the reports say now; nil before the first answer. was has the workloads of pods that may be gone by now, and is replaced by
// those that still are in a report.
func (r *reports) take(now time.Time, pods corelisters.PodLister, was *map[v1alpha1.ContainerName]workload) *knowledge {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.nodes == nil {
		return nil
	}
	k := &knowledge{nodes: make(map[string]news, len(r.nodes)), fresh: map[string]bool{}, partners: partners{}}
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
		k.nodes[node] = n
		if !n.believed(now) {
			continue
		}
		k.fresh[node] = true
		if n.bandwidth {
			k.measured, k.fullest = true, max(k.fullest, n.use)
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
func (k *knowledge) taken(node string) float64 {
	switch n, is := k.nodes[node]; {
	case !k.measured:
		return 0
	case is && k.fresh[node] && n.bandwidth:
		return bandwidthShare * n.use
	}
	return bandwidthShare * k.fullest
}

// beside is what a pod and the residents of a node lose by each other, and the evidence for the worst. except is not there.
func beside(of []partner, residents []fwk.PodInfo, except types.UID) (own, theirs float64, evidence string) {
	if len(of) == 0 {
		return 0, 0, ""
	}
	worst := 0.0
	for _, info := range residents {
		pod := info.GetPod()
		if pod.UID == except || interferencefit.Background(pod) {
			continue
		}
		w := workloadOf(pod)
		for i := range of {
			if of[i].workload != w {
				continue
			}
			if of[i].victim {
				theirs += of[i].loss
			} else {
				own = max(own, of[i].loss)
			}
			if of[i].loss > worst {
				worst, evidence = of[i].loss, of[i].evidence
			}
		}
	}
	return own, theirs, evidence
}
