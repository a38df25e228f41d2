package laws

import (
	"math"
)

// Class holds what the model knows of one workload class. With z = (1, sum_j u_j·Pressure_j, sum_j [u_j>0]·Presence_j) over the
// neighbours j of one container, u_j their load units, its performance is exp(Response·z), 1 = alone.
type Class struct {
	// Name is the class's label value, or <namespace>/<controller>.
	Name string `json:"name"`
	// Pressure is what one unit of this class's load adds to each of the r dimensions its neighbours feel.
	Pressure []float64 `json:"pressure"`
	// Presence is what the mere presence of this class adds, however much of it there is. It may help: a cache is a provider.
	Presence []float64 `json:"presence"`
	// Response has 1+2r entries: intercept, reaction to pressure, reaction to presence, in units of ln(performance).
	Response []float64 `json:"response"`
	// Covariance is the posterior covariance of Response: lower triangle by rows, (1+2r)(2+2r)/2 entries.
	Covariance []float64 `json:"covariance"`
	// Interactions are the coefficients of what neighbours do together; empty for nothing. With d interacting dimensions, p and q the
	// pressure and presence felt in them (loads in InteractionUnits), n the containers of the class itself (at least 1) and u the load
	// of all neighbours: p_a/n (d), p_a·u/n (d), p_a·p_b for a <= b (d(d+1)/2), q_a·p_b (d²), and for each of three bumps h_k of u,
	// centred at 0, a half and 1, h_k and q_a·h_k (3(1+d)).
	Interactions []float64 `json:"interactions,omitempty"`
	// ResidualStdDev is the standard deviation of a measured ln(performance) around the law: lack of fit and noise.
	ResidualStdDev float64 `json:"residualStdDev"`
	// NoiseStdDev is the part of it that a repeated measurement of the same mix shows.
	NoiseStdDev float64 `json:"noiseStdDev"`
	// NoiseDegrees are the degrees of freedom behind NoiseStdDev; 0 = there were no repeats and it is assumed.
	NoiseDegrees int `json:"noiseDegrees"`
	// IntervalScale is the number of standard deviations that held 90 % of the held-out errors (1.645 were they normal).
	IntervalScale float64 `json:"intervalScale"`
	// Min and Max bound the mean prediction: the measured range, a fifth wider, and more so of few measurements.
	Min float64 `json:"min"`
	Max float64 `json:"max"`
	// MaxUnits is the largest load that was measured beside a container of the class. Beyond it the law is less sure by
	// ExtrapolationStdDev for every unit.
	MaxUnits            float64 `json:"maxUnits"`
	ExtrapolationStdDev float64 `json:"extrapolationStdDev"`
	// Seen are the classes that were measured beside this one, as hexadecimal digits of bits, the first class the lowest bit of the
	// first byte; empty where every class has a dimension of its own, whose covariance says as much. What was not seen is less
	// sure by UnseenLoadStdDev for every unit and UnseenPresenceStdDev.
	Seen                 string  `json:"seen,omitempty"`
	UnseenLoadStdDev     float64 `json:"unseenLoadStdDev,omitempty"`
	UnseenPresenceStdDev float64 `json:"unseenPresenceStdDev,omitempty"`
	// Observations is the number of distinct mixes the class was measured in; 0 = a prior only.
	Observations int `json:"observations"`
	// Provenance says where the numbers come from if not from a fit; nil for a fit.
	Provenance *Provenance `json:"provenance,omitempty"`
}

// class turns a fitted law into its stored form.
func (l *laws) class(t int, scale float64) (Class, error) {
	samples, post := l.targets[t], l.posteriors[t]
	response, covariance, together := l.terms.response(post)
	residual := math.Sqrt(l.single(t))
	scatter := l.noises[t]
	if scatter.degrees == 0 {
		scatter.stdDev = residual / math.Sqrt2 // half of the variance, for want of better
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range samples {
		low, high = math.Min(low, s.log), math.Max(high, s.log)
	}
	drift, err := l.drift(t)
	if err != nil {
		return Class{}, err
	}
	wider := Wider(len(samples))
	return Class{
		Pressure: rounded(l.terms.pressure[t]), Presence: rounded(l.terms.presence[t]),
		Response: rounded(response), Covariance: rounded(lower(covariance)), Interactions: rounded(together),
		ResidualStdDev: Significant(residual), NoiseStdDev: Significant(math.Min(scatter.stdDev, residual)), NoiseDegrees: scatter.degrees,
		IntervalScale: Significant(scale),
		Min:           Significant(math.Exp(low) / wider), Max: Significant(math.Exp(high) * wider),
		MaxUnits: heaviestBeside(samples, t), ExtrapolationStdDev: Significant(drift),
		Seen: EncodeSeen(l.terms.seen[t]), UnseenLoadStdDev: Significant(l.terms.unseenLoad), UnseenPresenceStdDev: Significant(l.terms.unseenPresence),
		Observations: len(samples),
	}, nil
}

// Wider is by how much the range of so many measurements is widened on either side to bound a prediction: a fifth, because the measured range
// is a sample of what can happen, and more of a small sample, six-fold of a single one.
func Wider(samples int) float64 { return 1.2 * (1 + 4/float64(samples)) }

func rounded(x []float64) []float64 {
	r := make([]float64, len(x))
	for i := range x {
		r[i] = Significant(x[i])
	}
	return r
}
