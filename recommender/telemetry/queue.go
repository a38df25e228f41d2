package telemetry

// queue is first in, first out. What snapshot returned stays as it is: the place of an element is never used again.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) len() int { return len(q.items) - q.head }

func (q *queue[T]) push(item T) { q.items = append(q.items, item) }

func (q *queue[T]) first() T { return q.items[q.head] }

func (q *queue[T]) pop() {
	q.head++
	if q.head > 64 && q.head > len(q.items)/2 { // in a new slice, so that the old items are freed and snapshots live on
		q.items = append(make([]T, 0, 2*q.len()), q.items[q.head:]...)
		q.head = 0
	}
}

func (q *queue[T]) snapshot() []T { return q.items[q.head:len(q.items):len(q.items)] }
