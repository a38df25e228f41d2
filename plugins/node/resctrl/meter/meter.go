package meter

import (
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// Use is what a container uses of caches and memory: what the monitor groups count that have its id for a name, below any control group. The
// container runtime gives them that name (runc, with enableMonitoring), and so does Ballast.
type Use struct {
	// Time is when the counters were read.
	Time time.Time
	// Group is the control group that the container is in. While it is in two, because a monitor group was left behind, it is the last by name.
	Group string
	// Domains are the cache domains, ascending.
	Domains []Domain
	// Total and Local are the bytes moved in all domains since the container's monitor group was made. They only grow, also when a counter
	// begins anew; what it counted between its last reading and its end is lost. Nil: never counted.
	Total, Local *uint64
}

// Domain is a container's use of one cache domain.
type Domain struct {
	ID int
	// Occupancy of the cache, in bytes. A container that has moved keeps what it filled before until others take it.
	Occupancy resctrl.Reading
	// Total and Local are the counters themselves, in bytes since the monitor group was made, or why there is none.
	Total, Local resctrl.Reading
	// TotalRate and LocalRate are in bytes per second since the reading before; nil where a counter was not valid both times, went back, or
	// where the reading before is too old.
	TotalRate, LocalRate *float64
}

// Meter follows the counters of one machine. Its zero value has seen nothing.
type Meter struct {
	// Stale is after how long a reading is too old for a rate with the next; 0: never.
	Stale time.Duration

	time       time.Time
	last       tree
	containers map[string]*totals
}

// Reading is what one reading tells together with the one before.
type Reading struct {
	// Groups are the rates of all groups that this reading or the one before has. Those of control groups are of what is in them now: traffic
	// that a monitor group brought with it is not in them, nor is what one took away missing.
	Groups []resctrl.Rate
	// Containers are by the name of monitor groups.
	Containers map[string]*Use
}

// Add takes the counters of all groups at a time, which is after that of the last call.
func (m *Meter) Add(now time.Time, counters []resctrl.Counters) Reading {
	interval := now.Sub(m.time)
	if m.time.IsZero() || m.Stale > 0 && interval > m.Stale {
		interval = 0 // no rates
	}
	before, after := m.last, grow(counters)
	out := Reading{Groups: groupRates(before, after, interval), Containers: make(map[string]*Use, len(after.containers))}
	kept := make(map[string]*totals, len(after.containers))
	for name, folders := range after.containers {
		t := m.containers[name]
		if t == nil {
			t = &totals{}
		}
		t.rename(before.containers[name], folders)
		t.count(folders)
		kept[name] = t
		out.Containers[name] = &Use{
			Time: now, Group: folders[len(folders)-1].control, Domains: domains(folders, before.containers[name], interval),
			Total: clone(t.total), Local: clone(t.local),
		}
	}
	m.time, m.last, m.containers = now, after, kept
	return out
}

func clone(v *uint64) *uint64 {
	if v == nil {
		return nil
	}
	return new(*v)
}

// rate is in bytes per second.
func rate(before, after resctrl.Reading, interval time.Duration) *float64 {
	if before.State != resctrl.Valid || after.State != resctrl.Valid || after.Value < before.Value || interval <= 0 {
		return nil
	}
	return new(float64(after.Value-before.Value) / interval.Seconds())
}

// kind picks a counter.
type kind func(resctrl.Counters) resctrl.Reading

func total(c resctrl.Counters) resctrl.Reading { return c.Total }

func local(c resctrl.Counters) resctrl.Reading { return c.Local }

func occupancy(c resctrl.Counters) resctrl.Reading { return c.Occupancy }
