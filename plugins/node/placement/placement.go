package placement

import (
	"context"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/placement/groups"
	"github.com/ballast-k8s/ballast/plugins/node/placement/roster"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

const (
	// Period is how often threads are swept (decision D6 of the design of the node agent: 10 s).
	Period = 10 * time.Second
	// DefaultMount is where runtimes look for resctrl.
	DefaultMount = "/sys/fs/resctrl"
	// DefaultSocket is where runtimes serve NRI.
	DefaultSocket = "/var/run/nri/nri.sock"
	// liftTimeout bounds the lifting of limits when Run ends.
	liftTimeout = 5 * time.Second
)

// Tree is a resctrl tree that is open.
type Tree interface {
	resctrl.Tree
	io.Closer
}

// Options say where things are.
type Options struct {
	// Socket is the runtime's NRI socket; empty: none is spoken to.
	Socket string
	// Open opens the resctrl tree, which is closed after each sweep; nil: there is none.
	Open func() (Tree, error)
	// Machine is the root folder of the machine, of which proc/1/mounts, or else proc/mounts, and proc/<pid>/cpu_resctrl_groups are read.
	Machine fs.FS
	// Cgroup is the folder of the cgroup mounts, where containers' threads are listed.
	Cgroup string
	Clock  clock.WithTicker
}

// Known is a container as the node's own files tell of it: the kubelet's links to logs (package containers) and the cgroups.
type Known = roster.Entry

// Wish is what is wanted. Each wish replaces the one before.
type Wish struct {
	// Act says whether anything may be changed: the switch is active.
	Act bool
	// Partitions with their members, in the order of the spec. Leave a partition out before its group is removed: then nobody is put
	// into it in between.
	Partitions []membership.Partition
	// Groups are the folders of the control groups that exist, by partition, as the agent's round has just seen them.
	Groups map[string]string
	// RMIDs is how many monitoring ids the machine has, for a monitor group for each container; 0: none is to be made.
	RMIDs int
	// Cores are CPU limits by partition for all its containers together, Own those of single containers by id, which go before and do
	// not count there. What is not named has none.
	Cores, Own map[string]float64
	// Containers are those that the node's own files show; nil: they were not looked at.
	Containers []Known
}

// Placer places a node's containers. Its methods may be called from several goroutines.
type Placer struct {
	options Options
	wake    chan struct{} // holds one
	view    atomic.Pointer[View]

	mu     sync.Mutex // of what follows: held for microseconds, never while files or the runtime are waited for
	roster *roster.Roster
	wish   Wish
	wished bool
	link   link
	swept  sweep
	// missing are groups that are wished for and were not there at the last sweep.
	missing map[string]bool
	// handed counts the monitor groups that the runtime was asked for since the last sweep, and between that and the one before: it may
	// not have made the latter when the last sweep looked.
	handed [2]int

	// Of the goroutine of Run alone.
	sweeper  groups.Sweeper
	monitors roster.Backoff
	sweepAt  time.Time
}

// New returns a placer that Run has to be called for. It changes nothing before the first wish.
func New(o Options) *Placer {
	p := &Placer{options: o, wake: make(chan struct{}, 1), roster: roster.New()}
	p.link.problem = "the container runtime has not been spoken to yet"
	if o.Socket == "" {
		p.link.problem = "no socket of the container runtime (NRI) is given"
	}
	p.publish(o.Clock.Now())
	return p
}

// Wish takes a wish. It returns at once.
func (p *Placer) Wish(w Wish) {
	p.mu.Lock()
	before := p.wish
	p.wish, p.missing, p.wished = w, nil, true
	if w.Containers != nil {
		p.roster.Seen(w.Containers, p.options.Clock.Now())
	}
	p.tell()
	changed := before.Act != w.Act || !maps.Equal(before.Groups, w.Groups) || !slices.EqualFunc(before.Partitions, w.Partitions, samePartition)
	p.swept.stale = p.swept.stale || changed
	p.mu.Unlock()
	p.changed()
}

func samePartition(a, b membership.Partition) bool {
	return a.Name == b.Name && slices.Equal(a.Members, b.Members)
}

// tell passes the wish on to the roster, with what the last sweep found. The caller holds the lock.
func (p *Placer) tell() {
	if !p.wished {
		return
	}
	monitors := 0
	if p.wish.RMIDs > 0 && p.link.rdt {
		monitors = max(0, roster.Budget(p.wish.RMIDs, p.swept.groups)-p.handed[0]-p.handed[1])
	}
	there := maps.Clone(p.wish.Groups)
	maps.DeleteFunc(there, func(_, control string) bool { return p.missing[control] })
	p.roster.Wish(roster.Wish{
		Act: p.wish.Act, Partitions: p.wish.Partitions, Groups: there, Real: p.swept.real, Monitors: monitors,
		Cores: p.wish.Cores, Own: p.wish.Own,
	})
}

func (p *Placer) changed() {
	select {
	case p.wake <- struct{}{}:
	default: // one waits already
	}
}

// Run places containers until the context ends; then it lifts the CPU limits, and leaves threads where they are.
func (p *Placer) Run(ctx context.Context) error {
	connected, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	var connecting sync.WaitGroup
	if p.options.Socket != "" {
		connecting.Go(func() { p.connect(connected) })
	}
	defer connecting.Wait()
	defer disconnect()
	tick := p.options.Clock.NewTicker(Period)
	defer tick.Stop()
	for {
		p.round(ctx)
		select {
		case <-ctx.Done():
			p.lift(connected)
			return nil
		case <-tick.C():
		case <-p.wake:
		}
	}
}

// lift lifts the CPU limits, and lets no new container have one.
func (p *Placer) lift(ctx context.Context) {
	lifting, cancel := context.WithTimeout(ctx, liftTimeout)
	defer cancel()
	p.mu.Lock()
	p.wish.Act, p.wished = false, true
	p.tell()
	p.mu.Unlock()
	p.writeLimits(lifting, true)
}

// round writes the limits that are due, and sweeps if it is time.
func (p *Placer) round(ctx context.Context) {
	p.writeLimits(ctx, false)
	now := p.options.Clock.Now()
	p.mu.Lock()
	due := p.roster.Wished() && (p.swept.stale || !now.Before(p.sweepAt))
	p.swept.stale = false
	p.mu.Unlock()
	if due {
		p.sweepAt = now.Add(Period)
		p.sweepOnce(ctx, now)
	}
	p.publish(now)
}
