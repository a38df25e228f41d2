package roster

import "time"

const (
	// leastReserve and reserveShare are the monitoring ids that stay free: for groups that have gone and whose cache lines have not
	// (limbo), and for the control groups that the agent is about to make.
	leastReserve = 4
	reserveShare = 10 // in percent
	// firstWait and longestWait bound how long nothing is tried after a refusal.
	firstWait   = time.Second
	longestWait = time.Minute
)

// Budget is how many monitor groups may still be made on a machine with rmids monitoring ids, the default group's among them, of which
// groups, without the default one, hold one each. It is never less than 0.
func Budget(rmids, groups int) int {
	reserve := max(leastReserve, (rmids*reserveShare+99)/100)
	return max(0, rmids-1-groups-reserve)
}

// Backoff holds back after a refusal: 1 s, then twice as long each time, up to a minute. The zero value holds back nobody.
type Backoff struct {
	failures int
	until    time.Time
}

// Ready says whether the next try is due.
func (b *Backoff) Ready(now time.Time) bool { return !now.Before(b.until) }

// Until is when the next try is due.
func (b *Backoff) Until() time.Time { return b.until }

// Note takes how a try ended; nil is success.
func (b *Backoff) Note(err error, now time.Time) {
	if err == nil {
		*b = Backoff{}
		return
	}
	b.until = now.Add(min(longestWait, firstWait<<min(b.failures, 10)))
	b.failures++
}
