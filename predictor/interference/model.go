package interference

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
)

// Model predicts performance from a checked Document. It is immutable and safe for concurrent use.
type Model struct {
	doc     Document
	index   map[string]int
	classes int
	// count[t*classes+j] and presence[t*classes+j] are the change of ln(performance of t) per unit of j, and by j's presence:
	// the document's vectors multiplied out, so that a prediction is a handful of additions.
	count, presence []float64
	// effects has what count and presence were multiplied out of, for models of so many classes that the tables are in no processor's
	// cache; nil for smaller ones.
	effects []effects
	// unknownCount[t] and unknownPresence[t] are what a neighbour of no known class does to t: the mean over the known, at most
	// 0. unknownVariance[t] are the coefficients of units², units and 1 in the variance of that effect.
	unknownCount, unknownPresence []float64
	unknownVariance               [][3]float64
	// unseen[t*classes+j] is whether j was never beside t, where the law's own covariance does not show it.
	unseen []bool
	// pressure is how many neighbours one neighbour counts for, by class; nil for one.
	pressure []float64
	// interaction are the vectors that interact; nil without.
	interaction *interactions.Directions
	together    []*interactions.Coefficients // by class; nil for none
	measured    lookup
}

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

// New checks a document and builds the model. The error names the field and what was expected.
func New(d Document) (*Model, error) {
	if err := d.validate(); err != nil {
		return nil, fmt.Errorf("interference model: %w", err)
	}
	n := len(d.Classes)
	m := &Model{
		doc: d, classes: n, index: make(map[string]int, n),
		count: make([]float64, n*n), presence: make([]float64, n*n),
		unknownCount: make([]float64, n), unknownPresence: make([]float64, n), unknownVariance: make([][3]float64, n),
		unseen: make([]bool, n*n),
	}
	for t, class := range d.Classes {
		m.index[class.Name] = t
		byPressure, byPresence := class.Response[1:1+d.Rank], class.Response[1+d.Rank:]
		for j, neighbour := range d.Classes {
			c, p := dot(byPressure, neighbour.Pressure), dot(byPresence, neighbour.Presence)
			m.count[t*n+j], m.presence[t*n+j] = c, p
			m.unknownCount[t] += c / float64(n)
			m.unknownPresence[t] += p / float64(n)
		}
		m.unknownVariance[t] = m.varianceOfUnknown(t)
		if class.Seen != "" {
			seen, err := laws.DecodeSeen(class.Seen, n)
			if err != nil {
				return nil, fmt.Errorf("interference model: classes[%d] (%s): %w", t, class.Name, err)
			}
			for j, ok := range seen {
				m.unseen[t*n+j] = !ok
			}
		}
		m.unknownCount[t] = math.Min(0, m.unknownCount[t])
		m.unknownPresence[t] = math.Min(0, m.unknownPresence[t])
	}
	if n > MaxRank {
		m.effects = make([]effects, n)
		for t, class := range d.Classes {
			e := &m.effects[t]
			e.base = class.Response[0]
			copy(e.byPressure[:], class.Response[1:1+d.Rank])
			copy(e.byPresence[:], class.Response[1+d.Rank:])
			copy(e.pressure[:], class.Pressure)
			copy(e.presence[:], class.Presence)
		}
	}
	if d.InteractingDimensions > 0 {
		m.interaction = &interactions.Directions{Dims: d.InteractingDimensions, Most: d.InteractionUnits}
		for _, class := range d.Classes {
			m.interaction.Pressure = append(m.interaction.Pressure, class.Pressure[:d.InteractingDimensions])
			m.interaction.Presence = append(m.interaction.Presence, class.Presence[:d.InteractingDimensions])
		}
		m.interaction.Unit = interactions.UnitVectors(m.interaction.Pressure, m.interaction.Presence)
		m.together = make([]*interactions.Coefficients, n)
		for t, class := range d.Classes {
			if len(class.Interactions) > 0 {
				m.together[t] = interactions.NewCoefficients(class.Interactions, d.InteractingDimensions)
			}
		}
	}
	m.measured = newLookup(&m.doc)
	return m, nil
}

// Document returns the stored form. The caller must not change its slices.
func (m *Model) Document() Document { return m.doc }

// Version is the fingerprint of the model's content.
func (m *Model) Version() string { return m.doc.Version }

// In returns the model of another setting: a machine shape or a partitioning that was measured. It is as this one, but that
// neighbours weigh more or less, and that nothing is looked up. ok is false where nothing is known of the setting; a model's own
// setting is the model itself.
func (m *Model) In(setting string) (other *Model, ok bool) {
	if setting == m.doc.Setting {
		return m, true
	}
	for _, s := range m.doc.Settings {
		if s.Name == setting {
			in := *m
			in.pressure, in.measured = s.Pressure, lookup{}
			return &in, true
		}
	}
	return nil, false
}

// weight is how many neighbours one neighbour of class t counts for.
func (m *Model) weight(t int) float64 {
	if m.pressure == nil {
		return 1
	}
	return m.pressure[t]
}

// Classes returns the class names; the position is the class index.
func (m *Model) Classes() []string {
	names := make([]string, m.classes)
	for i, c := range m.doc.Classes {
		names[i] = c.Name
	}
	return names
}

// ClassIndex returns the index of a class and whether the model knows it.
func (m *Model) ClassIndex(name string) (int, bool) {
	i, ok := m.index[name]
	return i, ok
}

