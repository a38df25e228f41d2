package hold

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// Rules say when a group is to be planned.
type Rules struct {
	// Window is how long after its last pod a group of unknown size is taken to be complete.
	Window time.Duration
	// MaxWait is how long after its first pod a group is planned in any case, but for gangs.
	MaxWait time.Duration
	// MaxPods is how many pods don't wait for more.
	MaxPods int
	// Gang makes groups of known size all or nothing.
	Gang bool
}

// group is pods that are planned together.
type group struct {
	key     Key
	members map[types.UID]*member // those that wait for a plan
	// first and last are when they came.
	first, last time.Time
	// size is how many pods there are in all, 0 if not known; atLeast reports that there may be more.
	size    int
	atLeast bool
	// asked is when a PodGroup was looked for last.
	asked time.Time
	// notBefore is when a gang that found no room is tried again; told is what its pods were told last.
	notBefore time.Time
	told      string
}

func (p *Pods) join(m *member, key Key, size int, now time.Time) {
	g := p.groups[key]
	if g == nil {
		g = &group{key: key, members: make(map[types.UID]*member), first: now}
		p.groups[key] = g
	}
	g.last = now
	if size > g.size {
		g.size, g.atLeast = size, false
	}
	g.members[m.uid] = m
	m.group = g
}

// leave takes a member out of its group. What came while others were planned is a group of its own from then on.
func (p *Pods) leave(m *member) {
	g := m.group
	if g == nil {
		return
	}
	m.group = nil
	delete(g.members, m.uid)
	if len(g.members) == 0 {
		delete(p.groups, g.key)
		return
	}
	g.first = g.last
	for _, other := range g.members {
		if other.came.Before(g.first) {
			g.first = other.came
		}
	}
}

func (g *group) gang(r Rules) bool { return r.Gang && g.size > 0 }

// never is a time that does not come.
var never = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// readyAt is when the group is to be planned; here says how many of its pods exist.
func (g *group) readyAt(r Rules, here int) time.Time {
	deadline, at := g.first.Add(r.MaxWait), g.last.Add(r.Window)
	switch {
	case g.gang(r) && here < g.size:
		return never // another pod, or another look at their number, decides
	case len(g.members) >= r.MaxPods:
		at = g.last
	case g.size > 0 && here < g.size:
		at = deadline
	case g.size > 0 && !g.atLeast:
		at = g.last
	}
	if deadline.Before(at) {
		at = deadline
	}
	if g.notBefore.After(at) {
		at = g.notBefore
	}
	return at
}

// Due returns the groups to plan now and, if there are none, when to look again. here says how many pods of a group exist; it need not
// hold groups that Sized leaves out. A group that is ready waits up to a window for others that are about to be: what is
// planned together is planned better.
func (p *Pods) Due(here map[Key]int, now time.Time) (ready []Key, again time.Time) {
	type candidate struct {
		key Key
		at  time.Time
	}
	var candidates []candidate
	p.mu.Lock()
	for key, g := range p.groups {
		candidates = append(candidates, candidate{key, g.readyAt(p.rules, here[key])})
	}
	p.mu.Unlock()
	if len(candidates) == 0 {
		return nil, never
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.key.String(), b.key.String()))
	})
	first := candidates[0].at
	if first.After(now) {
		return nil, first
	}
	for _, c := range candidates {
		if !c.at.After(now) {
			ready = append(ready, c.key)
		} else if !c.at.After(first.Add(p.rules.Window)) {
			return nil, c.at
		}
	}
	return ready, now
}

// Sized lists the groups whose size is known.
func (p *Pods) Sized() []Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	var keys []Key
	for key, g := range p.groups {
		if g.size > 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// Unasked lists the groups whose PodGroup may say their size, each twice a window: it may be made after the pods. Once a window would not do:
// a group may be due a window after its last pod, and its PodGroup have been asked for only after that pod had come. Those asked for longest ago
// come first.
func (p *Pods) Unasked(now time.Time) []Key {
	p.mu.Lock()
	defer p.mu.Unlock()
	var keys []Key
	for key, g := range p.groups {
		if key.named() && g.size == 0 && now.Sub(g.asked) >= p.rules.Window/2 {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(p.groups[a].asked.Compare(p.groups[b].asked), cmp.Compare(a.String(), b.String()))
	})
	return keys
}

// Asked notes that somebody asks about groups now.
func (p *Pods) Asked(keys []Key, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range keys {
		if g := p.groups[key]; g != nil {
			g.asked = now
		}
	}
}

// AtLeast sets the least size of a group; a size that its pods state stands.
func (p *Pods) AtLeast(key Key, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := p.groups[key]; g != nil && g.size == 0 && n > 0 {
		g.size, g.atLeast = n, true
	}
}

// Complaint is what the pods of a gang are to be told of why they still wait, once for each reason and not before they waited for
// MaxWait; "" for nothing new.
func (p *Pods) Complaint(key Key, here int, now time.Time) (text string, pods []cache.ObjectName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.groups[key]
	if g == nil || !g.gang(p.rules) || now.Sub(g.first) <= p.rules.MaxWait {
		return "", nil
	}
	switch {
	case here < g.size:
		text = fmt.Sprintf("%s waits: %d of its %d pods have come", key, here, g.size)
	case g.notBefore.IsZero():
		return "", nil // it was not tried yet
	default:
		text = fmt.Sprintf("%s waits: there is no room for all of its pods at once", key)
	}
	if text == g.told {
		return "", nil
	}
	g.told = text
	for _, m := range g.members {
		pods = append(pods, m.name)
	}
	return text, pods
}
