package interference

import (
	"fmt"
	"math"
	"slices"
)

// Fit fits the model to a dataset. source is kept in the document for people. Every class needs at least one measurement.
func Fit(ds *Dataset, source string) (*Model, error) {
	for t, samples := range targets(ds.Observations, len(ds.Classes)) {
		if len(samples) == 0 {
			return nil, fmt.Errorf("class %s has no measured performance in any mix: measure it at least alone", ds.Classes[t])
		}
	}
	whole, err := fitLaws(ds.Observations, len(ds.Classes))
	if err != nil {
		return nil, err
	}
	errorsOut, err := crossValidate(ds)
	if err != nil {
		return nil, err
	}
	d := Document{Format: Format, Source: source, Rank: whole.terms.rank}
	for t, name := range ds.Classes {
		class, err := whole.class(t, errorsOut[t])
		if err != nil {
			return nil, fmt.Errorf("class %s: %w", name, err)
		}
		class.Name = name
		d.Classes = append(d.Classes, class)
	}
	d.Mixes = ds.lookupMixes()
	d.Fit = quality(errorsOut, len(ds.Observations))
	d.Version = Fingerprint(d)
	return New(d)
}

// sample is one distinct mix as one container of the target class sees it.
type sample struct {
	mix     Mix
	log     float64   // mean of ln(performance)
	repeats []float64 // the single measurements
}

// targets lists the samples of each class.
func targets(observations []Observation, classes int) [][]sample {
	out := make([][]sample, classes)
	for _, o := range observations {
		for k, l := range o.Mix {
			if mean, ok := o.Cells[k].mean(); ok {
				out[l.Class] = append(out[l.Class], sample{o.Mix, mean, o.Cells[k].Logs})
			}
		}
	}
	return out
}

// laws are the fitted laws of all classes. A class without samples has none: its posterior is nil.
type laws struct {
	terms      *terms
	targets    [][]sample
	prior      prior
	posteriors []*posterior
}

// fitLaws does all that depends on the data: the basis, the priors, the posteriors.
func fitLaws(observations []Observation, classes int) (*laws, error) {
	l := &laws{targets: targets(observations, classes), posteriors: make([]*posterior, classes)}
	var err error
	if l.terms, err = basis(classes, l.targets); err != nil {
		return nil, err
	}
	kinds := l.terms.kinds()
	var designs []*design
	var index []int
	for t, samples := range l.targets {
		if len(samples) > 0 {
			rows, y := l.terms.rows(samples, t)
			designs, index = append(designs, newDesign(kinds, rows, y)), append(index, t)
		}
	}
	posteriors, p, err := learn(designs, index)
	if err != nil {
		return nil, err
	}
	l.prior = p
	for i, t := range index {
		l.posteriors[t] = posteriors[i]
	}
	return l, nil
}

// class turns a fitted law into its stored form.
func (l *laws) class(t int, out heldOut) (Class, error) {
	samples, post := l.targets[t], l.posteriors[t]
	response, covariance := l.terms.response(post)
	residual := math.Sqrt(l.single(t))
	noise, degrees := noiseStdDev(samples)
	if degrees == 0 {
		noise = residual / math.Sqrt2 // half of the variance, for want of better
	}
	low, high, units := math.Inf(1), math.Inf(-1), 0.0
	for _, s := range samples {
		low, high = math.Min(low, s.log), math.Max(high, s.log)
		units = math.Max(units, s.units(t))
	}
	drift, err := l.drift(t)
	if err != nil {
		return Class{}, err
	}
	// A fifth, because the measured range is a sample of what can happen, and more of a small sample: six-fold of a single one.
	wider := 1.2 * (1 + 4/float64(len(samples)))
	return Class{
		Pressure: rounded(l.terms.pressure[t]), Presence: rounded(l.terms.presence[t]),
		Response: rounded(response), Covariance: rounded(lower(covariance)),
		ResidualStdDev: significant(residual), NoiseStdDev: significant(math.Min(noise, residual)), NoiseDegrees: degrees,
		IntervalScale: significant(out.scale(0)),
		Min:           significant(math.Exp(low) / wider), Max: significant(math.Exp(high) * wider),
		MaxUnits: units, ExtrapolationStdDev: significant(drift),
		Seen: encodeSeen(l.terms.seen[t]), UnseenLoadStdDev: significant(l.terms.unseenLoad), UnseenPresenceStdDev: significant(l.terms.unseenPresence),
		Observations: len(samples),
	}, nil
}

// single is the variance of one measurement around the law. The law is fitted to the means of repeats, which hide part of the noise.
func (l *laws) single(t int) float64 {
	noise, _ := noiseStdDev(l.targets[t])
	var hidden float64
	for _, s := range l.targets[t] {
		hidden += 1 - 1/float64(len(s.repeats))
	}
	return l.posteriors[t].residual + noise*noise*hidden/float64(len(l.targets[t]))
}

// units is the load beside one container of class t.
func (s sample) units(t int) float64 {
	var units float64
	for _, l := range s.mix {
		units += math.Max(l.neighbours(t), 0)
	}
	return units
}

// noiseStdDev pools the scatter of repeated measurements of the same mix: sqrt(sum of squares / degrees of freedom). Zero degrees
// mean that there are too few repeats to tell.
func noiseStdDev(samples []sample) (float64, int) {
	var squares float64
	degrees := 0
	for _, s := range samples {
		for _, x := range s.repeats {
			squares += (x - s.log) * (x - s.log)
		}
		degrees += len(s.repeats) - 1
	}
	const few = 5 // fewer degrees of freedom say less than the assumption
	if degrees < few {
		return 0, 0
	}
	return math.Sqrt(squares / float64(degrees)), degrees
}

// lookupMixes picks what is kept for look-up: everything if it fits, else the mixes of fewest classes, which placement meets
// most and the law knows least.
func (ds *Dataset) lookupMixes() []MeasuredMix {
	kept := slices.Clone(ds.Observations)
	if len(kept) > MaxMixes {
		slices.SortStableFunc(kept, func(a, b Observation) int { return len(a.Mix) - len(b.Mix) })
		kept = kept[:MaxMixes]
	}
	mixes := make([]MeasuredMix, 0, len(kept))
	for _, o := range kept {
		var m MeasuredMix
		for k, l := range o.Mix {
			m.Classes, m.Units = append(m.Classes, l.Class), append(m.Units, l.Units)
			p := 0.0
			if mean, ok := o.Cells[k].mean(); ok {
				p = significant(math.Exp(mean))
			}
			m.Performance, m.Repeats = append(m.Performance, p), append(m.Repeats, len(o.Cells[k].Logs))
		}
		mixes = append(mixes, m)
	}
	return mixes
}

func rounded(x []float64) []float64 {
	r := make([]float64, len(x))
	for i := range x {
		r[i] = significant(x[i])
	}
	return r
}
