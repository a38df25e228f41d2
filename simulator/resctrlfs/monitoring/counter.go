package monitoring

import "strconv"

// State is whether a counter can be read.
type State int

// States of a counter, and what the file says then.
const (
	Readable    State = iota // the value
	Unavailable              // "Unavailable": the hardware has counted nothing yet (RMID_VAL_UNAVAIL, -EINVAL)
	Failed                   // "Error": the hardware refuses the RMID or event (RMID_VAL_ERROR, -EIO)
	Unassigned               // "Unassigned": no counter is assigned to the group's event (-ENOENT, Linux 6.18)
)

// Counter is what the hardware holds for one RMID, domain and event.
type Counter struct {
	Value uint64 // bytes
	State State
}

// counterID is where the hardware keeps a counter.
type counterID struct {
	rmid, domain int
	event        string
}

// Set sets what the hardware has counted for an RMID in a domain.
func (m *Monitor) Set(rmid, domain int, event string, c Counter) {
	m.counters[counterID{rmid, domain, event}] = c
}

// Add counts on: bytes are added to what an RMID has of a bandwidth event, which becomes readable.
func (m *Monitor) Add(rmid, domain int, event string, bytes uint64) {
	at := counterID{rmid, domain, event}
	m.counters[at] = Counter{Value: m.counters[at].Value + bytes}
}

// Force makes all counters answer with one state, whatever they hold, until Unforce. Readable changes nothing, Unassigned nothing of
// occupancy.
func (m *Monitor) Force(s State) { m.forced = &s }

// Unforce ends Force.
func (m *Monitor) Unforce() { m.forced = nil }

// read is __mon_event_count for one domain.
func (m *Monitor) read(at counterID) Counter {
	c := m.counters[at]
	switch {
	case m.assign.missing(at):
		c.State = Unassigned
	case m.config.stale(at):
		c.State = Unavailable
	case m.forced != nil && *m.forced != Readable && (*m.forced != Unassigned || isBandwidth(at.event)):
		c.State = *m.forced
	}
	return c
}

// Read is what a counter's file says (rdtgroup_mondata_show): for a control group the sum over its own RMID, which comes first, and those
// of its monitoring groups that can be read. Where none can, the last one read says why (mon_event_count).
func (m *Monitor) Read(rmids []int, domain int, event string) string {
	return sum(rmids, func(rmid int) Counter { return m.read(counterID{rmid, domain, event}) })
}

// ReadCache is what the file of a whole cache says with sub-NUMA clustering: the sum over its nodes that can be read, and Unavailable,
// whatever the reason, where none can (__mon_event_count, "Summing domains that share a cache").
func (m *Monitor) ReadCache(rmids []int, cache int, event string) string {
	return sum(rmids, func(rmid int) Counter {
		total := Counter{State: Unavailable}
		for _, d := range m.Domains() {
			if d.Cache != cache {
				continue
			}
			if c := m.read(counterID{rmid, d.ID, event}); c.State == Readable {
				total = Counter{Value: total.Value + c.Value}
			}
		}
		return total
	})
}

func sum(rmids []int, read func(rmid int) Counter) string {
	total, state, readable := uint64(0), Readable, false
	for _, rmid := range rmids {
		c := read(rmid)
		if state = c.State; state == Readable {
			total += c.Value
			readable = true
		}
	}
	switch {
	case readable:
		return strconv.FormatUint(total, 10) + "\n"
	case state == Failed:
		return "Error\n"
	case state == Unassigned:
		return "Unassigned\n"
	}
	return "Unavailable\n"
}
