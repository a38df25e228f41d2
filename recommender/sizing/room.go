package sizing

// reach is how far a workload can go at once.
type reach struct {
	// cores is the most, at most what is wanted, that each of its pods can be resized to in place where it is.
	cores float64
	// stuck is the number of pods that need to rise and cannot rise to what is wanted, free what the tightest of their nodes has for them.
	stuck int
	free  float64
}

// reaches returns how far each workload can go towards the cores wanted, given what pods below their lower bound would take of the nodes'
// headroom. A node that cannot give all that is asked for gives each pod the same share of its rise.
//
// A resize that does not fit stays deferred, and after 5 minutes the updater evicts the pod (InPlaceOrRecreate), in the middle of the
// overload that it was to end; so no pod is urged beyond its node's room. A part of a rise is worth having.
func (c chain) reaches(wanted, lower []float64) []reach {
	asked := map[string]float64{}
	for i, s := range c {
		for _, p := range s.Pods {
			if p.Node != "" && s.InPlace && p.Request < lower[i] {
				asked[p.Node] += max(0, wanted[i]-p.Request)
			}
		}
	}
	out := make([]reach, len(c))
	for i, s := range c {
		out[i].cores = wanted[i]
		for _, p := range s.Pods {
			rise := wanted[i] - p.Request
			if p.Request >= lower[i] || rise <= 0 {
				continue
			}
			free := 0.
			if s.InPlace {
				free = max(0, p.Headroom)
			}
			if all := asked[p.Node]; all > free && all > 0 && p.Node != "" {
				free *= rise / all
			}
			if free >= rise {
				continue
			}
			if out[i].stuck == 0 || free < out[i].free {
				out[i].free = free
			}
			out[i].stuck++
			out[i].cores = min(out[i].cores, p.Request+free)
		}
	}
	return out
}
