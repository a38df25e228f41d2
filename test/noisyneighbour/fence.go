package noisyneighbour

import (
	"math"
	"slices"
)

const (
	// mostComponents, sigmas and mostOutside are those of Intel's platform-resource-manager (node-resctrl 4.3): 1 to 10 Gaussians, bars 4
	// standard deviations beyond each, of which that one counts that leaves out most, up to a tenth.
	mostComponents, sigmas, mostOutside = 10, 4.0, 0.10
	rounds                              = 40
)

// component is a Gaussian with its share.
type component struct{ share, mean, sigma float64 }

// fence is the bar that Intel's platform-resource-manager would set: of Gaussian mixtures with 1 to 10 components that with the lowest BIC
// is taken; each component proposes its mean plus 4 standard deviations, or the largest value that it explains where that is less.
func fence(values []float64) float64 {
	var best []component
	lowest := math.Inf(1)
	for k := 1; k <= mostComponents && k <= len(values)/5; k++ {
		mixture, likelihood := fit(values, k)
		if bic := float64(3*k-1)*math.Log(float64(len(values))) - 2*likelihood; bic < lowest {
			best, lowest = mixture, bic
		}
	}
	bar, outside := slices.Max(values), -1.0
	for i := range best {
		candidate := best[i].mean + sigmas*best[i].sigma
		largest := math.Inf(-1)
		for _, v := range values {
			if belongs(best, v) == i {
				largest = max(largest, v)
			}
		}
		candidate = min(candidate, largest)
		beyond := 0.0
		for _, v := range values {
			if v > candidate {
				beyond++
			}
		}
		if beyond /= float64(len(values)); beyond <= mostOutside && beyond > outside {
			bar, outside = candidate, beyond
		}
	}
	return bar
}

// belongs is the component that a value most likely comes from.
func belongs(mixture []component, v float64) int {
	at, most := 0, math.Inf(-1)
	for i, c := range mixture {
		if d := c.logDensity(v); d > most {
			at, most = i, d
		}
	}
	return at
}

func (c component) logDensity(v float64) float64 {
	z := (v - c.mean) / c.sigma
	return math.Log(c.share) - math.Log(c.sigma) - z*z/2 - math.Log(2*math.Pi)/2
}

// fit is expectation maximisation from quantiles, with the logarithm of the likelihood.
func fit(values []float64, k int) (mixture []component, likelihood float64) {
	spread := (quantile(values, 0.95) - quantile(values, 0.05)) / 2
	floor := max(spread/100, 1e-9)
	for i := range k {
		mixture = append(mixture, component{1 / float64(k), quantile(values, (float64(i)+0.5)/float64(k)), max(spread/float64(k), floor)})
	}
	share := make([]float64, k)
	for range rounds {
		likelihood = 0
		weight, sum, square := make([]float64, k), make([]float64, k), make([]float64, k)
		for _, v := range values {
			likelihood += responsibilities(mixture, v, share)
			for i, p := range share {
				weight[i] += p
				sum[i] += p * v
				square[i] += p * v * v
			}
		}
		for i := range mixture {
			if weight[i] < 1e-6 {
				mixture[i].share = 1e-12
				continue
			}
			mean := sum[i] / weight[i]
			mixture[i] = component{weight[i] / float64(len(values)), mean, max(math.Sqrt(max(square[i]/weight[i]-mean*mean, 0)), floor)}
		}
	}
	return mixture, likelihood
}

// responsibilities fills in how likely a value comes from each component, and returns the logarithm of its density.
func responsibilities(mixture []component, v float64, share []float64) float64 {
	most := math.Inf(-1)
	for i, c := range mixture {
		share[i] = c.logDensity(v)
		most = max(most, share[i])
	}
	total := 0.0
	for i := range share {
		share[i] = math.Exp(share[i] - most)
		total += share[i]
	}
	for i := range share {
		share[i] /= total
	}
	return most + math.Log(total)
}
