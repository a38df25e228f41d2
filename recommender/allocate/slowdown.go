package allocate

import "github.com/ballast-k8s/ballast/predictor/latency"

// steepest is the utilisation beyond which a pod counts as no busier: the derivative by the slowdown grows as 1/(1 − utilisation)², until it
// says nothing of any change that can be seen. At 0.9 a slowdown of a tenth already fills the pod.
const steepest = 0.9

// Slowdowns returns the seconds that the percentile grows per unit of ln(slowdown) of each service's work, if its pods obtain so many cores: a
// hundredth of it for each per cent by which neighbours slow all of them down. Services without load, or off the critical path, have 0;
// one that is overloaded counts as one that is just not. The problem must be valid; its target and bounds are not looked at.
func Slowdowns(p Problem, cores []float64) []float64 {
	held := make([]float64, len(cores))
	for i := range p.Services {
		s := &p.Services[i]
		held[i] = max(cores[i], s.Load*s.Law.Work/steepest)
	}
	out := make([]float64, len(cores))
	for i, part := range latency.Parts(p.stages(nil, held), p.Percentile) {
		if s := &p.Services[i]; s.Load > 0 && s.Visits > 0 {
			out[i] = p.Tail * part.Slope * s.Law.Slowdown(s.Load, held[i])
		}
	}
	return out
}