// Measured reports whether the class was measured in enough mixes to act on: decisions that cannot be undone, such as to reject a
// node, shall not rest on less.
func (m *Model) Measured(class int) bool { return m.doc.Classes[class].Observations >= laws.Enough }

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

// effects is one class in the dimensions: how it reacts to pressure and presence, and how it presses.
type effects struct {
	base                                       float64
	byPressure, byPresence, pressure, presence [MaxRank]float64
}

// gathered is what a mix presses with: the sums over its known classes in the dimensions, and the load of no known class. What one container
// feels is that less itself. So a prediction takes a few steps for each class that is there, instead of one for each pair.
type gathered struct {
	felt           interactions.Felt
	load, presence [MaxRank]float64
	unknown        float64
}

func (m *Model) gather(f *gathered, mix Mix) {
	if m.interaction != nil {
		m.interaction.Gather(&f.felt, mix)
	}
	if m.effects == nil {
		return
	}
	for _, l := range mix {
		if l.Class == Unknown {
			f.unknown = l.Units
			continue
		}
		e := &m.effects[l.Class]
		for d := range MaxRank {
			f.load[d] += l.Units * e.pressure[d]
			f.presence[d] += e.presence[d]
		}
	}
}

// law is ln(performance) of one container of the k-th class under the law, without look-up. all is what gather made of the mix.
func (m *Model) law(mix Mix, k int, all *gathered) float64 {
	t := mix[k].Class
	eta := m.linear(mix, k, all)
	if m.together == nil || m.together[t] == nil {
		return eta
	}
	f := all.felt
	m.interaction.LeaveOut(&f, mix[k], m.doc.Classes[t].MaxUnits)
	if m.pressure != nil {
		f.Weigh(m.pressure[t])
	}
	return eta + f.Effect(m.together[t])
}

// linear is the part of the law that is linear in load and presence.
func (m *Model) linear(mix Mix, k int, all *gathered) float64 {
	t := mix[k].Class
	weight := m.weight(t)
	if m.effects != nil {
		return m.reaction(t, mix[k].Units, weight, all)
	}
	eta := m.doc.Classes[t].Response[0]
	row := t * m.classes
	for _, l := range mix {
		units := l.Neighbours(t) * weight
		switch {
		case units <= 0:
		case l.Class == Unknown:
			eta += units*m.unknownCount[t] + m.unknownPresence[t]
		default:
			eta += units*m.count[row+l.Class] + m.presence[row+l.Class]
		}
	}
	return eta
}

// reaction is linear from what was gathered; units is the load of class t itself.
func (m *Model) reaction(t int, units, weight float64, all *gathered) float64 {
	e := &m.effects[t]
	if weight <= 0 {
		return e.base
	}
	own, alone := min(units, 1), 0.0
	if units <= 1 {
		alone = 1
	}
	var load, presence float64
	for d := range MaxRank {
		load += e.byPressure[d] * (all.load[d] - own*e.pressure[d])
		presence += e.byPresence[d] * (all.presence[d] - alone*e.presence[d])
	}
	eta := e.base + weight*load + presence
	if all.unknown > 0 {
		eta += weight*all.unknown*m.unknownCount[t] + m.unknownPresence[t]
	}
	return eta
}

// coefficientVariance is z'Cov z: how unsure the law is of ln(performance of t) in this mix for want of data. Load of no known
// class may do anything that a known class does.
func (m *Model) coefficientVariance(mix Mix, t int) float64 {
	rank := m.doc.Rank
	var z [1 + 2*MaxRank]float64
	z[0] = 1
	var v float64
	weight := m.weight(t)
	for _, l := range mix {
		units := l.Neighbours(t) * weight
		if units <= 0 {
			continue
		}
		if l.Class == Unknown {
			w := &m.unknownVariance[t]
			v += units*units*w[0] + units*w[1] + w[2]
			continue
		}
		if m.unseen[t*m.classes+l.Class] {
			load, present := units*m.doc.Classes[t].UnseenLoadStdDev, m.doc.Classes[t].UnseenPresenceStdDev
			v += load*load + present*present
		}
		neighbour := &m.doc.Classes[l.Class]
		for d := range rank {
			z[1+d] += units * neighbour.Pressure[d]
			z[1+rank+d] += neighbour.Presence[d]
		}
	}
	covariance, at := m.doc.Classes[t].Covariance, 0
	for i := range 1 + 2*rank {
		for j := range i + 1 {
			term := z[i] * z[j] * covariance[at]
			if i != j {
				term *= 2
			}
			v += term
			at++
		}
	}
	return math.Max(v, 0)
}

// bound keeps a prediction inside the class's range.
func bound(c *Class, p float64) float64 { return min(max(p, c.Min), c.Max) }

// lackOfFit is the standard deviation of the law's own error: the residual less what noise explains. At least a tenth of the
// residual is kept, because a noise estimate above the residual is chance, not a perfect law.
func lackOfFit(c *Class) float64 {
	v := c.ResidualStdDev*c.ResidualStdDev - c.NoiseStdDev*c.NoiseStdDev
	return math.Max(math.Sqrt(math.Max(v, 0)), 0.1*c.ResidualStdDev)
}

func dot(a, b []float64) float64 {
	var s float64
	for i, x := range a {
		s += x * b[i]
	}
	return s
}
