package interference

import (
	"fmt"
	"math"
	"slices"
)

// Fit fits the model to a dataset. source is kept in the document for people. Every class needs at least one measurement.
//
// Up to MaxRank classes the pressure of each class is a dimension of its own and the law is the plain ridge regression. With
// more, the plain regression comes first, its effect matrices are cut to MaxRank by singular values, and the responses are fitted
// again on the pressures so found.
func Fit(ds *Dataset, source string) (*Model, error) {
	d := Document{Format: Format, Source: source, Rank: min(len(ds.Classes), MaxRank)}
	targets, err := ds.targets()
	if err != nil {
		return nil, err
	}
	pressure, presence, err := basis(ds, targets, d.Rank)
	if err != nil {
		return nil, err
	}
	var errorsOut []heldOut
	for t, name := range ds.Classes {
		class, out, err := fitClass(targets[t], pressure, presence, d.Rank, t)
		if err != nil {
			return nil, fmt.Errorf("fitting class %s: %w", name, err)
		}
		class.Name, class.Pressure, class.Presence = name, rounded(pressure[t]), rounded(presence[t])
		d.Classes = append(d.Classes, class)
		errorsOut = append(errorsOut, out)
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
func (ds *Dataset) targets() ([][]sample, error) {
	targets := make([][]sample, len(ds.Classes))
	for _, o := range ds.Observations {
		for k, l := range o.Mix {
			if mean, ok := o.Cells[k].mean(); ok {
				targets[l.Class] = append(targets[l.Class], sample{o.Mix, mean, o.Cells[k].Logs})
			}
		}
	}
	for t, s := range targets {
		if len(s) == 0 {
			return nil, fmt.Errorf("class %s has no measured performance in any mix: measure it at least alone", ds.Classes[t])
		}
	}
	return targets, nil
}

// fitClass fits the response of one class on z = (1, pressures, presences) and measures its error on mixes left out.
func fitClass(samples []sample, pressure, presence [][]float64, rank, t int) (Class, heldOut, error) {
	rows := make([][]float64, len(samples))
	y := make([]float64, len(samples))
	low, high := math.Inf(1), math.Inf(-1)
	for i, s := range samples {
		z := make([]float64, 2*rank)
		for _, l := range s.mix {
			units := l.neighbours(t)
			if units <= 0 {
				continue
			}
			for d := range rank {
				z[d] += units * pressure[l.Class][d]
				z[rank+d] += presence[l.Class][d]
			}
		}
		rows[i], y[i] = z, s.log
		low, high = math.Min(low, s.log), math.Max(high, s.log)
	}
	r, err := fitRidge(rows, y)
	if err != nil {
		return Class{}, heldOut{}, err
	}
	noise, degrees := noiseStdDev(samples)
	if degrees == 0 {
		noise = r.residual / math.Sqrt2 // half of the variance, for want of better
	}
	out := newHeldOut(r, y)
	const wider = 1.2 // a fifth: the measured range is a sample of what can happen
	class := Class{
		Response: rounded(r.coefficients), Covariance: rounded(r.covariance),
		ResidualStdDev: significant(r.residual), NoiseStdDev: significant(math.Min(noise, r.residual)), NoiseDegrees: degrees,
		IntervalScale: significant(out.scale(0)),
		Min:           significant(math.Exp(low) / wider), Max: significant(math.Exp(high) * wider),
		Observations: len(samples),
	}
	return class, out, nil
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
	const enough = 5 // fewer degrees of freedom say less than the assumption
	if degrees < enough {
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
