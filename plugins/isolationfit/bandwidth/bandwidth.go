// Package bandwidth decides how much memory bandwidth of a node is free: what the node's agent reported (NodeIsolation), less what pods say
// that they need and no report can show yet.
//
// A report has the traffic of each cache domain in the ten seconds before it, so a pod that came since is not in it: of two pods placed
// between two reports, both would be given the same headroom. What such a pod declares (annotation ballast.dev/memory-bandwidth-mbps)
// counts as taken until a report shows what it does take. The pods are those of the scheduler's own view of the node (NodeInfo), which has
// assumed and nominated ones, loses those whose binding fails, and is without the victims where preemption is tried; so nothing is kept here.
//
// In which domain a pod's threads will run, nobody knows. So a demand is met only if some domain has it left however the pods that no
// report shows spread: to leave no domain with a demand d, they would have to take more than free - d in each domain with free >= d. With
// one domain that is its headroom less the sum of what they declare.
package bandwidth

import (
	"slices"
	"strconv"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Domains are the cache domains of a node by a report.
type Domains struct {
	// Use is the share of its peak that is taken of the fullest, in 0..1.
	Use float64
	// Free are what they have left in 10^6 bytes a second, the emptiest first; none below 0.
	Free []float64
}

// Of reads a report; peak is what each domain can do in 10^6 bytes a second. It is known if peak is, and every group tells its use of every
// domain that any tells of.
func Of(groups []v1alpha1.IsolationGroup, peak float64) (d Domains, known bool) {
	sums, told := map[int32]float64{}, map[int32]int{}
	for _, g := range groups {
		for _, use := range g.Domains {
			if use.TotalBytesPerSecond != nil {
				sums[use.Domain] += float64(*use.TotalBytesPerSecond) / 1e6
				told[use.Domain]++
			}
		}
	}
	if peak <= 0 || len(sums) == 0 {
		return Domains{}, false
	}
	for domain, sum := range sums {
		if told[domain] < len(groups) {
			return Domains{}, false
		}
		d.Use = max(d.Use, min(sum/peak, 1))
		d.Free = append(d.Free, max(peak-sum, 0))
	}
	slices.Sort(d.Free)
	slices.Reverse(d.Free)
	return d, true
}

// Emptiest is what the domain with the most has left.
func (d Domains) Emptiest() float64 {
	if len(d.Free) == 0 {
		return 0
	}
	return d.Free[0]
}

// Spare is how much other pods may take, wherever, so that a demand is still met by some domain; 0 also where none meets it now.
func (d Domains) Spare(demand float64) float64 {
	sum := 0.0
	for _, free := range d.Free {
		if free < demand {
			break
		}
		sum += free - demand
	}
	return sum
}

// Most is the largest demand that is read, in 10^6 bytes a second: that of the fields of NodeIsolation.
const Most = 2_000_000_000

// Declared is what a pod's annotation asks for in 10^6 bytes a second; 0 without one. It is false for a value of another form.
func Declared(pod *v1.Pod) (mbps float64, ok bool) {
	text := pod.Annotations[v1alpha1.MemoryBandwidthAnnotation]
	if text == "" {
		return 0, true
	}
	mbps, err := strconv.ParseFloat(text, 64)
	if err != nil || !(mbps > 0 && mbps <= Most) { // written so that NaN fails
		return 0, false
	}
	return mbps, true
}

// lag is how long a pod must have run before a report that shows its traffic: the agent's rates are of the 10 seconds between two readings,
// and both times are cut to whole seconds, by the same clock.
const lag = 12 * time.Second

// Unseen reports whether a report of that time cannot show the traffic of a pod yet: some container started too late for it, or none runs.
func Unseen(pod *v1.Pod, at time.Time) bool {
	var since time.Time
	for i := range pod.Status.ContainerStatuses {
		if running := pod.Status.ContainerStatuses[i].State.Running; running != nil && running.StartedAt.After(since) {
			since = running.StartedAt.Time
		}
	}
	return since.IsZero() || at.Before(since.Add(lag))
}

// Coming is what those pods of a node declare that a report of that time cannot show; except is not among them.
func Coming(pods []fwk.PodInfo, at time.Time, except types.UID) float64 {
	sum := 0.0
	for _, info := range pods {
		pod := info.GetPod()
		if mbps, ok := Declared(pod); ok && mbps > 0 && pod.UID != except && Unseen(pod, at) {
			sum += mbps
		}
	}
	return sum
}
