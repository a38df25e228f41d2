package roster

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
)

// MaxContainers bounds the containers that are kept; those beyond are left alone.
const MaxContainers = 4000

// forget is after how long a container is dropped that the runtime has announced, and nobody has seen since: its making failed.
const forget = 10 * time.Minute

// Entry is what the runtime, or the node's own files, tell of a container.
type Entry struct {
	ID, Namespace, Pod, PodUID, Name string
	// QoS is the pod's class: Guaranteed, Burstable or BestEffort; empty if it is not known.
	QoS string
	// Cgroup is the path of the container's cgroup below its hierarchy's root; empty if it is not known.
	Cgroup string
	// PID of the first process; 0 where none runs.
	PID int
	// Class is the resctrl group that somebody has set for the container already; empty for none.
	Class string
	// Limit is the CPU limit that the runtime has; Weight the CPU weight (cpu.shares).
	Limit  quota.Limit
	Weight float64
	// Use is the container's use in cores; NaN or 0 where it is not known.
	Use float64
}

// Wish is what is wanted of the node's containers.
type Wish struct {
	// Act says whether anything may be changed. Otherwise our limits are lifted, and threads stay where they are.
	Act bool
	// Partitions with their members, in the order of the spec.
	Partitions []membership.Partition
	// Groups are the folders of the control groups that exist, by partition, as last seen.
	Groups map[string]string
	// Real says that these groups are the kernel's own, mounted where the runtime looks for them.
	Real bool
	// Monitors is how many monitor groups may be made until the next wish.
	Monitors int
	// Cores are CPU limits by partition, for all its containers together; Own are limits of single containers, by id, which go before.
	// Those of no partition and no name are not limited.
	Cores, Own map[string]float64
}

// container is what is kept of one.
type container struct {
	Entry

	partition string // empty: none
	control   string // folder of the partition's group; empty if there is none
	foreign   bool   // Class is somebody else's
	runtime   bool   // the runtime has told of it, and has not ended it
	told      time.Time
	kubelet   quota.Limit // what the kubelet wants
	own       float64     // what we want, in cores
	refused   Backoff     // of limits
	problem   string      // why the limit could not be written
}

// Roster is what is known of a node's containers. Make one with New.
type Roster struct {
	wish       Wish
	wished     bool
	containers map[string]*container
	handed     handing
}

// New returns an empty roster. Until the first wish it changes nothing.
func New() *Roster { return &Roster{containers: map[string]*container{}, handed: newHanding()} }

// Wished says whether there has been a wish.
func (r *Roster) Wished() bool { return r.wished }

// Wish takes a new wish.
func (r *Roster) Wish(w Wish) {
	r.wish, r.wished = w, true
	r.wish.Groups = maps.Clone(w.Groups)
	for _, c := range r.containers {
		r.assign(c)
	}
	r.divide()
}

// assign finds the container's partition.
func (r *Roster) assign(c *container) {
	c.partition, _ = membership.Of(r.wish.Partitions, membership.Container{Namespace: c.Namespace, Pod: c.Pod, Name: c.Name, QoS: c.QoS})
	c.control = r.wish.Groups[c.partition]
}

// divide gives each container its part of its partition's limit.
func (r *Roster) divide() {
	together := map[string][]*container{}
	for _, id := range slices.Sorted(maps.Keys(r.containers)) {
		c := r.containers[id]
		c.own = math.Inf(1)
		if !r.wish.Act || !c.runtime {
			continue
		}
		if own, is := r.wish.Own[id]; is {
			c.own = own
		} else if _, is := r.wish.Cores[c.partition]; is && c.partition != "" {
			together[c.partition] = append(together[c.partition], c)
		}
	}
	for partition, list := range together {
		demands := make([]quota.Demand, len(list))
		for i, c := range list {
			demands[i] = quota.Demand{Weight: c.Weight, Use: c.Use, Limit: c.kubelet.Cores()}
			if !(c.Use > 0) {
				demands[i].Use = math.NaN()
			}
		}
		for i, part := range quota.Divide(r.wish.Cores[partition], demands) {
			list[i].own = part
		}
	}
}

// limit is what should be written for a container.
func (c *container) limit() quota.Limit { return quota.Min(c.own, c.kubelet) }

// Seen takes the containers that the node's own files show. They complete what the runtime tells, and stand for it where it tells nothing.
func (r *Roster) Seen(list []Entry, now time.Time) {
	seen := make(map[string]bool, len(list))
	for _, e := range list {
		seen[e.ID] = true
		c := r.containers[e.ID]
		if c == nil {
			if c = r.add(e, now); c == nil {
				continue
			}
		}
		c.Cgroup, c.Use = e.Cgroup, e.Use
		c.Namespace, c.Pod, c.Name = cmp.Or(c.Namespace, e.Namespace), cmp.Or(c.Pod, e.Pod), cmp.Or(c.Name, e.Name)
		c.PodUID, c.QoS = cmp.Or(c.PodUID, e.PodUID), cmp.Or(c.QoS, e.QoS)
		r.assign(c)
	}
	for id, c := range r.containers {
		if !seen[id] && (!c.runtime || c.PID == 0) && now.Sub(c.told) > forget {
			delete(r.containers, id)
		}
	}
	r.handed.prune(now)
	r.divide()
}

// add keeps a container, if there is room.
func (r *Roster) add(e Entry, now time.Time) *container {
	if len(r.containers) >= MaxContainers {
		return nil
	}
	c := &container{Entry: e, told: now, kubelet: quota.None(), own: math.Inf(1)}
	r.containers[e.ID] = c
	return c
}

// Sync takes all containers that the runtime has. What was kept of the kubelet's limits stays where the runtime's are as they were.
func (r *Roster) Sync(list []Entry, now time.Time) {
	before := r.containers
	r.containers = make(map[string]*container, len(list))
	for _, e := range list {
		c := r.add(e, now)
		if c == nil {
			break
		}
		old := before[e.ID]
		c.take(e, old)
		r.assign(c)
	}
	for id, old := range before { // what the node's own files showed; those that ended are forgotten later
		if r.containers[id] == nil && len(r.containers) < MaxContainers {
			old.runtime = false
			r.containers[id] = old
		}
	}
	r.handed.lost()
	r.divide()
}

// take takes what the runtime tells of a container that runs; old is what was kept of it, nil for nothing.
func (c *container) take(e Entry, old *container) {
	c.runtime = true
	c.foreign = e.Class != "" && !strings.HasPrefix(e.Class, groupPrefix)
	c.kubelet, _ = quota.Kubelet(e.Limit)
	if old == nil {
		return
	}
	c.Cgroup, c.Use, c.told = cmp.Or(old.Cgroup, e.Cgroup), old.Use, old.told
	if old.runtime && old.Limit == e.Limit {
		c.kubelet = old.kubelet
	}
}

// Gone takes that the runtime cannot be asked any more. What it told stays, as the containers do.
func (r *Roster) Gone() { r.handed.lost() }
