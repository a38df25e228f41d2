package containers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
)

// MaxContainers bounds the containers that are read and shown: a kubelet runs at most 110 pods unless told otherwise.
const MaxContainers = 2000

// Names is what [View.Absent] calls the names of containers where they are missing.
const Names counters.Signal = "names of containers"

// tooMany is what [View.Absent] calls the containers beyond MaxContainers.
const tooMany counters.Signal = "containers"

// Container is a container with its names and what was read of it. The names are empty where [View.Unnamed] says why.
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
	// Unnamed is why no container has a name; empty if those have that the kubelet has started.
	Unnamed string
	// Containers by namespace, pod and name. Without names all cgroups like those of containers are among them, sandboxes of pods too.
	Containers []Container
	// Unknown counts the cgroups that are not among them: sandboxes of pods, and containers that the kubelet is about to start.
	Unknown int
	// Absent are the signals that containers lack, each with one reason and how many lack it.
	Absent []counters.Absence
}

// Watcher reads the containers of a node. Its methods but View are not for several goroutines at a time.
type Watcher struct {
	options counters.Options
	links   string
	reader  *counters.Reader
	view    atomic.Pointer[View]
}

// New returns a watcher. Links is the folder of the kubelet's links to the logs of containers, /var/log/containers on the node.
func New(o counters.Options, links string) *Watcher { return &Watcher{options: o, links: links} }

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
	w.show(v, found)
	return nil
}

// show reads the containers that have a name, or all if none has.
func (w *Watcher) show(v *View, found []counters.Container) {
	links, err := readNames(w.links, maxLinks)
	if err != nil {
		links, v.Unnamed = &names{}, fmt.Sprintf("the folder of the kubelet's links to containers' logs: %v", err)
	} else {
		v.Unnamed = links.foreign(found)
	}
	absent := absences{}
	more := false
	for _, c := range found {
		n, known := name{}, v.Unnamed != ""
		if !known {
			n, known = links.of(c.ID)
		}
		if !known {
			v.Unknown++
			continue
		}
		if len(v.Containers) == MaxContainers {
			more = true
			break
		}
		if sample, there := w.reader.Read(c); there {
			absent.add(sample)
			v.Containers = append(v.Containers, Container{Namespace: n.namespace, Pod: n.pod, Name: n.container, Sample: sample})
		}
	}
	slices.SortFunc(v.Containers, func(a, b Container) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Pod, b.Pod), strings.Compare(a.Name, b.Name),
			strings.Compare(a.Sample.Container.ID, b.Sample.Container.ID))
	})
	v.Absent = absent.list(len(v.Containers))
	if why := cmp.Or(v.Unnamed, links.unread()); why != "" {
		v.Absent = append(v.Absent, counters.Absence{Signal: Names, Why: why})
	}
	if more {
		why := fmt.Sprintf("there are more than %d: the others are not read", MaxContainers)
		v.Absent = append(v.Absent, counters.Absence{Signal: tooMany, Why: why})
	}
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
