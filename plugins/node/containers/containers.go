// Package containers joins what the kernel counts for the containers of a node, read by package counters, with the pods that the API
// server knows there, and shows it as metrics. It keeps working with what it knew while the API server is away.
package containers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
)

// MaxContainers bounds the containers that are read and shown: a kubelet runs at most 110 pods unless told otherwise.
const MaxContainers = 2000

// Container is a container with its names and what was read of it.
type Container struct {
	Namespace, Pod, Name string
	Sample               counters.Sample
}

// View is what was seen at one time.
type View struct {
	Time time.Time
	// Took is how long the reading took.
	Took time.Duration
	// Cgroups is v2, v1 or v1 beside v2; empty if they could not be read.
	Cgroups string
	// Problem is why no container could be read; empty if they could.
	Problem string
	// Containers of pods that the API server knows, by namespace, pod and name.
	Containers []Container
	// Unknown counts the others: sandboxes of pods, and containers whose pod the agent has not heard of yet.
	Unknown int
	// Starting says that the API server knows pods of the node, but no container of theirs has an id yet: then none can have a name.
	Starting bool
	// Absent are the signals that containers lack, each with one reason and how many lack it.
	Absent []counters.Absence
}

// Nameless says that there are cgroups like those of containers, and none could be given a name though some should have one: the API server
// has named no pod of the node, or the cgroups are those of another machine.
func (v *View) Nameless() bool {
	return v.Problem == "" && len(v.Containers) == 0 && v.Unknown > 0 && !v.Starting
}

// Watcher reads the containers of a node. Its methods but View are not for several goroutines at a time.
type Watcher struct {
	options counters.Options
	pods    cache.Store
	reader  *counters.Reader
	view    atomic.Pointer[View]
}

// New returns a watcher; pods has the node's, as *v1.Pod.
func New(o counters.Options, pods cache.Store) *Watcher { return &Watcher{options: o, pods: pods} }

// View is the latest; nil before the first.
func (w *Watcher) View() *View { return w.view.Load() }

// Close releases the files.
func (w *Watcher) Close() error {
	if w.reader == nil {
		return nil
	}
	return w.reader.Close()
}

// Look reads all containers.
func (w *Watcher) Look() *View {
	v := &View{Time: w.options.Now()}
	if err := w.read(v); err != nil {
		v.Problem = err.Error()
	}
	v.Took = w.options.Now().Sub(v.Time)
	w.view.Store(v)
	return v
}

func (w *Watcher) read(v *View) error {
	if w.reader == nil {
		r, err := counters.Open(w.options)
		if err != nil {
			return err
		}
		w.reader = r
	}
	v.Cgroups = w.reader.Version()
	found, err := w.reader.Containers()
	if err != nil {
		// The mount may have changed under the reader: open it anew next time.
		err = errors.Join(err, w.reader.Close())
		w.reader = nil
		return err
	}
	names := w.names()
	v.Starting = len(names) == 0 && len(w.pods.List()) > 0
	absent := absences{}
	for _, c := range found[:min(len(found), MaxContainers)] {
		n, known := names[c.ID]
		if !known {
			v.Unknown++
			continue
		}
		sample, there := w.reader.Read(c)
		if !there {
			continue
		}
		absent.add(sample)
		v.Containers = append(v.Containers, Container{Namespace: n.namespace, Pod: n.pod, Name: n.container, Sample: sample})
	}
	slices.SortFunc(v.Containers, func(a, b Container) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Pod, b.Pod), strings.Compare(a.Name, b.Name),
			strings.Compare(a.Sample.Container.ID, b.Sample.Container.ID))
	})
	v.Absent = absent.list(len(v.Containers))
	if len(found) > MaxContainers {
		return fmt.Errorf("%d containers: only %d were read", len(found), MaxContainers)
	}
	return nil
}

// name is what a container is called.
type name struct{ namespace, pod, container string }

// names are the containers of all pods by the runtime's id, which unlike the pod's UID is the same for static pods too.
func (w *Watcher) names() map[string]name {
	out := map[string]name{}
	for _, item := range w.pods.List() {
		p, ok := item.(*v1.Pod)
		if !ok {
			continue
		}
		for _, list := range [][]v1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses, p.Status.EphemeralContainerStatuses} {
			for _, s := range list {
				if _, id, ok := strings.Cut(s.ContainerID, "://"); ok {
					out[id] = name{namespace: p.Namespace, pod: p.Name, container: s.Name}
				}
			}
		}
	}
	return out
}

// absences count who lacks a signal, and keep one reason.
type absences map[counters.Signal]*struct {
	why string
	n   int
}

func (a absences) add(s counters.Sample) {
	for _, m := range s.Absent {
		if a[m.Signal] == nil {
			a[m.Signal] = &struct {
				why string
				n   int
			}{why: m.Why}
		}
		a[m.Signal].n++
	}
}

func (a absences) list(of int) []counters.Absence {
	var out []counters.Absence
	for signal, m := range a {
		why := m.why
		if m.n < of {
			why = "some containers lack it, one of them because " + why
		}
		out = append(out, counters.Absence{Signal: signal, Why: why})
	}
	slices.SortFunc(out, func(a, b counters.Absence) int { return strings.Compare(string(a.Signal), string(b.Signal)) })
	return out
}

// Trim keeps of a pod what the watcher needs, so that the agent does not hold the environment of others' containers in its memory. It is a
// transform for a store.
func Trim(p *v1.Pod) *v1.Pod {
	t := &v1.Pod{}
	t.Namespace, t.Name, t.UID, t.ResourceVersion = p.Namespace, p.Name, p.UID, p.ResourceVersion
	ids := func(list []v1.ContainerStatus) []v1.ContainerStatus {
		out := make([]v1.ContainerStatus, len(list))
		for i, s := range list {
			out[i] = v1.ContainerStatus{Name: s.Name, ContainerID: s.ContainerID}
		}
		return out
	}
	t.Status.InitContainerStatuses = ids(p.Status.InitContainerStatuses)
	t.Status.ContainerStatuses = ids(p.Status.ContainerStatuses)
	t.Status.EphemeralContainerStatuses = ids(p.Status.EphemeralContainerStatuses)
	return t
}
