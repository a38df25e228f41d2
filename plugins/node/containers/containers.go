package containers

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/meter"
)

// MaxContainers bounds the containers that are read and shown: a kubelet runs at most 110 pods unless told otherwise.
const MaxContainers = 2000

// Names is what [View.Absent] calls the names of containers where they are missing.
const Names counters.Signal = "names of containers"

// tooMany is what [View.Absent] calls the containers beyond MaxContainers.
const tooMany counters.Signal = "containers"

// CacheUse is what [View.Absent] calls what containers use of caches and memory, by resctrl.
const CacheUse counters.Signal = "cache and memory use of containers"

// DefaultPeriod is that of a watcher that is told none.
const DefaultPeriod = 10 * time.Second

// stalePeriods is after how many periods a reading is stale: one look may be late and one may fail.
const stalePeriods = 3

// Container is a container with its names and what was read of it. The names are empty where [View.Unnamed] says why.
type Container struct {
	Namespace, Pod, Name string
	Sample               counters.Sample
	// Before is the sample of the look before, to take differences with; nil if the container is new or that sample is stale.
	Before *counters.Sample
	// Use is what it uses of caches and memory; nil where nobody asked, or [View.Absent] says why.
	Use *meter.Use
}

// Activity is what the processor counted from the look before to this one; false where one of them has no counts, or counting began anew
// between them.
func (c *Container) Activity() (perf.Activity, bool) {
	if c.Before == nil {
		return perf.Activity{}, false
	}
	return perf.Between(c.Before.Perf, c.Sample.Perf)
}

// View is what was seen at one time.
type View struct {
	Time time.Time
	// Took is how long the reading took.
	Took time.Duration
	// Period is how often there is a look.
	Period time.Duration
	// Cgroups is v2, v1 or v1 beside v2; empty if they could not be read.
	Cgroups string
	// Problem is why no container could be read; empty if they could.
	Problem string
	// Unnamed is why no container has a name; empty if those have that the kubelet has started.
	Unnamed string
	// Containers by namespace, pod and name. Without names all cgroups like those of containers are among them, sandboxes of pods too.
	Containers []Container
	// Groups are the rates of resctrl's groups since the look before.
	Groups []resctrl.Rate
	// Unknown counts the cgroups that are not among them: sandboxes of pods, and containers that the kubelet is about to start.
	Unknown int
	// Absent are the signals that containers lack, each with one reason and how many lack it.
	Absent []counters.Absence
}

// Stale says whether at some time a reading is older than three periods, so that what it says is no more what is.
func (v *View) Stale(read, now time.Time) bool { return now.Sub(read) > stalePeriods*v.Period }

// Watcher reads the containers of a node. Its methods but View are not for several goroutines at a time. The fields are set before the first
// look or never.
type Watcher struct {
	// Period is how often Look is called; 0 is DefaultPeriod.
	Period time.Duration
	// Rank says of which containers the processor's events are counted, as far as files and time allow: those with the lowest number first,
	// those with a negative one never. Of the container only the names and Sample.Container are there. Nil: nobody asks for events.
	Rank func(*Container) int
	// Whole says of which containers the waiting of all threads is read, though they be many; Sample has no counters yet. Nil: of none.
	Whole func(*Container) bool
	// Monitors reads the counters of resctrl's groups as they are when it is called, nil where there is no resctrl. Nil: nobody asks for them.
	Monitors func() ([]resctrl.Counters, error)

	options counters.Options
	links   string
	reader  *counters.Reader
	meter   meter.Meter
	last    *View // the latest that worked
	view    atomic.Pointer[View]
}

// ByQoS ranks the containers of guaranteed pods before those of burstable ones, and these before those of pods of best effort.
func ByQoS(c *Container) int {
	return slices.Index([]string{"guaranteed", "burstable", "besteffort"}, c.Sample.Container.QoS)
}

// New returns a watcher. Links is the folder of the kubelet's links to the logs of containers, /var/log/containers on the node.
func New(o counters.Options, links string) *Watcher { return &Watcher{options: o, links: links} }

// View is the latest; nil before the first.
func (w *Watcher) View() *View { return w.view.Load() }

// Close releases the files.
func (w *Watcher) Close() error {
	if w.reader == nil {
		return nil
	}
	return w.reader.Close()
}
