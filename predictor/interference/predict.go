package interference

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference/laws"
	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
)

// Prediction is the predicted performance of one container of a class in a mix, 1 = alone on the node.
type Prediction struct {
	// Mean is the centre of the belief, bounded to the range of the class. It is the mean of ln(performance): of a wide belief, the
	// median rather than the mean of performance.
	Mean float64
	// Lo and Hi are the ends of the 90 % interval for a new measurement.
	Lo, Hi float64
	// Measured is true where this very mix was measured, so that the fit is blended with the measurement.
	Measured bool
	// Extrapolated is true where the load beside the container is larger than any that was measured.
	Extrapolated bool
}

// Performance returns the predicted performance of one container of class t. The mix must hold t: 0 is returned if it does not.
// It allocates nothing.
func (m *Model) Performance(mix Mix, t int) float64 {
	position := m.measured.position(mix)
	for k, l := range mix {
		if l.Class == t && t != Unknown {
			var f gathered
			m.gather(&f, mix)
			return m.performance(mix, k, position, &f)
		}
	}
	return 0
}

// Value is V(mix) = sum over classes of units x weight x predicted performance: what the node is worth. A nil weights means 1 for
// every class. Load of no known class adds nothing of its own and presses on the rest. It allocates nothing.
func (m *Model) Value(mix Mix, weights []float64) float64 {
	position := m.measured.position(mix)
	var f gathered
	m.gather(&f, mix)
	var v float64
	for k, l := range mix {
		if l.Class == Unknown {
			continue
		}
		p := l.Units * m.performance(mix, k, position, &f)
		if weights != nil {
			p *= weights[l.Class]
		}
		v += p
	}
	return v
}

// Predict returns the performance of one container of class t with its 90 % interval. The mix must hold t: the zero Prediction
// is returned if it does not.
func (m *Model) Predict(mix Mix, t int) Prediction {
	position := m.measured.position(mix)
	for k, l := range mix {
		if l.Class != t || t == Unknown {
			continue
		}
		obs, measured := m.measured.at(position, k)
		return m.predict(mix, k, obs, measured)
	}
	return Prediction{}
}

// predict is Predict of the k-th class with its measurement, if there is one.
func (m *Model) predict(mix Mix, k int, obs measurement, measured bool) Prediction {
	t := mix[k].Class
	var f gathered
	m.gather(&f, mix)
	c := &m.doc.Classes[t]
	excess := beyond(c, mix, t)
	drift := excess * c.ExtrapolationStdDev
	law := normal{m.law(mix, k, &f), m.coefficientVariance(mix, t)}
	belief, noise := law, c.ResidualStdDev // a new measurement scatters around the law by the residual
	if measured {
		lack := lackOfFit(c)
		// The law has seen this measurement, so that its own uncertainty is no reason to believe the measurement twice: the weights are
		// those of lack of fit and noise, as in Value, and the law's part of the blend keeps the law's uncertainty.
		var trust float64
		belief, trust = blend(normal{law.mean, lack * lack}, obs, c.NoiseStdDev)
		belief.variance += (1 - trust) * (1 - trust) * law.variance
		if c.NoiseDegrees > 0 {
			noise = c.NoiseStdDev // else the residual stays: how much of it is noise is not known
		}
	}
	// The scale was measured where noise dominates. It may widen what the law does not know, but not shrink it.
	width := math.Hypot(c.IntervalScale*noise, math.Max(c.IntervalScale, laws.NormalScale)*math.Sqrt(belief.variance))
	if !measured {
		// The scale was measured on mixes of the size of the data, which tell nothing of this part.
		width = math.Hypot(width, laws.NormalScale*drift)
	}
	// The mean is bounded, the interval is not: what was never seen may well lie outside the range that was.
	mean := bound(c, math.Exp(belief.mean))
	return Prediction{
		Mean: mean, Measured: measured, Extrapolated: !measured && excess > 0,
		Lo: math.Min(mean, math.Exp(belief.mean-width)), Hi: math.Max(mean, math.Exp(math.Min(belief.mean+width, largestLog))),
	}
}

// largestLog bounds the upper end of an interval, however unsure the model is: no mixes file may hold more than mixes.MaxPerformance.
var largestLog = math.Log(mixes.MaxPerformance)

// beyond is how many units more than ever measured are beside a container of class t.
func beyond(c *Class, mix Mix, t int) float64 {
	units := -c.MaxUnits
	for _, l := range mix {
		units += math.Max(l.Neighbours(t), 0)
	}
	return math.Max(units, 0)
}

// performance is Performance of the k-th class of a mix whose position in the look-up is known.
func (m *Model) performance(mix Mix, k, position int, f *gathered) float64 {
	t := mix[k].Class
	c := &m.doc.Classes[t]
	eta := m.law(mix, k, f)
	if obs, ok := m.measured.at(position, k); ok {
		lack := lackOfFit(c)
		belief, _ := blend(normal{eta, lack * lack}, obs, c.NoiseStdDev)
		eta = belief.mean
	}
	return bound(c, math.Exp(eta))
}
