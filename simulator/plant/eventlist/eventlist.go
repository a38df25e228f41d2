// Package eventlist holds what is to happen in a discrete-event simulation: a Calendar of events by time, an Agenda of sources that
// each have one next event that often changes, and a Ring for what waits its turn. None allocates in the steady state, and the order of
// equal times depends on nothing but the calls made.
package eventlist

import "math"

// Ring is a queue, first in, first out, that keeps its memory. The zero value is empty.
type Ring[T any] struct {
	items       []T
	first, used int
}

// Len returns the number of items.
func (r *Ring[T]) Len() int { return r.used }

// Cap returns the number of items that there is memory for.
func (r *Ring[T]) Cap() int { return len(r.items) }

// Push puts an item at the end.
func (r *Ring[T]) Push(x T) {
	if r.used == len(r.items) {
		const smallest = 16
		grown := make([]T, max(smallest, 2*len(r.items)))
		n := copy(grown, r.items[r.first:])
		copy(grown[n:], r.items[:r.first])
		r.items, r.first = grown, 0
	}
	r.items[(r.first+r.used)%len(r.items)] = x
	r.used++
}

// Peek returns the first item of a ring that is not empty.
func (r *Ring[T]) Peek() T { return r.items[r.first] }

// Pop removes the first item of a ring that is not empty.
func (r *Ring[T]) Pop() T {
	x := r.items[r.first]
	r.first = (r.first + 1) % len(r.items)
	r.used--
	return x
}

// Calendar is a heap of events by time. The zero value is empty.
type Calendar[T any] struct{ heap []entry[T] }

type entry[T any] struct {
	at   float64
	what T
}

// Len returns the number of events.
func (c *Calendar[T]) Len() int { return len(c.heap) }

// Cap returns the number of events that there is memory for.
func (c *Calendar[T]) Cap() int { return cap(c.heap) }

// Next returns the time of the first event, +Inf without one.
func (c *Calendar[T]) Next() float64 {
	if len(c.heap) == 0 {
		return math.Inf(1)
	}
	return c.heap[0].at
}

// Push enters an event.
func (c *Calendar[T]) Push(at float64, what T) {
	e := entry[T]{at, what}
	h := append(c.heap, e) //nolint:gocritic // assigned back below, once sorted
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= at {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = e
	c.heap = h
}

// Pop removes the first event of a calendar that is not empty.
func (c *Calendar[T]) Pop() T {
	h := c.heap
	first, n := h[0], len(h)-1
	last := h[n]
	h = h[:n]
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && h[child+1].at < h[child].at {
			child++
		}
		if last.at <= h[child].at {
			break
		}
		h[i] = h[child]
		i = child
	}
	if n > 0 {
		h[i] = last
	}
	c.heap = h
	return first.what
}

// Agenda keeps the time of the next event of each of a fixed number of sources, as a tournament: a change costs a comparison a round.
type Agenda struct {
	at     []float64
	leaves int
	winner []int // winner[1] is the source that is next
}

// NewAgenda returns an agenda of n sources, at least 1, of which none has an event.
func NewAgenda(n int) Agenda {
	leaves := 1
	for leaves < n {
		leaves *= 2
	}
	a := Agenda{at: make([]float64, leaves), leaves: leaves, winner: make([]int, 2*leaves)}
	for i := range a.at {
		a.at[i] = math.Inf(1)
		a.winner[leaves+i] = i
	}
	for i := leaves - 1; i >= 1; i-- {
		a.winner[i] = a.winner[2*i]
	}
	return a
}

// Set enters the time of a source's next event, +Inf for none.
func (a *Agenda) Set(source int, at float64) {
	a.at[source] = at
	for n := (a.leaves + source) / 2; n >= 1; n /= 2 {
		first, other := a.winner[2*n], a.winner[2*n+1]
		if a.at[other] < a.at[first] {
			first = other
		}
		a.winner[n] = first
	}
}

// Next returns the first source and its time, +Inf if none has an event. The lowest source wins a tie.
func (a *Agenda) Next() (at float64, source int) {
	source = a.winner[1]
	return a.at[source], source
}
