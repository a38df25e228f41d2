package placement

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/placement/roster"
)

// Rung is how containers get into their groups.
type Rung string

// The rungs, best first. See the package.
const (
	RungRDT   Rung = "nri-rdt"
	RungClass Rung = "nri-class"
	RungSweep Rung = "sweep"
	RungNone  Rung = "none"
)

// View is what is so at one time. It must not be changed.
type View struct {
	Time time.Time
	// Rung in use, and why no better one is; empty for the best.
	Rung Rung
	Why  string
	// Connected says that the runtime's plugin interface works, Runtime which runtime it is, such as containerd v2.2.9. NoLimits is why
	// CPU limits cannot be written; empty: they can.
	Connected bool
	Runtime   string
	NoLimits  string
	// Generation counts the connections to the runtime.
	Generation int
	// Unmonitored is why containers have no monitor group of their own; empty where all have one, or none is wanted.
	Unmonitored string
	// Problem is what went wrong in the last sweep; empty: nothing.
	Problem string
	// Containers by namespace, pod and name.
	Containers []Placed
}

// Placed is a container.
type Placed struct {
	ID, Namespace, Pod, Container string
	// QoS is the pod's class; Partition the one it belongs to, empty for none; Group the folder of its group, empty where there is none.
	QoS, Partition, Group string
	// Settled says that the last sweep found or put all its threads into Group; Monitored that it has a monitor group there.
	Settled, Monitored bool
	// Moved counts the threads that the last sweep had to move; Renamed says that it moved all at once.
	Moved   int
	Renamed bool
	// Foreign is the group that somebody else has put it into: it is left alone.
	Foreign string
	// Limit is the CPU limit in force as the runtime has it, Kubelet the one that the kubelet wants, Own ours, in cores; infinite for none.
	Limit, Kubelet, Own float64
	// Problem is what is wrong with it; empty: nothing.
	Problem string
}

// View is the latest.
func (p *Placer) View() *View { return p.view.Load() }

// publish makes the view.
func (p *Placer) publish(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := &View{Time: now, Connected: p.link.connected, Generation: p.link.generation}
	v.Unmonitored, v.Problem = p.swept.unmonitored, p.swept.problem
	if v.Connected {
		v.Runtime = strings.TrimSpace(p.link.runtime + " " + p.link.version)
	} else {
		v.NoLimits = p.link.problem
	}
	v.Rung, v.Why = p.rung(now)
	rows := p.roster.Rows()
	v.Containers = make([]Placed, len(rows))
	for i := range rows {
		v.Containers[i] = p.placed(&rows[i])
	}
	p.view.Store(v)
}

// placed is a container as the view shows it.
func (p *Placer) placed(r *roster.Row) Placed {
	out, swept := p.swept.outcomes[r.ID]
	c := Placed{
		ID: r.ID, Namespace: r.Namespace, Pod: r.Pod, Container: r.Name, QoS: r.QoS, Partition: r.Partition, Group: r.Control,
		Settled: swept && out.err == nil && out.Foreign == "", Monitored: out.Monitored, Moved: out.Moved, Renamed: out.Renamed,
		Foreign: out.Foreign, Limit: r.Limit.Cores(), Kubelet: r.Kubelet, Own: r.Own, Problem: r.Problem,
	}
	if r.Foreign {
		c.Foreign = r.Class
	}
	if out.err != nil && c.Problem == "" {
		c.Problem = out.err.Error()
	}
	return c
}

// rung is the one in use. The caller holds the lock.
func (p *Placer) rung(now time.Time) (Rung, string) {
	switch held := p.roster.Held(now); {
	case !p.roster.Wished():
		return RungNone, "nothing has been wished for yet"
	case p.swept.none != "":
		return RungNone, p.swept.none
	case p.swept.outcomes == nil:
		return RungNone, "the groups have not been looked at yet"
	case !p.link.connected:
		return RungSweep, p.link.problem
	case !p.swept.real:
		return RungSweep, "resctrl is not mounted at " + DefaultMount + ", where the container runtime looks for it"
	case !held.IsZero():
		return RungSweep, fmt.Sprintf("containers did not start with what they were handed: nothing is until %s", held.Format(time.RFC3339))
	case !p.link.rdt:
		return RungClass, p.link.runtime + " " + p.link.version + " does not place monitor groups: that takes containerd 2.2.1 or CRI-O 1.35"
	}
	return RungRDT, ""
}

// placesMonitors says whether a runtime takes LinuxRdt: containerd from 2.2.1, CRI-O from 1.35. A runtime that we do not know gets
// rdt_class, which is older.
func placesMonitors(runtime, version string) bool {
	least, ok := map[string][3]int{"containerd": {2, 2, 1}, "cri-o": {1, 35, 0}, "crio": {1, 35, 0}}[strings.ToLower(runtime)]
	if !ok {
		return false
	}
	plain, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), "-")
	plain, _, _ = strings.Cut(plain, "+")
	numbers := strings.Split(plain, ".")
	if len(numbers) < len(least) {
		return false
	}
	for i := range least {
		n, err := strconv.Atoi(numbers[i])
		if err != nil {
			return false
		}
		if n != least[i] {
			return n > least[i]
		}
	}
	return true
}
