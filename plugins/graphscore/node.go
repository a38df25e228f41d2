package graphscore

import (
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/plugins/graphscore/stake"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/podclass"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// knowledge is what is made of an interference model; its address identifies the model in caches.
type knowledge struct {
	model    *interference.Model
	settings *nodesetting.Models
}

func newKnowledge(m *interference.Model) *knowledge { return &knowledge{m, nodesetting.Of(m)} }

// class returns the class index of a name, interference.Unknown if the model has none.
func (k *knowledge) class(name string) int {
	if i, ok := k.model.ClassIndex(name); ok && name != "" {
		return i
	}
	return interference.Unknown
}

// basis is by what nodes are looked at: equal ones look alike.
type basis struct {
	know   *knowledge
	stakes *stakes
}

// observe reads what the residents of a node have at stake, but for the pod except: in a pod-group cycle the snapshot already holds it.
func (b basis) observe(info fwk.NodeInfo, report nodesetting.Report, except types.UID) *stake.Node {
	residents := make([]stake.Resident, 0, len(info.GetPods()))
	for _, pi := range info.GetPods() {
		pod := pi.GetPod()
		if podclass.Background(pod) || (except != "" && pod.UID == except) {
			continue
		}
		r := stake.Resident{Class: b.know.class(podclass.Name(pod))}
		if s := b.stakes.Of(workloadOf(pod)); s != nil && len(s.Parts) > 0 {
			r.Slowdown, r.Model = s.Slowdown, s.Parts[0].Model
		}
		residents = append(residents, r)
	}
	setting := b.know.settings.Setting(info.Node(), report)
	models := []*interference.Model{setting.Likely.Model}
	for _, in := range setting.Possible {
		if in != setting.Likely {
			models = append(models, in.Model)
		}
	}
	return stake.NewNode(models, residents)
}

// nodeCache keeps nodes as observed, by the generation of the NodeInfo, which stands for one content (see package interferencefit). A node
// is good for one basis, and for the report on it (NodeIsolation), which is looked at again when any report changed.
type nodeCache struct {
	reports *nodesetting.Reports
	mu      sync.RWMutex
	basis   basis
	nodes   map[int64]*kept
}

// kept is a node with the report that it was observed by, and the number of the reports under which that stood.
type kept struct {
	*stake.Node
	report nodesetting.Report
	epoch  atomic.Uint64
}

// cachedNodes bounds the contents that are kept: three changes of each of 5,000 nodes. A full cache is emptied, and what nodes hold now is
// read again in some microseconds each.
const cachedNodes = 16_384

// get returns the node as kept, or observes and keeps it.
func (c *nodeCache) get(info fwk.NodeInfo, b basis) *stake.Node {
	generation := info.GetGeneration()
	c.mu.RLock()
	n := c.nodes[generation]
	same := c.basis == b
	c.mu.RUnlock()
	if n != nil && same && c.current(n, b, info.Node().Name) {
		return n.Node
	}
	n = c.observe(info, b, "")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.basis != b || len(c.nodes) >= cachedNodes || c.nodes == nil {
		c.basis, c.nodes = b, make(map[int64]*kept)
	}
	c.nodes[generation] = n
	return n.Node
}

// current reports whether the report that a node was observed by still stands.
func (c *nodeCache) current(n *kept, b basis, name string) bool {
	epoch := c.reports.Epoch()
	if n.epoch.Load() == epoch || !b.know.settings.Named() {
		return true
	}
	if c.reports.Of(name) != n.report {
		return false
	}
	n.epoch.Store(epoch)
	return true
}

// observe observes a node that is not kept.
func (c *nodeCache) observe(info fwk.NodeInfo, b basis, except types.UID) *kept {
	n := &kept{}
	if b.know.settings.Named() {
		n.epoch.Store(c.reports.Epoch()) // first: what changes after it is seen as a change
		n.report = c.reports.Of(info.Node().Name)
	}
	n.Node = b.observe(info, n.report, except)
	return n
}
