package roster

import (
	"errors"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
)

const groupPrefix = schemata.Prefix

// Adjustment is what a container gets that is about to be made. The zero value changes nothing.
type Adjustment struct {
	// Class is the folder of its resctrl group; Monitor asks for a monitor group in it.
	Class   string
	Monitor bool
	// Limit is its CPU limit, if Limited.
	Limit   quota.Limit
	Limited bool
}

// Create takes a container that is about to be made, with the limit that the kubelet wants, and says what it gets.
func (r *Roster) Create(e Entry, now time.Time) Adjustment {
	c := r.add(e, now)
	if c == nil {
		return Adjustment{}
	}
	c.take(e, nil)
	if before, is := r.handed.pending[instance{c.PodUID, c.Name}]; is && before.id != c.ID {
		delete(r.containers, before.id) // it did not start
	}
	r.assign(c)
	r.divide()
	if !r.wish.Act || !r.handed.may(c, now) {
		return Adjustment{}
	}
	var a Adjustment
	if r.wish.Real && c.control != "" && c.Class != c.control && (c.Class == "" || strings.HasPrefix(c.Class, groupPrefix)) {
		a.Class = c.control
		if r.wish.Monitors > 0 {
			r.wish.Monitors--
			a.Monitor = true
		}
		c.Class = c.control
	}
	if want := c.limit(); quota.Differs(c.kubelet, want) {
		a.Limit, a.Limited = want, true
		c.Limit = want
	}
	if a != (Adjustment{}) {
		r.handed.note(c, now)
	}
	return a
}

// Held says until when nothing is handed to any new container, because some that were handed something did not start; zero: no time.
func (r *Roster) Held(now time.Time) time.Time {
	if r.handed.hold.Ready(now) {
		return time.Time{}
	}
	return r.handed.hold.Until()
}

const (
	// maxHanded bounds what is remembered of containers that have not started, and remember for how long.
	maxHanded = 4096
	remember  = time.Hour
)

// instance is a container of a pod, whichever attempt it is.
type instance struct{ uid, name string }

// attempt is the container that something was handed to.
type attempt struct {
	id string
	at time.Time
}

// handing remembers to whom something was handed that has not started since.
type handing struct {
	pending  map[instance]attempt
	failed   map[instance]attempt
	failures int // in a row
	hold     Backoff
}

func newHanding() handing {
	return handing{pending: map[instance]attempt{}, failed: map[instance]attempt{}}
}

// errNotStarted is for Backoff.
var errNotStarted = errors.New("a container did not start with what was handed to it")

// may says whether something may be handed to the container, and takes note if what was handed to the attempt before did not let it start.
func (h *handing) may(c *container, now time.Time) bool {
	i := instance{c.PodUID, c.Name}
	if before, is := h.pending[i]; is && before.id != c.ID {
		delete(h.pending, i)
		h.failed[i] = attempt{before.id, now}
		if h.failures++; h.failures > 1 {
			h.hold.Note(errNotStarted, now)
		}
	}
	_, failed := h.failed[i]
	return !failed && h.hold.Ready(now) && len(h.pending) < maxHanded && len(h.failed) < maxHanded
}

func (h *handing) note(c *container, now time.Time) {
	h.pending[instance{c.PodUID, c.Name}] = attempt{c.ID, now}
}

// started takes that a container runs.
func (h *handing) started(c *container) {
	i := instance{c.PodUID, c.Name}
	if h.pending[i].id == c.ID {
		delete(h.pending, i)
		h.failures, h.hold = 0, Backoff{}
	}
	delete(h.failed, i)
}

// lost takes that the runtime has gone: what was pending may have started or not.
func (h *handing) lost() { clear(h.pending) }

// prune forgets what is old: such pods are gone.
func (h *handing) prune(now time.Time) {
	for _, list := range []map[instance]attempt{h.pending, h.failed} {
		for i, a := range list {
			if now.Sub(a.at) > remember {
				delete(list, i)
			}
		}
	}
}
