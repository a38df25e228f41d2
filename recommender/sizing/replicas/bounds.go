package replicas

import (
	"math"
	"slices"
)

const (
	// worth is the least rise, as a factor, for which a part of what is wanted is asked for.
	worth = 1.05
	// tolerated is the rise of a target over requests within the bounds that the updater lets be, also of pods older than 12 hours: it takes
	// those that differ by 10 % (VPA, updater/priority: PodLifetimeUpdateThreshold, MinChangePriority), and a hundredth is left for
	// what its other numbers add.
	tolerated = 1.09
)

// Bounds is what the VPA is given for a workload, in cores per pod, Lower <= Target <= Upper.
type Bounds struct {
	Target, Lower, Upper float64
	// Refused says that pods need to rise and are not urged to, for want of room or because it would take an eviction.
	Refused bool
}

// Bounds turns what is wanted into what the updater may act on. It takes pods outside the bounds at once, and of those within them the
// ones older than 12 hours that differ from the target by a tenth; and it evicts where it does not resize in place, or cannot.
//
// Where nodes lack the room for a rise that is urgent, the target is as much of the rise as they have room for. Where that is next to
// nothing, or the VPA does not resize in place, an overload is no time for evictions: the lower bound does not reach over the present
// requests, and the target stays within what the updater lets be of them. An overload that is lasting is no peak to be waited out, and
// new pods are all that ends it: then the target is what is wanted, and the updater takes the old pods one by one.
//
// The upper bound of pods that are not resized in place is not below any of their requests: no pod is evicted at once to take CPU away.
func (w *Workload) Bounds(r Reach, lasting bool) Bounds {
	b := Bounds{Target: w.Wanted, Lower: w.Lower, Upper: w.Upper}
	requests := make([]float64, len(w.Pods))
	least, most := w.Lower, 0.
	for i, p := range w.Pods {
		requests[i] = p.Request
		if p.Request < w.Lower {
			least, most = min(least, p.Request), max(most, p.Request)
		}
	}
	slices.Sort(requests)
	if n := len(requests); !w.InPlace && n > 0 {
		b.Upper = max(b.Upper, requests[n-1])
	}
	if r.Stuck == 0 || w.InPlace && r.Cores >= w.Wanted {
		return b
	}
	if part := grainBelow(r.Cores); w.InPlace && part >= worth*most {
		b.Target, b.Lower = part, min(b.Lower, part)
		return b
	}
	b.Lower, b.Refused = least, true
	if !lasting {
		middle := requests[len(requests)/2]
		b.Target = min(b.Target, max(grainBelow(tolerated*middle), middle))
	}
	return b
}

// grainBelow rounds down to 10 m, the grain of requests.
func grainBelow(cores float64) float64 { return math.Floor(cores*100+1e-6) / 100 }
