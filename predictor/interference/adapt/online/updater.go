package online

import (
	"fmt"
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/drift"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/population"
	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// HalfLife is the default time after which half of what was learned is forgotten: two weeks, so that what happens on one day of the week is not
// learned anew each time, and a change too small for the drift test is gone within two months.
const HalfLife = 14 * 24 * time.Hour

// Updater learns from measurements one by one. Its memory does not grow: a belief for each class, and the look-up of at most
// interference.MaxMixes mixes. All that it knows is in the document of Model, from which another Updater goes on. It is not safe for
// concurrent use.
type Updater struct {
	base     *interference.Model // the law without look-up: rows and interactions never change
	doc      interference.Document
	halfLife time.Duration
	unit     bool          // every class has a dimension of its own
	prior    *mat.SymDense // what a class that nothing is known of is like, but for its mean
	classes  []state
	measured *lookup
	latest   time.Time
}

// state is what is believed of one class.
type state struct {
	belief.Normal
	start   belief.Normal // as in the document
	test    drift.Test
	updated time.Time // when the belief last forgot
}

// New returns an Updater that starts from a model. halfLife 0 forgets nothing.
func New(m *interference.Model, halfLife time.Duration) (*Updater, error) {
	if halfLife < 0 {
		return nil, fmt.Errorf("half-life is %s, expected 0 (never forget) or more", halfLife)
	}
	u := &Updater{doc: m.Document(), halfLife: halfLife}
	u.doc.Classes = slices.Clone(u.doc.Classes)
	u.measured = newLookup(u.doc.Mixes)
	laws := u.doc
	laws.Mixes = nil
	laws.Version = interference.Fingerprint(laws)
	var err error
	if u.base, err = interference.New(laws); err != nil {
		return nil, err
	}
	if err = u.findPrior(); err != nil {
		return nil, fmt.Errorf("spread of the classes: %w", err)
	}
	for i := range u.doc.Classes {
		c := &u.doc.Classes[i]
		start := belief.Normal{Mean: c.Response, Covariance: belief.Unpack(c.Covariance, len(c.Response))}
		s := state{Normal: start.Clone(), start: start}
		if p := c.Provenance; p != nil {
			s.test, s.updated = drift.Test{Above: p.Above, Below: p.Below}, p.Updated
		}
		u.classes = append(u.classes, s)
	}
	return u, nil
}

// alone is the standard deviation of ln(performance) alone of a class that has changed: another version is measured in units of the old one.
const alone = 0.3

// findPrior finds the spread of responses over the classes: what forgetting leads back to.
func (u *Updater) findPrior() error {
	d := &u.doc
	var vectors, pressure, presence [][]float64
	for i := range d.Classes {
		c := &d.Classes[i]
		vectors, pressure, presence = append(vectors, c.Response), append(pressure, c.Pressure), append(presence, c.Presence)
	}
	kinds := []population.Kind{population.Intercept}
	for range d.Rank {
		kinds = append(kinds, population.Load)
	}
	for range d.Rank {
		kinds = append(kinds, population.Presence)
	}
	u.unit = d.Rank == len(d.Classes) && interactions.UnitVectors(pressure, presence)
	of := population.Sample{Vectors: vectors, Coordinates: kinds, Alike: u.unit}
	p, err := of.Prior()
	if err != nil {
		return err
	}
	u.prior = p.Covariance
	return nil
}

// Model is the model as it has been learned so far, with mixes that nobody measured again for long left out of the look-up.
func (u *Updater) Model() (*interference.Model, error) {
	d := u.doc
	d.Classes = slices.Clone(u.doc.Classes)
	for t := range d.Classes {
		c, s := &d.Classes[t], &u.classes[t]
		if c.Provenance == nil {
			continue // nothing came in
		}
		p := *c.Provenance
		p.Updated = s.updated.UTC().Truncate(time.Second)
		p.Above, p.Below = laws.Significant(s.test.Above), laws.Significant(s.test.Below)
		c.Provenance = &p
		c.Response, c.Covariance = rounded(s.Mean), rounded(belief.Pack(s.Covariance))
		c.ResidualStdDev, c.NoiseStdDev = laws.Significant(c.ResidualStdDev), laws.Significant(c.NoiseStdDev)
		c.Min, c.Max = laws.Significant(c.Min), laws.Significant(c.Max)
	}
	d.Mixes = u.measured.document(u.latest, u.halfLife)
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		return nil, fmt.Errorf("updated model: %w", err)
	}
	return m, nil
}

// kept is the share of what was known that is left after some time.
func kept(age, halfLife time.Duration) float64 {
	if halfLife == 0 || age <= 0 {
		return 1
	}
	return math.Exp2(-float64(age) / float64(halfLife))
}

func rounded(x []float64) []float64 {
	r := make([]float64, len(x))
	for i := range x {
		r[i] = laws.Significant(x[i])
	}
	return r
}
