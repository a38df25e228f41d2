package loop

import (
	"math"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/loop/share"
)

// fit makes a law for what the machine has and the spec wants, where that is new. Changed limits take over what is in force.
func (l *Loop) fit(in *Input) {
	moved := share.Of(in.Spec)
	if moved == nil {
		l.law, l.batch, l.limits, l.problem = nil, "", control.Limits{}, "no partition has role Batch: nothing is moved"
		l.setting, l.status = control.Setting{BatchCPU: math.Inf(1)}, v1alpha1.LocalControlStatus{}
		return
	}
	goesOn := l.law != nil && l.batch == moved.Name
	if !goesOn {
		l.divided = control.Setting{}
	}
	// A limit that an agent before left will be ours as soon as the runtime has connected, and is kept until then.
	now := share.Limits(in.Capacity, in.Spec, in.Cores, in.NoLimits == "" || !math.IsInf(l.left, 1))
	if goesOn && now.CPU == nil {
		now.CPU = l.limits.CPU // the runtime is away for a moment: what was decided holds, and is written when it is back
	}
	params := control.Params{EvictBatch: evicts(in)}
	if goesOn && same(l.limits, now) && l.params == params {
		return
	}
	start := share.InForce(moved, in.Capacity, in.State)
	start.BatchCPU = l.left
	if goesOn {
		start.BatchCPU = l.setting.BatchCPU // nothing shows it as quickly
	}
	share.Clamp(&start, now)
	var law *control.Law
	var err error
	if goesOn && same(l.limits, now) { // only eviction is new, so that what was learnt holds
		law, err = control.Restore(now, params, l.law.State())
		start = l.setting
	} else {
		law, err = l.begin(in, now, params, start)
	}
	if err != nil { // a machine that says nonsense of itself
		l.law, l.problem = nil, err.Error()
		return
	}
	if now.CPU != nil {
		l.left = math.Inf(1)
	}
	l.law, l.batch, l.limits, l.params, l.problem, l.setting, l.start = law, moved.Name, now, params, "", start, start
}

// begin makes a law that has learnt nothing, but knows when a pod was last asked to be evicted.
func (l *Loop) begin(in *Input, limits control.Limits, params control.Params, start control.Setting) (*control.Law, error) {
	law, err := control.New(limits, params, start)
	if err != nil || l.evicted == nil {
		return law, err
	}
	s := law.State()
	s.EvictAfter = s.Now + l.evicted.Time.Add(evictEvery).Sub(in.Now)
	return control.Restore(limits, params, s)
}

// adopt brings the law to what is in force where the last setting was not applied to the groups: else it would go on from ways and bandwidth
// that nobody has, and take what happens for their effect.
func (l *Loop) adopt(in *Input, acts bool) {
	if l.law == nil || !acts || in.Refused == "" {
		return
	}
	is := share.InForce(share.Of(in.Spec), in.Capacity, in.State)
	share.Clamp(&is, l.limits)
	if l.limits.Ways == nil || is.BatchWays == math.MaxInt32 {
		is.BatchWays = l.setting.BatchWays
	}
	if l.limits.Bandwidth == nil || is.BatchBandwidth == math.MaxInt32 {
		is.BatchBandwidth = l.setting.BatchBandwidth
	}
	is.BatchCPU = l.setting.BatchCPU
	if is.BatchWays != l.setting.BatchWays || is.BatchBandwidth != l.setting.BatchBandwidth {
		l.law.Adopt(is)
		l.setting.BatchWays, l.setting.BatchBandwidth = is.BatchWays, is.BatchBandwidth
	}
}

func same(a, b control.Limits) bool {
	return equal(a.Ways, b.Ways) && equal(a.Bandwidth, b.Bandwidth) && equal(a.CPU, b.CPU)
}

func equal[T comparable](a, b *T) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}
