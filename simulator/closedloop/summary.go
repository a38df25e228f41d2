package closedloop

import (
	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/plant/histogram"
)

// nodeCores is what the nodes of an arm have.
func nodeCores() float64 {
	var sum float64
	for _, m := range hotel.Machines() {
		sum += m.Cores
	}
	return sum
}

// summarise adds up what happened in an arm over the minutes that count.
func (a *Arm) summarise(series hollownode.Series) {
	var within, ended uint64
	var latency histogram.Histogram
	n := 0.0
	for i := range series.Minutes {
		m := &series.Minutes[i]
		if m.Begin >= (WarmUpMinutes+hourMinutes)*minuteSeconds {
			break
		}
		minute := newMinute(m)
		a.Minutes = append(a.Minutes, minute)
		a.AllResizes += m.Resizes
		if m.Begin < WarmUpMinutes*minuteSeconds {
			continue
		}
		n++
		o := entry(m)
		within, ended = within+o.Within, ended+o.Succeeded+o.Failed
		latency.Merge(o.Latency)
		a.add(m, &minute)
	}
	if n == 0 {
		return
	}
	a.P99 = latency.Quantile(hotel.Percentile)
	if ended > 0 {
		a.Within = float64(within) / float64(ended)
	}
	for _, mean := range []*float64{&a.RequestedCores, &a.UsedCores, &a.BatchUsedCores, &a.Fill} {
		*mean /= n
	}
}

// newMinute is what is shown of a minute.
func newMinute(m *hollownode.Minute) Minute {
	o := entry(m)
	return Minute{
		Begin: m.Begin, Requests: o.Requests, Within: o.Attainment(), P99: o.P99, Resizes: m.Resizes, Evictions: m.Evictions,
		RequestedCores: m.RequestedCores, UsedCores: m.UsedCores, BatchUsedCores: m.BatchUsedCores,
		Fill: (m.RequestedCores + m.BatchRequestedCores) / nodeCores(),
	}
}

// add counts a minute. What is a mean in the end is a sum until then.
func (a *Arm) add(m *hollownode.Minute, minute *Minute) {
	a.Requests += minute.Requests
	a.RequestedCores += m.RequestedCores
	a.UsedCores += m.UsedCores
	a.BatchUsedCores += m.BatchUsedCores
	a.Fill += minute.Fill
	if minute.P99 > hotel.TargetSeconds {
		a.MinutesOver++
	}
	a.WorstP99 = max(a.WorstP99, minute.P99)
	a.Resizes, a.Deferred = a.Resizes+m.Resizes, a.Deferred+m.Deferred
	a.Evictions, a.Restarts = a.Evictions+m.Evictions, a.Restarts+m.Removals-m.Evictions
}

// entry is the operation of the objective.
func entry(m *hollownode.Minute) hollownode.Operation {
	for _, o := range m.Operations {
		if o.Name == hotel.Entry {
			return o
		}
	}
	return hollownode.Operation{}
}

// locate counts the application's pods at the end, by node and by what they request.
func (a *Arm) locate(pods []hollownode.Pod, streaming map[string]bool) {
	sum, count := map[string]float64{}, map[string]float64{}
	for _, p := range pods {
		a.Pods++
		if streaming[p.Node] {
			a.Beside++
		}
		sum[p.Service] += p.RequestedCores
		count[p.Service]++
	}
	for i := range a.Sizes {
		s := &a.Sizes[i]
		if n := count[s.Service]; n > 0 {
			s.Pods, s.Requested = int(n), int64(sum[s.Service]/n*milliPerCore+0.5)
		}
	}
}
