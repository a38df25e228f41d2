package interferencefit

import (
	"math"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// node is what a model says of one node as it is, before the pod at hand. It is immutable but for what it remembers.
type node struct {
	// What a remembered gain takes comes first, to be in one line of the processor's cache.
	know *knowledge
	name string
	// epoch is the number of the reports under which report stood.
	epoch atomic.Uint64
	// kept nodes remember their gains: pods come in batches of one class, and change few of the nodes that are scored for each. gains are
	// those asked for so far, by class, as the bits of a float64; 0 where none was. It is nil until the first.
	kept  bool
	gains atomic.Pointer[[interference.MaxClasses]atomic.Uint64]

	// mix is the load of the node, known its part of classes that the model has, valued values in each possible setting. They share memory
	// where equal.
	mix, known interference.Mix
	values     []float64
	value      [1]float64 // what values are where there is one, in the node's own memory: it is read with the rest
	// setting is by which models the node is valued, as the report has it.
	setting nodesetting.Setting
	report  nodesetting.Report
	// trusted is the part of measured classes, which is all that filters look at; floors are what its pods were promised.
	trusted interference.Mix
	floors  []promise
}

// promise is a floor that a resident carries: the class's performance now and the least it accepts. It binds pods of at most the
// resident's priority: a floor must not keep out what could preempt its owner.
type promise struct {
	class       int
	floor, here float64
	priority    int32
}

// observe reads the node's mix, and its setting by the report on it. The pod with UID except is left out: in a pod-group cycle the snapshot
// already holds it.
func observe(info fwk.NodeInfo, k *knowledge, report nodesetting.Report, except types.UID) *node {
	n := &node{know: k, name: info.Node().Name, report: report, setting: k.settings.Setting(info.Node(), report)}
	var spare [2][16]interference.Load // most nodes hold fewer classes, and then nothing else is allocated here
	mix, next := interference.Mix(spare[0][:0]), interference.Mix(spare[1][:0])
	for _, pi := range info.GetPods() {
		pod := pi.GetPod()
		if Background(pod) || (except != "" && pod.UID == except) {
			continue
		}
		class := k.class(pod)
		mix, next = mix.Add(next, class, 1), mix
		if !k.trusted(class) {
			continue
		}
		if floor, err := floorOf(pod); err == nil && floor > 0 {
			n.floors = append(n.floors, promise{class: class, floor: floor, priority: priorityOf(pod)})
		}
	}
	n.mix = append(make(interference.Mix, 0, len(mix)), mix...)
	n.known = without(n.mix, func(class int) bool { return class == interference.Unknown })
	n.trusted = without(n.known, func(class int) bool { return !k.measured[class] })
	n.values = n.value[:0]
	for _, in := range n.setting.Possible {
		n.values = append(n.values, in.Value(n.known, nil))
	}
	for i := range n.floors {
		n.floors[i].here = n.setting.Likely.Performance(n.trusted, n.floors[i].class)
	}
	return n
}

// without returns the mix without the classes to drop; the same slice if there are none.
func without(mix interference.Mix, drop func(class int) bool) interference.Mix {
	for i, l := range mix {
		if !drop(l.Class) {
			continue
		}
		kept := append(make(interference.Mix, 0, len(mix)-1), mix[:i]...)
		for _, l := range mix[i+1:] {
			if !drop(l.Class) {
				kept = append(kept, l)
			}
		}
		return kept
	}
	return mix
}

// gain is the score before it is scaled: V(mix + pod) - V(mix), in containers' worth of alone-performance. A node that is kept remembers it.
func (n *node) gain(class int) float64 {
	if !n.kept || class < 0 {
		return n.computeGain(class)
	}
	gains := n.gains.Load()
	if gains == nil {
		n.gains.CompareAndSwap(nil, new([interference.MaxClasses]atomic.Uint64))
		gains = n.gains.Load()
	}
	if bits := gains[class].Load(); bits != 0 {
		return math.Float64frombits(bits)
	}
	gain := n.computeGain(class)
	gains[class].Store(math.Float64bits(gain)) // who comes at the same time stores the same
	return gain
}

// computeGain computes the gain, the least over the settings that the node may be in. It allocates nothing on a node of at most 63 classes.
func (n *node) computeGain(class int) float64 {
	gain, _ := n.leastGain(class)
	return gain
}

// leastGain is the gain with the setting in which it is so.
func (n *node) leastGain(class int) (float64, *nodesetting.In) {
	least, worst := n.gainIn(0, class), n.setting.Possible[0]
	for i := 1; i < len(n.setting.Possible); i++ {
		if gain := n.gainIn(i, class); gain < least {
			least, worst = gain, n.setting.Possible[i]
		}
	}
	return least, worst
}

// gainIn is the gain in a possible setting.
//
// Load of no known class lowers only the pod's own performance; the loss of the neighbours is counted as if that load were
// absent. Without this rule, unknown load could make a node look better: it depresses the neighbours first, so that the pod has
// less left to take from them.
func (n *node) gainIn(possible, class int) float64 {
	var spare [64]interference.Load
	m := n.setting.Possible[possible]
	with := n.known.Add(spare[:0], class, 1)
	gain := m.Value(with, nil) - n.values[possible]
	if len(n.known) == len(n.mix) {
		return gain
	}
	gain -= m.Performance(with, class)
	with = n.mix.Add(spare[:0], class, 1)
	return gain + m.Performance(with, class)
}

// mixCache keeps nodes as observed, by the generation of the NodeInfo. The scheduler numbers every change of every NodeInfo from one
// counter, clones for preemption and nominated pods included, so that a number stands for one content; only pod-group cycles reuse
// numbers, and they pass the cache by. A number is found faster than a name, whose bytes are in no processor's cache. A node is good for
// one model, and for the report on it (NodeIsolation), which is looked at again when any report changed.
type mixCache struct {
	reports *nodesetting.Reports
	shards  [cacheShards]cacheShard
}

type cacheShard struct {
	sync.RWMutex
	know  *knowledge // the model of all nodes here, so that none keeps a former one in memory
	nodes map[int64]*node
}

// The cache holds at most cacheShards x cacheShardNodes = 16,384 contents of nodes, which is 33 MB, where Kubernetes supports 5,000 nodes. A
// full shard is emptied: what nodes held before goes with it, and what they hold now is read again in a microsecond or two each. 32
// shards keep the 16 threads that score in parallel from queueing for one lock.
const (
	cacheShards     = 32
	cacheShardNodes = 512
)

// newMixCache returns an empty cache; nil reports divide no node.
func newMixCache(reports *nodesetting.Reports) *mixCache {
	c := &mixCache{reports: reports}
	for i := range c.shards {
		c.shards[i].nodes = make(map[int64]*node)
	}
	return c
}

// shard is where the content of that generation is kept.
func (c *mixCache) shard(generation int64) *cacheShard {
	return &c.shards[uint64(generation)%cacheShards] //nolint:gosec // any number will do
}

// find returns the node as kept, nil if it is not.
func (c *mixCache) find(info fwk.NodeInfo, k *knowledge) *node {
	generation := info.GetGeneration()
	shard := c.shard(generation)
	shard.RLock()
	n := shard.nodes[generation]
	shard.RUnlock()
	if n == nil || n.know != k || n.name != info.Node().Name || !c.current(n) {
		return nil
	}
	return n
}

// current reports whether the report that a node was observed by still stands.
func (c *mixCache) current(n *node) bool {
	epoch := c.reports.Epoch()
	if n.epoch.Load() == epoch || !n.know.settings.Named() {
		return true
	}
	if c.reports.Of(n.name) != n.report {
		return false
	}
	n.epoch.Store(epoch)
	return true
}

// observe observes a node that is not kept.
func (c *mixCache) observe(info fwk.NodeInfo, k *knowledge, except types.UID) *node {
	if !k.settings.Named() {
		return observe(info, k, nodesetting.Report{}, except)
	}
	epoch := c.reports.Epoch() // first: what changes after it is seen as a change
	n := observe(info, k, c.reports.Of(info.Node().Name), except)
	n.epoch.Store(epoch)
	return n
}

// get returns the node as kept, or observes and keeps it.
func (c *mixCache) get(info fwk.NodeInfo, k *knowledge) *node {
	if n := c.find(info, k); n != nil {
		return n
	}
	n := c.observe(info, k, "")
	n.kept = true
	shard := c.shard(info.GetGeneration())
	shard.Lock()
	defer shard.Unlock()
	if shard.know != k || len(shard.nodes) >= cacheShardNodes {
		clear(shard.nodes)
		shard.know = k
	}
	shard.nodes[info.GetGeneration()] = n
	return n
}
