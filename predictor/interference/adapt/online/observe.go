package online

import (
	"fmt"
	"math"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/drift"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// Observation is one measurement of one mix on a node of the model's setting.
type Observation struct {
	Mix interference.Mix
	// Performance is aligned with Mix, 1 = alone; 0 where there is none.
	Performance []float64
	// At is when, never before that of an earlier observation by more than the clock's jitter: time that runs backwards is taken to stand.
	At time.Time
}

// Change is a class that drifted.
type Change struct {
	Class int
	// Reason is a sentence for people.
	Reason string
}

// Observe learns from a measurement and returns the classes that are found to have changed. Mixes with load of no known class are refused.
func (u *Updater) Observe(o Observation) ([]Change, error) {
	if err := u.check(o); err != nil {
		return nil, err
	}
	if o.At.After(u.latest) {
		if u.latest.IsZero() {
			u.measured.begin(o.At)
		}
		u.latest = o.At
	}
	at := u.measured.find(o.Mix, u.latest)
	var changes []Change
	for k, l := range o.Mix {
		if o.Performance[k] == 0 {
			continue
		}
		y := math.Log(o.Performance[k])
		if at.copies(k, y) {
			continue // the same measurement written twice
		}
		found, err := u.learn(l.Class, o.Mix, at, k, y)
		if err != nil {
			return nil, err
		}
		if found != drift.Same {
			changes = append(changes, u.relearn(l.Class, found))
		}
	}
	at.measured = u.latest
	return changes, nil
}

func (u *Updater) check(o Observation) error {
	if len(o.Mix) == 0 || len(o.Performance) != len(o.Mix) {
		return fmt.Errorf("a mix of %d classes with %d performances, expected one of each and at least one", len(o.Mix), len(o.Performance))
	}
	for k, l := range o.Mix {
		if l.Class < 0 || l.Class >= len(u.classes) || k > 0 && l.Class <= o.Mix[k-1].Class || !(l.Units > 0 && l.Units <= 1e6) {
			return fmt.Errorf("class %d with a load of %v, expected ascending classes of the model and loads above 0", l.Class, l.Units)
		}
		if p := o.Performance[k]; !(p == 0 || p >= 1e-3 && p <= 1e3) {
			return fmt.Errorf("performance %v of class %d, expected 0.001 to 1000, or 0 for none", p, l.Class)
		}
	}
	return nil
}

// learn takes one measurement of one class.
func (u *Updater) learn(t int, mix interference.Mix, at *entry, k int, y float64) (drift.Direction, error) {
	c, s := &u.doc.Classes[t], &u.classes[t]
	if !s.updated.IsZero() {
		if err := s.Forget(kept(u.latest.Sub(s.updated), u.halfLife), u.prior); err != nil {
			return drift.Same, err
		}
	}
	s.updated = u.latest
	// The law as it was before anything came in tells the interactions, and what of its uncertainty stands in no covariance.
	z := u.base.Row(nil, mix, t)
	law, wide := u.base.Law(mix, t)
	linear, unsure := s.start.Predict(z)
	offset, unseen := law-linear, max(wide-unsure, 0)
	linear, unsure = s.Predict(z)
	unsure += unseen
	lack, noise := parts(c)
	old := at.cells[k].aged(u.latest, at.measured, u.halfLife)
	mean, variance := forecast(linear+offset, unsure, lack, noise, old)
	// The scale was set so that the interval held 90 % of what was left out; what deviates by as much is no surprise.
	width := math.Sqrt(variance) * max(1, c.IntervalScale/laws.NormalScale)
	deviation := (y - mean) / width
	believed := mean + width*drift.Cut(deviation)
	u.note(c, t, mix, old, deviation)
	if value, error2, ok := increment(lack, noise, old, believed); ok {
		s.Observe(z, value-offset, error2)
	}
	u.resize(c, s, deviation)
	at.cells[k] = old.with(believed)
	return s.test.Add(deviation), nil
}

// parts splits the variance around the law into lack of fit, which repeats in the same mix, and noise, which does not. As in the model, a tenth
// of the residual is lack of fit at least.
func parts(c *interference.Class) (lack, noise float64) {
	residual := c.ResidualStdDev * c.ResidualStdDev
	noise = min(c.NoiseStdDev*c.NoiseStdDev, 0.99*residual)
	return residual - noise, noise
}

// forecast is the normal distribution of the next measurement of a mix, given what the law says and what the mix showed before: the law has learned
// from that too, so that it tells of the lack of fit only.
func forecast(law, unsure, lack, noise float64, old cell) (mean, variance float64) {
	if old.repeats == 0 {
		return law, unsure + lack + noise
	}
	of := noise / old.repeats
	trust := lack / (lack + of)
	return law + trust*(old.mean-law), (1-trust)*(1-trust)*unsure + lack*of/(lack+of) + noise
}

// increment is what one more repeat of a mix tells of the law: as an observation of a value with an error variance. n repeats tell 1/(lack +
// noise/n) of it together, so that the thousandth repeat tells nothing: a law is learned by distinct mix. The increments of all repeats,
// taken one after the other, are the same as their mean taken once.
func increment(lack, noise float64, old cell, y float64) (value, variance float64, ok bool) {
	information := func(n float64) float64 {
		if n == 0 {
			return 0
		}
		return 1 / (lack + noise/n)
	}
	before, after := information(old.repeats), information(old.repeats+1)
	more := after - before
	if !(more > 1e-9*after) {
		return 0, 0, false
	}
	mean := (old.mean*old.repeats + y) / (old.repeats + 1)
	return (after*mean - before*old.mean) / more, 1 / more, true
}

// What a residual counts for before any measurement, and at most, in measurements; and the mean square of a standard normal deviation
// that is cut to ±2.
const (
	leastWeight, mostWeight = 10, 1000
	cutSquare               = 0.9205
)

// resize learns how large deviations are: residual and belief grow or shrink together.
func (u *Updater) resize(c *interference.Class, s *state, deviation float64) {
	weight := math.Min(leastWeight+float64(c.Observations+c.Provenance.Updates), mostWeight)
	d := drift.Cut(deviation)
	ratio := 1 + (d*d/cutSquare-1)/weight
	s.Covariance.ScaleSym(ratio, s.Covariance)
	c.ResidualStdDev *= math.Sqrt(ratio)
	c.NoiseStdDev = min(c.NoiseStdDev, c.ResidualStdDev)
}

// note counts what came in, and lets the range of the class grow with it.
func (u *Updater) note(c *interference.Class, t int, mix interference.Mix, old cell, deviation float64) {
	p := interference.Provenance{From: laws.FromUpdates}
	if c.Provenance != nil {
		p = *c.Provenance
	}
	p.Updated = u.latest
	p.Updates++
	if math.Abs(deviation) > drift.Most {
		p.Clipped++
	}
	c.Provenance = &p
	if old.repeats == 0 {
		c.Observations++
	}
	c.MaxUnits = max(c.MaxUnits, mix.Beside(t))
}

// suspect makes the others unsure of what a class that changed does to them, where it has a dimension of its own, and starts their tests anew: what
// they seemed to have changed may be its doing.
func (u *Updater) suspect(changed int) {
	for t := range u.classes {
		s := &u.classes[t]
		if t == changed {
			continue
		}
		s.test = drift.Test{}
		if !u.unit {
			continue
		}
		for _, i := range []int{1 + changed, 1 + u.doc.Rank + changed} {
			s.Covariance.SetSym(i, i, s.Covariance.At(i, i)+u.prior.At(i, i))
		}
	}
}

// relearn makes a class that changed as unsure as one that nothing is known of, around what it was: nothing rests on it until it has been
// seen in enough mixes again.
func (u *Updater) relearn(t int, found drift.Direction) Change {
	c, s := &u.doc.Classes[t], &u.classes[t]
	s.Covariance.CopySym(u.prior)
	s.Covariance.SetSym(0, 0, max(u.prior.At(0, 0), alone*alone))
	u.measured.forget(t)
	u.suspect(t)
	c.Observations = 0
	how := "better"
	if found == drift.Worse {
		how = "worse"
	}
	reason := fmt.Sprintf("%s performs %s than predicted since before %s: it is being learned anew", c.Name, how, u.latest.UTC().Format(time.RFC3339))
	p := *c.Provenance
	p.Drift = reason
	c.Provenance = &p
	return Change{t, reason}
}
