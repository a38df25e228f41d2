package hollownode

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/simulator/hollownode/allocation"
	"github.com/ballast-k8s/ballast/simulator/hollownode/exporter"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// node is a node that is played.
type node struct {
	*allocation.Node
	name string
}

// pod is a pod that is played. Nodes.mu guards it.
type pod struct {
	object *v1.Pod // as last seen
	node   *node
	grant  *allocation.Grant // nil if it does not run
	// rejected says why there was no room for it, nil if there was.
	rejected *allocation.Shortage
	id       queueing.PodID
	// service is empty for batch.
	service string
	// begun is when it came, readySince when the plant last said that it is ready; both of the wall.
	begun, readySince time.Time
	// leaving says that the plant was told to end it, gone that it has ended there.
	leaving, gone, ready bool
}

// observe takes in a pod as the API server has it now.
func (n *Nodes) observe(object *v1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	home, ours := n.nodes[object.Spec.NodeName]
	if !ours {
		return
	}
	p := n.pods[object.UID]
	if p == nil {
		if p = n.meet(home, object); p == nil {
			return
		}
	}
	p.object = object
	if p.grant != nil && !p.leaving {
		home.Update(p.grant, object)
	}
	if object.DeletionTimestamp != nil || terminal(object) {
		n.leave(p)
	}
	if terminal(object) {
		home.Release(object.UID)
	}
	n.lookAt(p)
	n.settle(home)
	n.queue.Add(object.UID)
}

// meet takes in a pod that was not known, nil for one that is none of ours.
func (n *Nodes) meet(home *node, object *v1.Pod) *pod {
	service := object.Labels[n.cfg.ServiceLabel]
	if !isBatch(object) && service == "" {
		return nil
	}
	p := &pod{object: object, node: home, begun: n.clock.Wall(n.sim.Now(), time.Now())}
	if !isBatch(object) {
		p.service = service
	}
	n.pods[object.UID] = p
	if object.DeletionTimestamp == nil && !terminal(object) {
		n.arrive(p)
	}
	return p
}

// forget takes in that the API server no longer has a pod.
func (n *Nodes) forget(object *v1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := n.pods[object.UID]
	if p == nil {
		return
	}
	p.object = object
	n.leave(p)
	delete(n.pods, object.UID)
	p.node.Release(object.UID)
	n.settle(p.node)
}

func isBatch(object *v1.Pod) bool {
	_, has := object.Labels[ThreadsLabel]
	return has
}

func terminal(object *v1.Pod) bool {
	return object.Status.Phase == v1.PodFailed || object.Status.Phase == v1.PodSucceeded
}

// arrive admits a new pod and starts it in the plant.
func (n *Nodes) arrive(p *pod) {
	object, home := p.object, p.node
	if p.grant, p.rejected = home.Admit(object); p.rejected != nil {
		return
	}
	request, limit := p.grant.Requests().Cores(), p.grant.LimitCores()
	var err error
	if p.service == "" {
		p.id, err = n.addBatch(home.name, object.Labels[ClassLabel], object.Labels[ThreadsLabel], request, limit)
	} else {
		p.id, err = n.sim.AddPod(queueing.PodSpec{
			Service: p.service, Machine: home.name, RequestCores: request, LimitCores: limit, Started: !n.clock.Started(),
		})
	}
	if err != nil {
		home.Release(object.UID)
		p.grant = nil
		n.fail(fmt.Errorf("pod %s/%s: %w", object.Namespace, object.Name, err))
		return
	}
	id := identify(object)
	n.identities[p.id] = id
	if p.service != "" && id.Deployment != "" {
		n.deployments[p.service] = id.Deployment
	}
	n.record.Arrived(p.id, p.service == "")
}

// addBatch starts batch load whose number of threads stands in a label.
func (n *Nodes) addBatch(machine, class, threads string, request, limit float64) (queueing.PodID, error) {
	count, err := strconv.Atoi(threads)
	if err != nil || count < 0 {
		return 0, fmt.Errorf("label %s is %q, expected a number of at least 0", ThreadsLabel, threads)
	}
	return n.sim.AddBatch(queueing.BatchSpec{Machine: machine, Class: class, Threads: count, RequestCores: request, LimitCores: limit})
}

// leave ends a pod in the plant. Its grace period is the application's own time, hence in seconds of the plant.
func (n *Nodes) leave(p *pod) {
	if p.leaving || p.grant == nil {
		return
	}
	p.leaving = true
	grace := float64(v1.DefaultTerminationGracePeriodSeconds)
	if s := p.object.Spec.TerminationGracePeriodSeconds; s != nil {
		grace = float64(*s)
	}
	if s := p.object.DeletionGracePeriodSeconds; s != nil {
		grace = float64(*s)
	}
	if err := n.sim.Remove(p.id, grace); err != nil {
		n.fail(fmt.Errorf("pod %s/%s: %w", p.object.Namespace, p.object.Name, err))
	}
	if p.service != "" {
		n.record.Left(evicted(p.object))
	}
}

// evicted says whether a pod goes because of the eviction sub-resource, which writes this condition.
func evicted(object *v1.Pod) bool {
	for _, c := range object.Status.Conditions {
		if c.Type == v1.DisruptionTarget && c.Reason == "EvictionByEvictionAPI" {
			return true
		}
	}
	return false
}

// settle lets a node give what it now has room for, and makes it so in the plant.
func (n *Nodes) settle(home *node) {
	applied, deferred := home.Retry(time.Now())
	for _, g := range applied {
		p := n.pods[g.Pod.UID]
		if p.leaving {
			continue
		}
		if err := n.sim.Resize(p.id, g.Requests().Cores(), g.LimitCores()); err != nil {
			n.fail(fmt.Errorf("pod %s/%s: %w", g.Pod.Namespace, g.Pod.Name, err))
		}
		if p.service != "" {
			n.record.Resized()
		}
		n.queue.Add(g.Pod.UID)
	}
	for _, g := range deferred {
		if n.pods[g.Pod.UID].service != "" {
			n.record.Deferred()
		}
	}
	for _, g := range home.Pending() { // their condition may have changed
		n.queue.Add(g.Pod.UID)
	}
	n.allocate()
}

// look notes which pods have become ready or have ended in the plant.
func (n *Nodes) look() {
	for uid, p := range n.pods {
		if n.lookAt(p) {
			n.queue.Add(uid)
		}
	}
}

// lookAt does that for a pod, and says whether something is new.
func (n *Nodes) lookAt(p *pod) bool {
	if p.grant == nil || p.gone || p.ready && !p.leaving {
		return false
	}
	stats, err := n.sim.Pod(p.id)
	switch {
	case err != nil: // it was added: cannot happen
	case stats.Phase == queueing.Gone:
		p.gone = true
		return true
	case stats.Phase == queueing.Ready:
		p.ready, p.readySince = true, n.clock.Wall(n.sim.Now(), time.Now())
		return true
	}
	return false
}

// identify finds the Deployment of a pod: the ReplicaSet that owns it has the Deployment's name and the hash of the template.
func identify(object *v1.Pod) exporter.Pod {
	id := exporter.Pod{Namespace: object.Namespace, Name: object.Name, UID: string(object.UID)}
	for _, owner := range object.OwnerReferences {
		hash := object.Labels["pod-template-hash"]
		if name, ok := strings.CutSuffix(owner.Name, "-"+hash); ok && owner.Kind == "ReplicaSet" && hash != "" {
			id.Deployment = name
		}
	}
	return id
}
