package replicas

import "slices"

// Workload is what the pods of one workload are to have.
type Workload struct {
	Pods []Pod
	// InPlace says that the VPA resizes them in place.
	InPlace bool
	// Wanted is the target, Lower what the present load needs, Upper what a pod may keep, in cores per pod; Lower <= Wanted <= Upper.
	Wanted, Lower, Upper float64
}

// Reach is how far a workload can go at once.
type Reach struct {
	// Cores is the most, at most what is wanted, that more than half of the pods can be resized to in place where they are, those that
	// need no rise counted among them.
	Cores float64
	// Stuck is the number of pods that need to rise and cannot rise to what is wanted, Free what the tightest of their nodes has for them.
	Stuck int
	Free  float64
}

// Reaches returns how far each workload can go towards the cores wanted, given what pods below their lower bound would take of the nodes'
// headroom. A node that cannot give all that is asked for gives each pod the same share of its rise.
//
// A resize that does not fit stays deferred, and after 5 minutes the updater evicts the pod (InPlaceOrRecreate), in the middle of the
// overload that it was to end. So no workload is urged beyond what the nodes of more than half of its pods have room for; the updater does
// not evict more than half at once (its eviction tolerance), and one full node does not keep the other pods from their rise.
func Reaches(workloads []Workload) []Reach {
	asked := map[string]float64{}
	for _, w := range workloads {
		for _, p := range w.Pods {
			if p.Node != "" && w.InPlace && p.Request < w.Lower {
				asked[p.Node] += max(0, w.Wanted-p.Request)
			}
		}
	}
	out := make([]Reach, len(workloads))
	for i, w := range workloads {
		out[i] = w.reach(asked)
	}
	return out
}

// reach is the workload's, where pods ask nodes for so much by name.
func (w *Workload) reach(asked map[string]float64) Reach {
	r := Reach{Cores: w.Wanted}
	each := make([]float64, len(w.Pods))
	for i, p := range w.Pods {
		each[i] = w.Wanted
		rise := w.Wanted - p.Request
		if p.Request >= w.Lower || rise <= 0 {
			continue
		}
		free := 0.
		if w.InPlace {
			free = max(0, p.Headroom)
		}
		if all := asked[p.Node]; p.Node != "" && all > free {
			free *= rise / all
		}
		if free >= rise {
			continue
		}
		if r.Stuck == 0 || free < r.Free {
			r.Free = free
		}
		r.Stuck++
		each[i] = p.Request + free
	}
	if r.Stuck > 0 {
		slices.Sort(each)
		r.Cores = each[(len(each)-1)/2] // of 10 pods the fifth least: 6 reach it; of 2 the less
	}
	return r
}
