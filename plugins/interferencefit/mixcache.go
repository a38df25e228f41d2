package interferencefit

import (
	"math"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// node is what a model says of one node as it is, before the pod at hand. It is immutable but for what it remembers.
type node struct {
	know *knowledge
	name string
	// mix is the load of the node, known its part of classes that the model has, valued value. They share memory where equal.
	mix, known interference.Mix
	value      float64
	// trusted is the part of measured classes, which is all that filters look at; floors are what its pods were promised.
	trusted interference.Mix
	floors  []promise
	// kept nodes remember their gains: pods come in batches of one class, and change few of the nodes that are scored for each. gains are
	// those asked for so far, by class, as the bits of a float64; 0 where none was. It is nil until the first.
	kept  bool
	gains atomic.Pointer[[interference.MaxClasses]atomic.Uint64]
}

// promise is a floor that a resident carries: the class's performance now and the least it accepts. It binds pods of at most the
// resident's priority: a floor must not keep out what could preempt its owner.
type promise struct {
	class       int
	floor, here float64
	priority    int32
}

// observe reads the node's mix. The pod with UID except is left out: in a pod-group cycle the snapshot already holds it.
func observe(info fwk.NodeInfo, k *knowledge, except types.UID) *node {
	n := &node{know: k, name: info.Node().Name}
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
	n.value = k.model.Value(n.known, nil)
	for i := range n.floors {
		n.floors[i].here = k.model.Performance(n.trusted, n.floors[i].class)
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

// computeGain computes the gain. It allocates nothing on a node of at most 63 classes.
//
// Load of no known class lowers only the pod's own performance; the loss of the neighbours is counted as if that load were
// absent. Without this rule, unknown load could make a node look better: it depresses the neighbours first, so that the pod has
// less left to take from them.
func (n *node) computeGain(class int) float64 {
	var spare [64]interference.Load
	m := n.know.model
	with := n.known.Add(spare[:0], class, 1)
	gain := m.Value(with, nil) - n.value
	if len(n.known) == len(n.mix) {
		return gain
	}
	gain -= m.Performance(with, class)
	with = n.mix.Add(spare[:0], class, 1)
	return gain + m.Performance(with, class)
}

// mixCache keeps nodes as observed, by the generation of the NodeInfo. The scheduler numbers every change of every NodeInfo from one
// counter, clones for preemption and nominated pods included, so that a number stands for one content; only pod-group cycles reuse
// numbers, and they pass the cache by. A number is found faster than a name, whose bytes are in no processor's cache.
type mixCache struct {
	shards [cacheShards]cacheShard
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

func newMixCache() *mixCache {
	c := &mixCache{}
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
	if n == nil || n.know != k || n.name != info.Node().Name {
		return nil
	}
	return n
}

// get returns the node as kept, or observes and keeps it.
func (c *mixCache) get(info fwk.NodeInfo, k *knowledge) *node {
	if n := c.find(info, k); n != nil {
		return n
	}
	n := observe(info, k, "")
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
