package nodesetting

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/dynamic"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

const (
	// MaxAge is how old the status of a NodeIsolation may be: three times what an agent lets pass between two reports. It is written at
	// the field, for every reader.
	MaxAge = 3 * time.Minute
	// clockSkew is how far ahead of ours a node's clock may be; a report from beyond it would never grow old.
	clockSkew = 5 * time.Minute
)

// Report is what is known of the partitions of a node. The zero Report is that of a node that nobody divides. Equal reports mean the same.
type Report struct {
	// Partitions are those in force when the node was last heard of, as NodeIsolationStatus.PartitionsInForce; Wanted those of the spec, kept
	// only with a report that is not believed.
	Partitions, Wanted string
	// Doubt is StaleReport, UnreadReports or "".
	Doubt Doubt
}

// Reports follow the NodeIsolation objects. Of each they keep two names and a time.
type Reports struct {
	follower *follow.Follower
	now      func() time.Time
	changed  func(node string, was, is Report)

	needed chan struct{}
	once   sync.Once

	// epoch numbers the changes: what was read under a number holds while it is the same.
	epoch atomic.Uint64
	mu    sync.RWMutex
	nodes allNews
}

// allNews is by node, nil before the first answer.
type allNews map[string]news

func (a allNews) of(node string) Report {
	if a == nil {
		return Report{Doubt: UnreadReports}
	}
	return a[node].Report
}

// news is what an object says.
type news struct {
	Report        // as it counts now
	force, wanted string
	at            time.Time
}

// New returns reports that follow nothing before Run. changed is told, apart from the scheduling path and never twice at once, when what
// counts of a node changed. It may not call back.
func New(client dynamic.Interface, now func() time.Time, changed func(node string, was, is Report)) *Reports {
	r := &Reports{now: now, changed: changed, needed: make(chan struct{})}
	source := Objects(client, cut)
	source.Failed = func(_ context.Context, err error) bool {
		if !apierrors.IsNotFound(err) {
			return false
		}
		r.none()
		return true
	}
	r.follower = follow.Kind(source, r)
	return r
}

// Need has Run begin: there is a model that names settings. Without one the objects, which change at every report, are not read.
func (r *Reports) Need() { r.once.Do(func() { close(r.needed) }) }

// Run follows the objects, once they are needed, until the context ends. It is called once.
func (r *Reports) Run(ctx context.Context) {
	select {
	case <-r.needed:
		r.follower.Run(ctx)
	case <-ctx.Done():
	}
}

// Answered is closed once the API server has said which objects there are, be it none because their type is not installed.
func (r *Reports) Answered() <-chan struct{} { return r.follower.Answered() }

// Epoch changes with every change of a report. Nil reports never change.
func (r *Reports) Epoch() uint64 {
	if r == nil {
		return 0
	}
	return r.epoch.Load()
}

// Of is the report on a node. Nil reports divide no node.
func (r *Reports) Of(node string) Report {
	if r == nil {
		return Report{}
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.nodes.of(node)
}

// Age looks which reports grew too old meanwhile. It returns how many are believed, how many are not, and the age of the oldest.
func (r *Reports) Age() (fresh, stale int, oldest time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	for name, n := range r.nodes {
		r.put(name, n.believed(now))
		if r.nodes[name].Doubt == "" {
			fresh++
		} else {
			stale++
		}
		if !n.at.IsZero() {
			oldest = max(oldest, now.Sub(n.at))
		}
	}
	return fresh, stale, oldest
}

// believed is the news with what counts of it at a time.
func (n news) believed(now time.Time) news {
	n.Report = Report{Partitions: n.force}
	if !Believed(n.at, now) {
		n.Report = Report{Partitions: n.force, Wanted: n.wanted, Doubt: StaleReport}
	}
	return n
}

// Believed reports whether a status of that time is new enough, and not of the future.
func Believed(at, now time.Time) bool {
	age := now.Sub(at)
	return !at.IsZero() && age <= MaxAge && age >= -clockSkew
}

// put keeps news of a node; r.mu is held.
func (r *Reports) put(name string, n news) {
	was := r.nodes.of(name)
	r.nodes[name] = n
	if was != n.Report {
		r.epoch.Add(1)
		r.changed(name, was, n.Report)
	}
}

func (r *Reports) read(obj any) (string, news, error) {
	ni, ok := obj.(*v1alpha1.NodeIsolation)
	if !ok {
		return "", news{}, fmt.Errorf("reading a NodeIsolation: got a %T", obj)
	}
	n := news{force: ni.Status.PartitionsInForce(), wanted: ni.Spec.PartitionsWanted()}
	if ni.Status.LastReport != nil {
		n.at = ni.Status.LastReport.Time
	}
	return ni.Name, n.believed(r.now()), nil
}

// Add takes an object; with Update, Delete, Replace and Resync it makes Reports the store of their follower.
func (r *Reports) Add(obj any) error {
	name, n, err := r.read(obj)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.nodes == nil {
		r.nodes = allNews{}
	}
	r.put(name, n)
	return nil
}

// Update takes a changed object.
func (r *Reports) Update(obj any) error { return r.Add(obj) }

// Delete forgets an object: nobody divides its node any more.
func (r *Reports) Delete(obj any) error {
	name, _, err := r.read(obj)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if was := r.nodes.of(name); was != (Report{}) {
		defer r.changed(name, was, Report{})
		r.epoch.Add(1)
	}
	delete(r.nodes, name)
	return nil
}

// Replace takes the result of a list.
func (r *Reports) Replace(objs []any, _ string) error {
	next := make(allNews, len(objs))
	for _, obj := range objs {
		name, n, err := r.read(obj)
		if err != nil {
			return err
		}
		next[name] = n
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.nodes
	r.nodes = next
	r.epoch.Add(1)
	for name, n := range next {
		if before := was.of(name); before != n.Report {
			r.changed(name, before, n.Report)
		}
	}
	for name, n := range was {
		if _, still := next[name]; !still && n.Report != (Report{}) {
			r.changed(name, n.Report, Report{})
		}
	}
	return nil
}

// none is what there is where the type is not installed: no node is divided.
func (r *Reports) none() {
	r.mu.RLock()
	known := r.nodes != nil && len(r.nodes) == 0
	r.mu.RUnlock()
	if !known { // the follower asks again every few seconds
		_ = r.Replace(nil, "") // reads no object, so nothing can be wrong with one
	}
}

// Resync does nothing: nothing can have been missed.
func (r *Reports) Resync() error { return nil }
