// Package quota decides the CPU limits of batch containers: what to write where the kubelet has a limit of its own, how to find the
// kubelet's again, and how to divide a limit for several containers together. It is pure: numbers in, numbers out.
//
// # The mark
//
// The runtime keeps one limit for each container. Once it is ours, nobody remembers the kubelet's: not the kernel, not the runtime, and
// an agent that was killed has forgotten it too. What NRI shows of the pod is no help: it is the sum of its containers when it was made.
// So a limit of ours carries the kubelet's in its period, which is 100001 microseconds and one more for each thousandth of a core that
// the kubelet allows; without a limit of the kubelet's exactly 100001. The kubelet's own periods are whole milliseconds (its default is
// 100 ms, cm.QuotaPeriod, and cpuCFSQuotaPeriod is given so), a marked one never is. To find a limit of ours and the way back needs no
// file and no second write that could fail: it is in the same record. A period that is longer by some milliseconds changes nothing in
// the share of the CPU.
package quota

import "math"

const (
	// DefaultPeriod of the kubelet in microseconds (Kubernetes 1.36, pkg/kubelet/cm/helpers_linux.go, QuotaPeriod).
	DefaultPeriod = 100_000
	// leastQuota is the least that the kernel takes, in microseconds (kernel/sched/core.c, min_cfs_quota_period), and the kubelet writes
	// (MinQuotaPeriod).
	leastQuota = 1000
	// markBase is the shortest period of a limit of ours.
	markBase = DefaultPeriod + 1
	// maxPeriod is the longest that the kernel takes (kernel/sched/core.c, max_cfs_quota_period).
	maxPeriod = 1_000_000
	// unit of the mark in a core.
	unit = 1000
)

// Least is the least limit in cores.
const Least = float64(leastQuota) / DefaultPeriod

// Limit is a CPU limit as the kernel has it, in microseconds of CPU time in each period. A Quota of 0 or less is no limit.
type Limit struct{ Quota, Period int64 }

// Cores is the limit in cores; infinite without one.
func (l Limit) Cores() float64 {
	if l.Quota <= 0 || l.Period <= 0 {
		return math.Inf(1)
	}
	return float64(l.Quota) / float64(l.Period)
}

// None is no limit, in the kubelet's default period.
func None() Limit { return Limit{Quota: -1, Period: DefaultPeriod} }

// Min is the limit to write where we want the container to have at most own cores and the kubelet wants its limit: the smaller one. Ours
// has the mark; NaN or an infinite number is no wish, less than [Least] is Least.
func Min(own float64, kubelet Limit) Limit {
	if math.IsNaN(own) || own >= kubelet.Cores() || math.IsInf(own, 1) {
		return Plain(kubelet)
	}
	period := int64(markBase)
	if limit := kubelet.Cores(); !math.IsInf(limit, 1) {
		period = min(markBase+max(1, int64(math.Round(limit*unit))), maxPeriod-1)
	}
	if period%1000 == 0 {
		period++ // whole milliseconds are the kubelet's: a thousandth of a core too many
	}
	return Limit{Quota: max(leastQuota, int64(math.Round(max(own, Least)*float64(period)))), Period: period}
}

// Plain is the kubelet's limit as it is to be written: none is -1, which both versions of cgroups know, as 0 means "as before" to runtimes.
func Plain(kubelet Limit) Limit {
	if kubelet.Period <= 0 {
		kubelet.Period = DefaultPeriod
	}
	if kubelet.Quota <= 0 {
		kubelet.Quota = -1
	}
	return kubelet
}

// Kubelet is the kubelet's limit that a container's present one stands for, and whether the present one is ours. The kubelet's limit is
// exact to a thousandth of a core and has the default period, up to 899 cores.
func Kubelet(present Limit) (limit Limit, ours bool) {
	if present.Quota <= 0 || present.Period < markBase || present.Period >= maxPeriod || present.Period%1000 == 0 {
		return Plain(present), false
	}
	millis := present.Period - markBase
	if millis == 0 {
		return None(), true
	}
	return Limit{Quota: max(leastQuota, millis*DefaultPeriod/unit), Period: DefaultPeriod}, true
}

// Differs says whether a limit should be written anew: it is more than a twentieth too large or a tenth too small, or one of the two is
// no limit. Each write makes the runtime start a process (runc update), so that small steps cost more than they bring.
func Differs(present, wanted Limit) bool {
	have, want := present.Cores(), wanted.Cores()
	if math.IsInf(have, 1) || math.IsInf(want, 1) {
		return math.IsInf(have, 1) != math.IsInf(want, 1)
	}
	_, marked := Kubelet(present)
	_, mark := Kubelet(wanted)
	if marked != mark {
		return true
	}
	return have > want*1.05 || have < want*0.9
}
