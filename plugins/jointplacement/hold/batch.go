package hold

import (
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"
)

// Waiter is a pod that is to be planned.
type Waiter struct {
	UID  types.UID
	Name cache.ObjectName
}

// Place is where a plan puts a pod.
type Place struct {
	Node string
	// Kind is what the pod was planned as: pods of a kind are refused by the same nodes.
	Kind string
	// Predicted is its performance there, 1 = alone on the node.
	Predicted float64
}

// Batch is what is planned at once.
type Batch struct {
	// Pods is how many there are; Groups, Sentence and Model name what was planned, what the plan is worth, and by which model.
	Pods                    int
	Groups, Sentence, Model string
	// together makes all pass at once, when all nominations are written, or no more will be.
	together, written bool
	// refused are nodes that did not take pods of a kind; deviated reports one since the last look.
	refused  map[refusal]bool
	deviated bool
}

type refusal struct{ kind, node string }

func (b *Batch) waits() bool { return b.together && !b.written }

// Waiters are the pods of the groups that wait for a plan.
func (p *Pods) Waiters(keys []Key) []Waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Waiter
	for _, key := range keys {
		if g := p.groups[key]; g != nil {
			for uid, m := range g.members {
				out = append(out, Waiter{uid, m.name})
			}
		}
	}
	return out
}

// PutOff puts the gangs of pods that found no room off until a time, and returns all their waiting pods.
func (p *Pods) PutOff(unplaced []types.UID, until time.Time) sets.Set[types.UID] {
	p.mu.Lock()
	defer p.mu.Unlock()
	put := sets.New[types.UID]()
	for _, uid := range unplaced {
		m := p.members[uid]
		if m == nil || m.group == nil || !m.group.gang(p.rules) || put.Has(uid) {
			continue
		}
		m.group.notBefore = until
		for uid := range m.group.members {
			put.Insert(uid)
		}
	}
	return put
}

// Plan gives pods their places in a batch. They wait for their nominations; those that wait no more keep passing. Pods that are gangs,
// or of a scheduling group, which the scheduler takes as one, make the batch pass all at once.
func (p *Pods) Plan(b *Batch, places map[types.UID]Place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for uid, at := range places {
		m := p.members[uid]
		if m == nil {
			continue
		}
		if g := m.group; g != nil && (g.gang(p.rules) || g.key.By == BySpec) {
			b.together = true
		}
		p.leave(m)
		m.batch, m.at, m.writtenAt = b, at, time.Time{}
		if m.stage == held {
			m.stage = planned
		}
	}
}

// Written notes that the nominations of pods are written.
func (p *Pods) Written(uids []types.UID, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, uid := range uids {
		if m := p.members[uid]; m != nil {
			m.writtenAt = now
		}
	}
}

// Finish notes that no more nominations of a batch will be written and returns the pods that waited for that.
func (p *Pods) Finish(b *Batch) []cache.ObjectName {
	p.mu.Lock()
	defer p.mu.Unlock()
	waited := b.waits()
	b.written = true
	var names []cache.ObjectName
	for _, m := range p.members {
		if waited && m.batch == b && m.stage == planned {
			names = append(names, m.name)
		}
	}
	return names
}

// Reserve notes that a pod got a node and returns its plan, if it has one and this is the first node it gets.
func (p *Pods) Reserve(uid types.UID, node string) (Batch, Place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.members[uid]
	if m == nil || m.batch == nil || m.reserved {
		return Batch{}, Place{}, false
	}
	m.reserved = true
	if m.at.Node != node {
		m.batch.refuse(m.at.Kind, m.at.Node)
	}
	return *m.batch, m.at, true
}

// Unreserve takes back that a pod got a node.
func (p *Pods) Unreserve(uid types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.members[uid]; m != nil {
		m.reserved = false
	}
}

func (b *Batch) refuse(kind, node string) {
	if b.refused == nil {
		b.refused = make(map[refusal]bool)
	}
	b.refused[refusal{kind, node}] = true
	b.deviated = true
}

// Refuse notes that a node cannot take pods of a kind.
func (p *Pods) Refuse(b *Batch, kind, node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.refuse(kind, node)
}

// Deviated reports whether a node refused a pod of the batch since the last call, and returns a function that tells which do.
func (p *Pods) Deviated(b *Batch) (bool, func(kind, node string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	deviated, refused := b.deviated, maps.Clone(b.refused)
	b.deviated = false
	return deviated, func(kind, node string) bool { return refused[refusal{kind, node}] }
}
