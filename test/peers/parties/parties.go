// Package parties is the controller of PARTIES (Chen, Delimitrou and Martínez, ASPLOS'19), by its released code as described in
// firm-aquatope-drpc 5.4: every 500 ms it looks at each service's slack, takes a core or a way for the worst one or gives one back, and
// keeps what proves useful or safe.
//
//	poll     100 ms; slack of the poll and of the last second               pollsPerDecision, longWindow
//	upsize   both below 0.05: the worst service                             upsizeSlack
//	downsize none is, and both above 0.20: the one with the largest slack   downsizeSlack
//	units    a core, a way (and a step of frequency, which is not here)
//	order    cores → cache → cores for both, entered at random              next
//	check    after 5 polls: useful if most improved on the latency before, else on to the next resource, the unit is not returned;
//	         safe if in most every service kept 0.05, else undone, and that service is not downsized for 100 polls
//
// Deviations. PARTIES partitions between services; what no service holds goes to batch work. Here all services share one partition, as Ballast's
// do, so every unit comes from the batch partition and goes back to it. Cores are a quota, not a set of CPUs. Frequency is not
// controlled: the machines of the comparison leave it to the governor. There was no throttle of memory bandwidth on the paper's
// platform, and the controller has no rule for one.
package parties

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// The released controller's constants.
const (
	pollsPerDecision = 5
	longWindow       = 10 // polls
	upsizeSlack      = 0.05
	downsizeSlack    = 0.20
	holdOffPolls     = 100
	tries            = 3 // resources in one attempt
)

// Resource is a state of a service's machine.
type Resource int

// Resources in the order in which they are tried.
const (
	Cores Resource = iota
	Cache
	resources
)

func (r Resource) next() Resource { return (r + 1) % resources }

// Action is what is being tried.
type Action int

// Actions.
const (
	None Action = iota
	Upsize
	Downsize
)

// Controller implements sharednode.Policy. See New.
type Controller struct {
	machine sharednode.Machine
	cores   int // of the batch partition
	ways    int
	apps    []app

	polls   int
	action  Action
	subject int // the service that it is for
	before  float64
	good    int // polls since the action that speak for it
	judged  int
}

// app is one service.
type app struct {
	recent   []float64 // latencies of the last polls, p99 each
	slack    float64   // of the last poll
	long     float64   // of the last second
	state    Resource
	holdOff  int // polls until it may be downsized again
	measured bool
}

// New starts with an equal split of cores and ways among the services and batch work. Only the entry into the order of resources is drawn from random.
func New(machine sharednode.Machine, services int, random *rand.Rand) *Controller {
	c := &Controller{
		machine: machine, apps: make([]app, services), cores: max(1, int(machine.Cores)/(services+1)),
		ways: max(machine.MinWays, machine.Ways/(services+1)),
	}
	for i := range c.apps {
		c.apps[i].state = Resource(random.IntN(int(resources)))
	}
	return c
}

// Action is what the controller is trying, for which service, and that service's resource.
func (c *Controller) Action() (Action, int, Resource) {
	return c.action, c.subject, c.apps[c.subject].state
}

// Observe implements sharednode.Policy.
func (c *Controller) Observe(r *sharednode.Reading) sharednode.Setting {
	for i := range c.apps {
		c.apps[i].poll(&r.Services[i])
	}
	if c.action != None {
		c.check()
	}
	if c.polls++; c.polls%pollsPerDecision == 0 {
		c.decide()
	}
	return c.machine.Split(c.ways, 100, float64(c.cores))
}

func (a *app) poll(r *sharednode.ServiceReading) {
	a.holdOff = max(0, a.holdOff-1)
	if a.measured = len(r.Latencies) > 0; !a.measured {
		return
	}
	sorted := slices.Sorted(slices.Values(r.Latencies))
	p99 := sorted[int(math.Ceil(0.99*float64(len(sorted))))-1]
	a.recent = append(a.recent, p99)
	if len(a.recent) > longWindow {
		a.recent = a.recent[1:]
	}
	var mean float64
	for _, x := range a.recent {
		mean += x / float64(len(a.recent))
	}
	a.slack, a.long = 1-p99/r.TargetSeconds, 1-mean/r.TargetSeconds
}

// check counts the polls that speak for the action.
func (c *Controller) check() {
	switch c.action {
	case Upsize:
		a := &c.apps[c.subject]
		if a.measured {
			c.judged++
			if a.recent[len(a.recent)-1] < c.before {
				c.good++
			}
		}
	case Downsize:
		c.judged++
		safe := true
		for i := range c.apps {
			safe = safe && c.apps[i].slack >= upsizeSlack
		}
		if safe {
			c.good++
		}
	case None:
	}
}

// decide judges the last action, then takes the next.
func (c *Controller) decide() {
	if c.action != None && c.judged > 0 {
		a := &c.apps[c.subject]
		if 2*c.good <= c.judged {
			if c.action == Downsize {
				c.give(a.state, -1)
				a.holdOff = holdOffPolls
			}
			a.state = a.state.next()
		}
	}
	c.action, c.good, c.judged = None, 0, 0
	worst, roomiest := -1, -1
	for i := range c.apps {
		a := &c.apps[i]
		if len(a.recent) == 0 {
			return
		}
		if a.slack < upsizeSlack && a.long < upsizeSlack && (worst < 0 || a.long < c.apps[worst].long) {
			worst = i
		}
		if a.slack > downsizeSlack && a.long > downsizeSlack && a.holdOff == 0 && (roomiest < 0 || a.long > c.apps[roomiest].long) {
			roomiest = i
		}
	}
	switch {
	case worst >= 0:
		c.try(Upsize, worst, -1)
	case roomiest >= 0:
		c.try(Downsize, roomiest, 1)
	}
}

// try moves one unit of the service's resource, or of the first after it that can move.
func (c *Controller) try(action Action, subject, units int) {
	a := &c.apps[subject]
	for range tries {
		if c.give(a.state, units) {
			c.action, c.subject, c.before = action, subject, a.recent[len(a.recent)-1]
			return
		}
		a.state = a.state.next()
	}
}

// give moves units from the services to batch work, where there is one to move. The last unit of each side stays.
func (c *Controller) give(r Resource, units int) bool {
	held, least, most := &c.cores, 1, int(c.machine.Cores)-1
	if r == Cache {
		held, least, most = &c.ways, c.machine.MinWays, c.machine.Ways-c.machine.MinWays
		if !c.machine.Allocates {
			return false
		}
	}
	if next := *held + units; next < least || next > most {
		return false
	}
	*held += units
	return true
}
