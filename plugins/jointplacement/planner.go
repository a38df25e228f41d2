package jointplacement

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
)

const (
	// lookAgain is how often the planner looks at groups whose time may have come unnoticed, and at whether this process leads by now.
	lookAgain = time.Second
	// watchPeriod is how often the watchdog looks. The model's age is honoured within it.
	watchPeriod = 2 * time.Second
	// planPatience is how long the planner may be silent before the watchdog lets everybody go.
	planPatience = 10 * time.Second
	// seePatience is how long after its writing the queue may take to see a nomination.
	seePatience = 5 * time.Second
	// gangRetry is how long a gang without room waits for its next try.
	gangRetry = 5 * time.Second
)

// planning looks at the groups whenever one may be due, until the context ends.
func (p *JointPlacement) planning(ctx context.Context) {
	for ctx.Err() == nil {
		p.breathe()
		again := p.step(ctx)
		timer := p.clock.NewTimer(max(0, min(again.Sub(p.clock.Now()), lookAgain)))
		select {
		case <-ctx.Done():
		case <-p.wake:
		case <-timer.C():
		}
		timer.Stop()
	}
}

// breathe tells the watchdog that the planner is alive.
func (p *JointPlacement) breathe() { p.alive.Store(p.clock.Now().UnixNano()) }

// step plans the groups that are due and returns when to look again.
func (p *JointPlacement) step(ctx context.Context) time.Time {
	c := p.condition()
	if c.Known == nil {
		return p.clock.Now().Add(lookAgain) // a change of switch or model lets everybody go, see show
	}
	p.ask(ctx)
	here := map[hold.Key]int{}
	for _, key := range p.waiting.Sized() {
		here[key] = p.here(c, key)
	}
	ready, again := p.waiting.Due(here, p.clock.Now())
	if len(ready) == 0 {
		return again
	}
	if !p.leadsNow() {
		if c.Mode == v1alpha1.Shadow { // what the leader does is not ours to compare
			for _, w := range p.waiting.Waiters(ready) {
				p.forget([]types.UID{w.UID})
			}
		}
		return p.clock.Now().Add(lookAgain)
	}
	p.planGroups(ctx, c, ready)
	return p.clock.Now()
}

// forget drops pods that are of no interest any more.
func (p *JointPlacement) forget(uids []types.UID) {
	for _, uid := range uids {
		p.waiting.Forget(uid, p.clock.Now())
	}
}

// leadsNow reports whether this process is the one that schedules. Leadership is never lost but with the process.
func (p *JointPlacement) leadsNow() bool {
	if !p.leads.Load() && p.leading() {
		p.leads.Store(true)
	}
	return p.leads.Load()
}

// watchdog sees to it, once in watchPeriod, that nothing is held without need: when the model grows too old, when a nomination does not come through,
// when the planner is stuck.
func (p *JointPlacement) watchdog(ctx context.Context) {
	p.view.Reports.Age()
	p.show(ctx)
	now := p.clock.Now()
	if unseen := p.waiting.Unseen(now.Add(-seePatience)); len(unseen) > 0 {
		p.letGo(ctx, reasonOverdue, unseen)
	}
	if now.Sub(time.Unix(0, p.alive.Load())) > planPatience {
		p.letGo(ctx, reasonOverdue, nil)
	}
	p.explain(now)
}

// show publishes the condition, and lets everybody go where nobody is to be held.
func (p *JointPlacement) show(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	c := p.condition()
	modelsource.ShowBlind(p.metrics.blind, p.profile, c.Blind)
	if c.Known == nil || c.Mode != v1alpha1.Active {
		p.letGo(ctx, reasonSwitch, nil)
	}
	if c.Known != nil && c.Known.Named() {
		p.view.Reports.Need()
	}
	p.metrics.podsHeld.WithLabelValues(p.profile).Set(float64(p.waiting.Len()))
	p.look()
}

// letGo lets pods pass without a plan, all that wait if uids is nil, and has the queue try them.
func (p *JointPlacement) letGo(ctx context.Context, reason string, uids []types.UID) {
	gone := p.waiting.LetGo(uids, p.clock.Now())
	if len(gone) == 0 {
		return
	}
	p.metrics.released.WithLabelValues(p.profile, reason).Add(float64(len(gone)))
	logger := klog.FromContext(ctx)
	logger.V(2).Info("Letting held pods go", "pods", len(gone), "reason", reason)
	p.try(logger, gone)
}

// try makes the scheduling queue ask PreEnqueue again about pods.
func (p *JointPlacement) try(logger klog.Logger, names []cache.ObjectName) {
	pods := make(map[string]*v1.Pod, len(names))
	for _, name := range names {
		if pod, err := p.pods.Pods(name.Namespace).Get(name.Name); err == nil {
			pods[name.String()] = pod
		}
	}
	if len(pods) > 0 {
		p.activate(logger, pods)
	}
}

// explain tells the pods of gangs what they wait for.
func (p *JointPlacement) explain(now time.Time) {
	for _, key := range p.waiting.Sized() {
		if !p.leadsNow() {
			return
		}
		text, names := p.waiting.Complaint(key, p.here(p.condition(), key), now)
		for _, name := range names {
			if pod, err := p.pods.Pods(name.Namespace).Get(name.Name); err == nil {
				p.events.Tell(pod, nil, v1.EventTypeNormal, eventActionHold, func() string { return text })
			}
		}
	}
}
