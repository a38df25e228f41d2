package telemetry

import (
	"time"

	"github.com/ballast-k8s/ballast/recommender/telemetry/otlp"
)

// name is an operation of a service, as data name it.
type name struct {
	namespace, service, operation string
}

// times are when an operation was last heard of, and when a window of it was last asked for: unix nanoseconds, 0 for never.
type times struct{ heard, asked int64 }

// names remember when operations were last heard of. What windows are asked for has its place before any other: a service with ids in the
// names of its spans fills them, and must not make an entry look as if it were silent.
type names struct {
	limit int // of what was heard of; with what is asked for they are twice as many at most
	by    map[name]times
}

// heard notes a datum of such a time, of one ahead of now that it came now: a sender's clock that is ahead makes nothing look alive that has
// stopped. It is false for a name beyond the limit, which is not remembered: it counts as never heard of until it is asked for.
func (n *names) heard(key name, at, now int64) bool {
	t, known := n.by[key]
	if !known && len(n.by) >= n.limit {
		return false
	}
	if at = min(at, now); at > t.heard || t.heard > now {
		t.heard = at
		n.by[key] = t
	}
	return true
}

// newest is when an entry was last heard of, zero for never, and makes room for it. A time more than a minute ahead is none: the clock stood
// ahead when it was noted, and has been set back.
func (n *names) newest(e Entry, now time.Time) time.Time {
	last, ahead := int64(0), now.Add(otlp.AheadMost).UnixNano()
	for key, t := range n.by {
		of := Identity{Namespace: key.namespace, Service: key.service}
		if key.operation != e.Operation || !of.serves(e) {
			continue
		}
		if t.heard > ahead {
			t.heard = 0
		}
		t.asked = now.UnixNano()
		n.by[key] = t
		last = max(last, min(t.heard, t.asked))
	}
	for _, namespace := range []string{e.Namespace, ""} { // of data that name theirs, and of those that do not
		key := name{namespace, e.Service, e.Operation}
		if _, known := n.by[key]; !known && len(n.by) < 2*n.limit {
			n.by[key] = times{asked: now.UnixNano()}
		}
	}
	if last == 0 {
		return time.Time{}
	}
	return time.Unix(0, last)
}

// sweep forgets names that nobody has asked for since the oldest time: those of times to come, and the silent ones once they crowd. Until then
// "stale" is told from "never".
func (n *names) sweep(oldest, now time.Time) {
	crowded, ahead := len(n.by) >= n.limit, now.Add(otlp.AheadMost).UnixNano()
	for key, t := range n.by {
		asked := t.asked > oldest.UnixNano() && t.asked <= ahead
		if !asked && (t.heard > ahead || crowded && t.heard <= oldest.UnixNano()) {
			delete(n.by, key)
		}
	}
}
