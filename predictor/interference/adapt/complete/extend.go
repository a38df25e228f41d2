package complete

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// Extend returns the model with one more class, the last, completed from the population of the known classes and the probes. A probe is a
// measured mix that holds the new class (its index is the number of known classes) beside known ones, with the performance of any of them.
// at is when the probes were measured; the zero time leaves it open.
func Extend(m *interference.Model, name string, probes []interference.MeasuredMix, at time.Time) (*interference.Model, error) {
	known := m.Document()
	if _, ok := m.ClassIndex(name); ok || name == "" {
		return nil, fmt.Errorf("completing class %q: expected a name that the model does not have", name)
	}
	if len(known.Classes) >= interference.MaxClasses {
		return nil, fmt.Errorf("completing class %q: the model holds %d classes, the most it may", name, len(known.Classes))
	}
	if len(probes) > interference.MaxMixes {
		return nil, fmt.Errorf("completing class %q: %d probes, expected a handful; of more than %d fit the model anew", name, len(probes), interference.MaxMixes)
	}
	seen, err := read(probes, len(known.Classes))
	if err != nil {
		return nil, fmt.Errorf("completing class %q: %w", name, err)
	}
	e, err := newExtension(m, name)
	if err != nil {
		return nil, fmt.Errorf("completing class %q: %w", name, err)
	}
	// First how it presses, from what it did to the others; then how it reacts, which includes to itself.
	for _, learn := range []func(*interference.Model, []probe){e.learnPressing, e.learnReacting} {
		so, err := e.model(nil)
		if err != nil {
			return nil, err
		}
		learn(so, seen)
	}
	e.note(seen, at.UTC().Truncate(time.Second))
	return e.model(probes)
}

// probe is a measured mix as the extension uses it.
type probe struct {
	mix     interference.Mix
	logs    []float64 // ln(performance), aligned; NaN for none
	repeats []float64
}

// read checks the probes: each must hold the new class.
func read(probes []interference.MeasuredMix, class int) ([]probe, error) {
	out := make([]probe, 0, len(probes))
	for i := range probes {
		x := &probes[i]
		if err := x.Validate(class + 1); err != nil {
			return nil, fmt.Errorf("probe %d: %w", i, err)
		}
		if x.Classes[len(x.Classes)-1] != class {
			return nil, fmt.Errorf("probe %d does not hold the new class (index %d): expected it as the last of classes", i, class)
		}
		p := probe{}
		p.mix, p.logs = mixOf(x)
		for _, n := range x.Repeats {
			p.repeats = append(p.repeats, float64(n))
		}
		out = append(out, p)
	}
	return out, nil
}

// extension is a document with one more class, and what is believed of it so far.
type extension struct {
	known interference.Document
	form  form
	// pressing is how it presses on the others, in the coordinates of the form; reacting is its response in the extended document.
	pressing, reacting scaled
	class              interference.Class // the rest
}

func newExtension(m *interference.Model, name string) (*extension, error) {
	known := m.Document()
	f, err := floorOf(m)
	if err != nil {
		return nil, err
	}
	e := &extension{known: known, form: formOf(known, f.responses)}
	if e.pressing, err = e.form.priorPressing(); err != nil {
		return nil, fmt.Errorf("how classes press: %w", err)
	}
	if e.reacting, err = e.form.priorReacting(); err != nil {
		return nil, fmt.Errorf("how classes react: %w", err)
	}
	e.class = typical(known.Classes, f)
	e.class.Name = name
	return e, nil
}

// typical is what a class is like in all but its effects: around its floor it scatters as the known ones do around theirs (in the geometric mean, for
// which one class that no law fits does not decide), and at most it is as well and as badly off as they.
func typical(classes []interference.Class, f *floor) interference.Class {
	const least = 1e-6 // a variance; a law that fits to the last digit was made up
	c := interference.Class{Min: math.Inf(1), Interactions: rounded(f.together)}
	n := float64(len(classes))
	var residual, noise float64
	for i := range classes {
		k := &classes[i]
		residual += math.Log(k.ResidualStdDev*k.ResidualStdDev+f.missed[i]+least) / n
		noise += math.Log(k.NoiseStdDev*k.NoiseStdDev+least) / n
		c.IntervalScale += k.IntervalScale / n
		c.ExtrapolationStdDev = max(c.ExtrapolationStdDev, k.ExtrapolationStdDev)
		c.MaxUnits = max(c.MaxUnits, k.MaxUnits)
		c.Min, c.Max = min(c.Min, k.Min), max(c.Max, k.Max)
	}
	c.ResidualStdDev, c.NoiseStdDev = math.Exp(residual/2), math.Exp(min(noise, residual)/2)
	return c
}

