package learn

import (
	"errors"
	"fmt"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/application/learn/seriesparallel"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
)

// entries fills in the entries with their patterns.
func (f *fit) entries(d *application.Document) error {
	l := f.learner
	for _, label := range l.order {
		counts, total := map[int]int{}, 0
		for _, at := range f.windows {
			if r := l.windows[at].requests[label]; r != nil {
				for p, n := range r.patterns {
					counts[p] += n
					total += n
				}
			}
		}
		if total == 0 || label.Service < 0 {
			continue
		}
		if len(d.Entries) >= application.MaxEntries {
			return fmt.Errorf("more than %d operations that requests come in by: is an identifier part of the operation's name?", application.MaxEntries)
		}
		d.Entries = append(d.Entries, application.Entry{
			Service: l.names[label.Service], Operation: label.Operation, Rate: float64(total) / f.seconds / l.sampled,
			Patterns: l.patterns(label, counts, total), Tail: 1, TailLow: 1, TailHigh: 1,
		})
	}
	if len(d.Entries) == 0 {
		return errors.New("no requests in these windows")
	}
	return nil
}

// patterns are those with enough requests, and the pool of the rest.
func (l *Learner) patterns(label graphpattern.Label, counts map[int]int, total int) []application.Pattern {
	e := l.entries[label]
	book := &graphpattern.Book{Nodes: e.book.Nodes, Labels: e.book.Labels, Requests: total}
	book.Patterns = append(book.Patterns, e.book.Patterns...)
	for p := range book.Patterns {
		book.Patterns[p].Requests = counts[p]
	}
	shares := book.Shares(graphpattern.LeastShare, graphpattern.MostPatterns)
	var kept []int
	for _, s := range shares[:len(shares)-1] {
		kept = append(kept, s.Pattern)
	}
	names := e.book.Names(kept, l.names)
	var list []application.Pattern
	apart := map[int]bool{}
	pool := application.Pattern{}
	for i, s := range shares {
		p := application.Pattern{Share: s.Mean, Low: s.Low, High: s.High}
		ok := false
		if s.Pattern != graphpattern.None {
			p.Name = names[i]
			p.Part, ok = l.part(e, s.Pattern)
		}
		if ok {
			apart[s.Pattern] = true
			list = append(list, p)
			continue
		}
		pool.Share, pool.Low, pool.High = pool.Share+p.Share, pool.Low+p.Low, min(1, pool.High+p.High)
	}
	pool.Name = fmt.Sprintf("%d rare patterns", len(e.book.Patterns)-len(apart))
	pool.Part = l.pooled(e, apart)
	return append(list, pool)
}

// part is one pattern in series and parallel, with the calls that its requests made in the mean; see seriesparallel.Of.
func (l *Learner) part(e *entry, pattern int) (part application.Part, ok bool) {
	calls := make(map[graphpattern.Label]float64, len(e.calls[pattern+1]))
	for op, c := range e.calls[pattern+1] {
		calls[graphpattern.Label{Service: op.service, Operation: op.name}] = c.waited / float64(e.book.Patterns[pattern].Requests)
	}
	return seriesparallel.Of(e.book, pattern, calls, func(label graphpattern.Label) (service, name string) {
		op := operation{label.Service, label.Operation}
		return l.name(op), opName(op)
	})
}

// pooled is a series of what the requests of all other patterns have on the critical path in the mean; where there are none, of all.
func (l *Learner) pooled(e *entry, apart map[int]bool) application.Part {
	requests, sums := 0, map[operation]float64{}
	add := func(pattern, n int) {
		requests += n
		for op, c := range e.calls[pattern+1] {
			sums[op] += c.critical
		}
	}
	rest := e.book.Requests
	for p := range e.book.Patterns {
		rest -= e.book.Patterns[p].Requests
		if !apart[p] {
			add(p, e.book.Patterns[p].Requests)
		}
	}
	add(graphpattern.None, rest)
	if requests == 0 {
		for p := range e.book.Patterns {
			add(p, e.book.Patterns[p].Requests)
		}
	}
	var part application.Part
	for _, op := range sorted(sums, l) {
		if n := sums[op] / float64(requests); n > 0 {
			part.Series = append(part.Series, application.Part{Service: l.name(op), Operation: opName(op), Calls: n})
		}
	}
	if len(part.Series) == 0 { // requests of no duration
		root := e.book.Labels[e.book.Nodes[e.book.Patterns[0].Root].Label]
		op := operation{root.Service, root.Operation}
		part = application.Part{Service: l.name(op), Operation: opName(op), Calls: 1}
	}
	return part
}
