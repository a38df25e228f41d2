package replicas

// Pod is one replica, in cores.
type Pod struct {
	// Request is what it asks for, Usage what it used on average over the window.
	Request, Usage float64
	// Available is what it could have obtained: the larger of its part of a fully busy node, by weight, and its usage plus what was idle.
	Available float64
	// Headroom is what its node can still give to requests; negative counts as 0.
	Headroom float64
	// Node names its node, so that pods on one node share its headroom; empty = it shares with none.
	Node string
}

// Usage is the field, for Mean and Equivalent.
func Usage(p Pod) float64 { return p.Usage }

// Request is the field, for Mean and Equivalent.
func Request(p Pod) float64 { return p.Request }

// Available is the field, for Mean and Equivalent.
func Available(p Pod) float64 { return p.Available }

// Mean is the average over pods; NaN without pods.
func Mean(pods []Pod, cores func(Pod) float64) float64 {
	var sum float64
	for _, p := range pods {
		sum += cores(p)
	}
	return sum / float64(len(pods))
}

// leastSpare is the least spare share of a pod's cores that counts in Equivalent: a pod without spare cores has a queue, which a steady
// state does not describe. Chosen: a call then takes 50 times as long as alone.
const leastSpare = 0.02

// Equivalent is the number of cores at which one pod would serve a call in the mean time over all pods, if each takes 1/(cores − used):
// used plus the harmonic mean of the spare cores. used is load × work.
func Equivalent(pods []Pod, used float64, cores func(Pod) float64) float64 {
	var sum float64
	for _, p := range pods {
		sum += 1 / max(cores(p)-used, leastSpare*cores(p), 1e-6)
	}
	return used + float64(len(pods))/sum
}
