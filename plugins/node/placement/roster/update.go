package roster

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
)

// Started takes that a container runs, with its first process; the limit is the one that the runtime has.
func (r *Roster) Started(id string, pid int, limit quota.Limit) {
	if c := r.containers[id]; c != nil {
		c.PID, c.runtime, c.Limit = pid, true, limit
		r.handed.started(c)
	}
}

// Updating takes that the kubelet sets a container's limit and weight anew, which runtimes merge into those before: a Quota, Period or
// weight of 0 says nothing of it. It returns the limit that has to be written instead, and whether one has.
func (r *Roster) Updating(id string, asked quota.Limit, weight float64) (quota.Limit, bool) {
	c := r.containers[id]
	if c == nil {
		return quota.Limit{}, false
	}
	merged := c.Limit
	if asked.Quota != 0 {
		merged.Quota = asked.Quota
		c.kubelet = quota.Plain(asked)
	}
	if asked.Period != 0 {
		merged.Period = asked.Period
	}
	if weight > 0 {
		c.Weight = weight
	}
	_, ours := quota.Kubelet(c.Limit)
	r.divide()
	want := c.limit()
	if !r.wished && ours { // a limit of an agent before us stays until there is a wish
		want = quota.Min(c.Limit.Cores(), c.kubelet)
	}
	if !ours && !quota.Differs(merged, want) {
		c.Limit = merged
		return quota.Limit{}, false
	}
	c.Limit = want
	return want, want != merged
}

// Updated takes the limit that the runtime has after an update.
func (r *Roster) Updated(id string, limit quota.Limit) {
	if c := r.containers[id]; c != nil {
		c.Limit = limit
	}
}

// Ended takes that a container has ended: it has no limit to be written any more.
func (r *Roster) Ended(id string) {
	if c := r.containers[id]; c != nil && c.runtime {
		c.runtime, c.PID = false, 0
		r.divide()
	}
}

// Removed takes that a container is gone.
func (r *Roster) Removed(id string) {
	delete(r.containers, id)
	r.divide()
}

// Change is a limit that has to be written.
type Change struct {
	ID    string
	Limit quota.Limit
}

// Due are the limits that have to be written now, lower ones first: what they free is for the others. With lift, all of ours are
// replaced by the kubelet's.
func (r *Roster) Due(now time.Time, lift bool) []Change {
	if !r.wished && !lift {
		return nil
	}
	var out []Change
	for id, c := range r.containers {
		want := c.limit()
		if lift {
			want = quota.Plain(c.kubelet)
		}
		if c.runtime && c.PID > 0 && quota.Differs(c.Limit, want) && (lift || c.refused.Ready(now)) {
			out = append(out, Change{ID: id, Limit: want})
		}
	}
	slices.SortFunc(out, func(a, b Change) int {
		if x, y := a.Limit.Cores(), b.Limit.Cores(); x != y && !(math.IsInf(x, 1) && math.IsInf(y, 1)) {
			if x < y {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// Wrote takes that a limit was written, or why it was not.
func (r *Roster) Wrote(ch Change, err error, now time.Time) {
	c := r.containers[ch.ID]
	if c == nil {
		return
	}
	c.refused.Note(err, now)
	if err != nil {
		c.problem = err.Error()
		return
	}
	c.problem = ""
	c.Limit = ch.Limit
}
