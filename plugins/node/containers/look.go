package containers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/meter"
)

// Look reads all containers.
func (w *Watcher) Look() *View {
	v := &View{Time: w.options.Now(), Period: cmp.Or(w.Period, DefaultPeriod)}
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
	shown := w.named(v, links, found)
	if w.Rank != nil {
		w.reader.Count(w.order(shown))
	}
	if w.Whole != nil {
		whole := map[string]bool{}
		for i := range shown {
			if w.Whole(&shown[i]) {
				whole[shown[i].Sample.Container.Path] = true
			}
		}
		w.reader.EveryThread(whole)
	}
	uses, useless := w.uses(v)
	before := w.before(v.Time)
	absent := absences{}
	for _, c := range shown {
		var there bool
		if c.Sample, there = w.reader.Read(c.Sample.Container); !there {
			continue
		}
		if c.Use = uses[c.Sample.Container.ID]; c.Use == nil && useless != "" {
			c.Sample.Absent = append(c.Sample.Absent, counters.Absence{Signal: CacheUse, Why: useless})
		}
		c.Before = before[c.Sample.Container.ID]
		absent.add(c.Sample)
		v.Containers = append(v.Containers, c)
	}
	slices.SortFunc(v.Containers, func(a, b Container) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Pod, b.Pod), strings.Compare(a.Name, b.Name),
			strings.Compare(a.Sample.Container.ID, b.Sample.Container.ID))
	})
	v.Absent = absent.list(len(v.Containers))
	if why := cmp.Or(v.Unnamed, links.unread()); why != "" {
		v.Absent = append(v.Absent, counters.Absence{Signal: Names, Why: why})
	}
	if len(shown) < len(found)-v.Unknown {
		why := fmt.Sprintf("there are more than %d: the others are not read", MaxContainers)
		v.Absent = append(v.Absent, counters.Absence{Signal: tooMany, Why: why})
	}
	w.last = v
}

// named are the containers that have a name, or all if none has, but no more than are read.
func (w *Watcher) named(v *View, links *names, found []counters.Container) []Container {
	var out []Container
	for _, c := range found {
		n, known := name{}, v.Unnamed != ""
		if !known {
			n, known = links.of(c.ID)
		}
		switch {
		case !known:
			v.Unknown++
		case len(out) < MaxContainers:
			out = append(out, Container{Namespace: n.namespace, Pod: n.pod, Name: n.container, Sample: counters.Sample{Container: c}})
		}
	}
	return out
}

// order are the containers whose events are wanted, by rank. Of one rank those come first that are counted already, so that a new one takes
// the place of none.
func (w *Watcher) order(shown []Container) []counters.Container {
	type ranked struct {
		rank    int
		counted bool
		is      counters.Container
	}
	var list []ranked
	for i := range shown {
		if rank := w.Rank(&shown[i]); rank >= 0 {
			is := shown[i].Sample.Container
			list = append(list, ranked{rank, w.reader.Counts(is), is})
		}
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		switch {
		case a.rank != b.rank:
			return cmp.Compare(a.rank, b.rank)
		case a.counted == b.counted:
			return 0
		case a.counted:
			return -1
		}
		return 1
	})
	out := make([]counters.Container, len(list))
	for i, r := range list {
		out[i] = r.is
	}
	return out
}

// uses reads resctrl's counters. Without those of a container it says why; empty if nobody asked.
func (w *Watcher) uses(v *View) (map[string]*meter.Use, string) {
	if w.Monitors == nil {
		return nil, ""
	}
	now := w.options.Now()
	list, err := w.Monitors()
	switch {
	case err != nil:
		return nil, fmt.Sprintf("resctrl's counters: %v", err)
	case list == nil:
		return nil, "" // there is no resctrl, for which somebody else has the reason
	}
	w.meter.Stale = stalePeriods * v.Period
	reading := w.meter.Add(now, list)
	v.Groups = reading.Groups
	return reading.Containers, "resctrl has no monitor group with the container's id for a name"
}

// before are the samples of the last look that worked, if they are not stale, by the container's id.
func (w *Watcher) before(now time.Time) map[string]*counters.Sample {
	if w.last == nil {
		return nil
	}
	out := make(map[string]*counters.Sample, len(w.last.Containers))
	for i := range w.last.Containers {
		s := w.last.Containers[i].Sample // a copy, which does not keep all looks before
		if !w.last.Stale(s.Time, now) {
			out[s.Container.ID] = &s
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
