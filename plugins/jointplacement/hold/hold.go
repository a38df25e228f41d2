// Package hold keeps the pods that wait for a joint plan: which group each belongs to, when a group is to be planned, and how far each
// pod has come. It decides by what it is told, the time included, and acts on nothing.
//
// kube-scheduler asks it (Admit) inside the lock of its queue. So no method calls anything but what it is given here, and nobody may
// call into the queue from a callback.
package hold

import (
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// stage is how far a pod has come.
type stage int

const (
	// held pods wait for their group's plan.
	held stage = iota
	// planned pods have a node. They pass once the queue's own copy carries it as nominated node.
	planned
	// released pods pass, with a plan or without.
	released
)

// member is a pod from its first Admit until it is bound or deleted.
type member struct {
	uid   types.UID
	name  cache.ObjectName
	stage stage
	group *group // while it waits for a plan
	came  time.Time
	// batch is the plan it is part of, nil without; at its place there, writtenAt when its nomination was written.
	batch     *Batch
	at        Place
	writtenAt time.Time
	// reserved reports that kube-scheduler chose a node. shadow members were never held.
	reserved, shadow bool
}

// Pods are all pods that wait, and those that were planned and are not bound yet.
type Pods struct {
	rules Rules
	// passed is told how long a pod was held, when it passes.
	passed func(time.Duration)

	mu      sync.Mutex
	members map[types.UID]*member
	groups  map[Key]*group
	holding int
}

// New returns an empty set. passed is told how long a pod was held, when it passes.
func New(rules Rules, passed func(time.Duration)) *Pods {
	return &Pods{rules: rules, passed: passed, members: make(map[types.UID]*member), groups: make(map[Key]*group)}
}

// Admit decides whether a pod passes now. A new pod joins its group, in shadow as one that passes; a new one that carries a nominated
// node passes, as it was planned before a restart, or nominated by preemption.
func (p *Pods) Admit(pod *v1.Pod, shadow bool, now time.Time) (pass, isNew bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.members[pod.UID]
	switch {
	case m == nil && pod.Status.NominatedNodeName != "":
		return true, false
	case m == nil:
		m = &member{uid: pod.UID, name: cache.MetaObjectToName(pod), came: now, shadow: shadow}
		if shadow {
			m.stage = released
		} else {
			p.holding++
		}
		p.members[pod.UID] = m
		p.join(m, KeyOf(pod), sizeOf(pod), now)
		return shadow, true
	case m.stage == released:
		return true, false
	case m.stage == held || pod.Status.NominatedNodeName != m.at.Node || m.batch.waits():
		return false, false
	}
	p.release(m, now)
	return true, false
}

// release lets a member pass from now on.
func (p *Pods) release(m *member, now time.Time) {
	p.leave(m)
	if m.stage != released {
		m.stage = released
		p.holding--
		p.passed(now.Sub(m.came))
	}
}

// Forget drops a pod that is gone, or of no interest any more.
func (p *Pods) Forget(uid types.UID, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget(p.members[uid], now)
}

// Bound drops a pod that runs. One in shadow stays until its group was planned.
func (p *Pods) Bound(uid types.UID, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.members[uid]; m != nil && (!m.shadow || m.group == nil) {
		p.forget(m, now)
	}
}

func (p *Pods) forget(m *member, now time.Time) {
	if m != nil {
		p.release(m, now)
		delete(p.members, m.uid)
	}
}

// LetGo makes pods pass without a plan, those of uids, or all that wait if that is nil. It returns the names of those that did not pass
// before: the queue is to be told of them.
func (p *Pods) LetGo(uids []types.UID, now time.Time) []cache.ObjectName {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []cache.ObjectName
	free := func(m *member) {
		if m != nil && m.stage != released {
			names = append(names, m.name)
		}
		if m != nil {
			p.release(m, now)
			m.batch = nil
		}
	}
	if uids == nil {
		for _, m := range p.members {
			if m.stage != released {
				free(m)
			}
		}
	}
	for _, uid := range uids {
		free(p.members[uid])
	}
	return names
}

// Unseen lists the planned pods whose nomination was written before that time and did not make them pass.
func (p *Pods) Unseen(before time.Time) []types.UID {
	p.mu.Lock()
	defer p.mu.Unlock()
	var uids []types.UID
	for uid, m := range p.members {
		if m.stage == planned && !m.batch.waits() && !m.writtenAt.IsZero() && m.writtenAt.Before(before) {
			uids = append(uids, uid)
		}
	}
	return uids
}

// Knows reports whether a pod was admitted, and is not bound yet.
func (p *Pods) Knows(uid types.UID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.members[uid] != nil
}

// Len returns how many pods are held.
func (p *Pods) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.holding
}
