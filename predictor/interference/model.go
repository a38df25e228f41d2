package interference

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
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