// learnPressing learns from what the others did beside it, whose scatter is known: what is further off than that is the class's doing, so that a class
// which is out of the ordinary is learned anew from a belief that is as wide as it takes.
func (e *extension) learnPressing(so *interference.Model, probes []probe) {
	before := e.pressing
	e.pressing.Normal = before.Clone()
	e.observePressing(before, so, probes)
	if scale := e.pressing.scale(); scale > 1 {
		wide := before.Clone()
		wide.Covariance.ScaleSym(scale, wide.Covariance)
		e.pressing = scaled{Normal: wide, degrees: before.degrees}
		e.observePressing(before, so, probes)
	}
}

func (e *extension) observePressing(before scaled, so *interference.Model, probes []probe) {
	for _, p := range probes {
		units := p.mix[len(p.mix)-1].Units
		for k, l := range p.mix[:len(p.mix)-1] {
			if math.IsNaN(p.logs[k]) {
				continue
			}
			z := e.form.pressingRow(l.Class, units)
			mean, _ := so.Law(p.mix, l.Class)
			effect, _ := before.Predict(z)
			known := &e.known.Classes[l.Class]
			own := belief.Normal{Mean: known.Response, Covariance: belief.Unpack(known.Covariance, len(known.Response))}
			_, unsure := own.Predict(e.form.rest(so, p.mix, l.Class))
			e.pressing.observe(z, p.logs[k]-(mean-effect), unsure+scatter(known, p.repeats[k]))
		}
	}
}

// learnReacting learns from what it did itself.
func (e *extension) learnReacting(so *interference.Model, probes []probe) {
	class, before := len(e.known.Classes), e.reacting.Clone()
	for _, p := range probes {
		k := len(p.mix) - 1
		if math.IsNaN(p.logs[k]) {
			continue
		}
		z := so.Row(nil, p.mix, class)
		mean, _ := so.Law(p.mix, class)
		linear, _ := before.Predict(z)
		e.reacting.observe(z, p.logs[k]-(mean-linear), scatter(&e.class, p.repeats[k]))
	}
}

// scatter is the variance of the mean of repeats around the law: noise averages out, lack of fit stays.
func scatter(c *interference.Class, repeats float64) float64 {
	noise := c.NoiseStdDev * c.NoiseStdDev
	return max(c.ResidualStdDev*c.ResidualStdDev-noise*(1-1/repeats), 1e-8)
}

// settled is the class with the residual and the width of interval that the size of the belief asks for.
func (e *extension) settled() interference.Class {
	c := e.class
	c.ResidualStdDev = laws.Significant(c.ResidualStdDev * math.Sqrt(e.reacting.scale()))
	c.NoiseStdDev = min(laws.Significant(c.NoiseStdDev), c.ResidualStdDev)
	c.IntervalScale = laws.Significant(max(c.IntervalScale, e.reacting.width()))
	c.Min, c.Max = laws.Significant(c.Min), laws.Significant(c.Max)
	return c
}

// note writes down what the probes were, and lets them widen what the class is held to.
func (e *extension) note(probes []probe, at time.Time) {
	c := &e.class
	least, most := math.Inf(1), math.Inf(-1)
	for _, p := range probes {
		k := len(p.mix) - 1
		c.MaxUnits = max(c.MaxUnits, p.mix.Beside(p.mix[k].Class))
		if !math.IsNaN(p.logs[k]) {
			c.Observations++
			least, most = min(least, p.logs[k]), max(most, p.logs[k])
		}
	}
	if c.Observations > 0 {
		c.Min = min(c.Min, math.Exp(least)/laws.Wider(c.Observations))
		c.Max = max(c.Max, math.Exp(most)*laws.Wider(c.Observations))
	}
	c.Provenance = &interference.Provenance{From: laws.FromProbes, Probes: len(probes), Since: at, Updated: at}
}

// model is the document with the class as it is believed to be now, and with the probes kept for look-up.
func (e *extension) model(probes []interference.MeasuredMix) (*interference.Model, error) {
	d := e.form.extend(e.pressing.now(), e.reacting.now(), e.settled())
	d.Mixes = slices.Concat(d.Mixes[:min(len(d.Mixes), interference.MaxMixes-len(probes))], probes)
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		return nil, fmt.Errorf("completing class %q: %w", e.class.Name, err)
	}
	return m, nil
}
