package nodemix

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
)

// Cache keeps nodes as observed, by the generation of the NodeInfo. The scheduler numbers every change of every NodeInfo from one
// counter, clones for preemption and nominated pods included, so that a number stands for one content; only pod-group cycles reuse
// numbers, and they pass the cache by. A number is found faster than a name, whose bytes are in no processor's cache. A node is good for
// one model, and for the report on it (NodeIsolation), which is looked at again when any report changed.
type Cache struct {
	reports *nodesetting.Reports
	shards  [shards]shard
}

type shard struct {
	sync.RWMutex
	know  *Knowledge // the model of all nodes here, so that none keeps a former one in memory
	nodes map[int64]*Node
}

// The cache holds at most shards x shardNodes = 16,384 contents of nodes, which is 33 MB, where Kubernetes supports 5,000 nodes. A
// full shard is emptied: what nodes held before goes with it, and what they hold now is read again in a microsecond or two each. 32
// shards keep the 16 threads that score in parallel from queueing for one lock.
const (
	shards     = 32
	shardNodes = 512
)

// NewCache returns an empty cache; nil reports divide no node.
func NewCache(reports *nodesetting.Reports) *Cache {
	c := &Cache{reports: reports}
	for i := range c.shards {
		c.shards[i].nodes = make(map[int64]*Node)
	}
	return c
}

// of is where the content of that generation is kept.
func (c *Cache) of(generation int64) *shard {
	return &c.shards[uint64(generation)%shards] //nolint:gosec // any number will do
}

// Find returns the node as kept, nil if it is not.
func (c *Cache) Find(info fwk.NodeInfo, k *Knowledge) *Node {
	generation := info.GetGeneration()
	at := c.of(generation)
	at.RLock()
	n := at.nodes[generation]
	at.RUnlock()
	if n == nil || n.know != k || n.name != info.Node().Name || !c.current(n) {
		return nil
	}
	return n
}

// current reports whether the report that a node was observed by still stands.
func (c *Cache) current(n *Node) bool {
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

// Observe observes a node that is not kept. The pod with UID except is left out: in a pod-group cycle the snapshot already holds it.
func (c *Cache) Observe(info fwk.NodeInfo, k *Knowledge, except types.UID) *Node {
	if !k.settings.Named() {
		return observe(info, k, nodesetting.Report{}, except)
	}
	epoch := c.reports.Epoch() // first: what changes after it is seen as a change
	n := observe(info, k, c.reports.Of(info.Node().Name), except)
	n.epoch.Store(epoch)
	return n
}

// Get returns the node as kept, or observes and keeps it.
func (c *Cache) Get(info fwk.NodeInfo, k *Knowledge) *Node {
	if n := c.Find(info, k); n != nil {
		return n
	}
	n := c.Observe(info, k, "")
	n.kept = true
	at := c.of(info.GetGeneration())
	at.Lock()
	defer at.Unlock()
	if at.know != k || len(at.nodes) >= shardNodes {
		clear(at.nodes)
		at.know = k
	}
	at.nodes[info.GetGeneration()] = n
	return n
}
