package laws

import (
	"fmt"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference/laws/crossvalidation"
	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
	"github.com/ballast-k8s/ballast/predictor/interference/regression"
)

// Fitted is what a fit yields: the parameters of a model.
type Fitted struct {
	// Rank is the number of dimensions of pressure and of presence, InteractingDimensions how many of the first interact, with loads
	// in InteractionUnits.
	Rank, InteractingDimensions int
	InteractionUnits            float64
	Classes                     []Class
	Quality                     Quality
	// Settings are the other settings that were measured.
	Settings []Setting
}

// Fit fits the laws of all classes to distinct mixes of one setting, and how those of others differ. weights say how many unmeasured
// mixes each of the one setting stands for; only what is said about errors depends on them. Every class needs at least one
// measurement there.
func Fit(observations, others []mixes.Observation, weights []float64, classes []string) (*Fitted, error) {
	samples := targets(observations, weights, len(classes))
	for t := range samples {
		if len(samples[t]) == 0 {
			return nil, fmt.Errorf("class %s has no measured performance in any mix: measure it at least alone", classes[t])
		}
	}
	whole, err := fitLaws(samples)
	if err != nil {
		return nil, err
	}
	errorsOut, err := whole.crossValidate(len(observations))
	if err != nil {
		return nil, err
	}
	if campaigns := targets(observations, weights, len(classes)); overCampaigns(campaigns) {
		// What older campaigns measured was predicted without them. Now they join.
		if whole, err = fitLaws(campaigns); err != nil {
			return nil, err
		}
		joined, err := whole.crossValidate(len(observations))
		if err != nil {
			return nil, err
		}
		for t := range joined {
			errorsOut[t].Cells, errorsOut[t].Single = joined[t].Cells, joined[t].Single
		}
	}
	out := &Fitted{Rank: whole.terms.rank, Quality: roundedQuality(crossvalidation.Of(errorsOut, weights)), Settings: whole.settings(others)}
	widths := crossvalidation.Scaled(errorsOut)
	for t, name := range classes {
		class, err := whole.class(t, crossvalidation.ConformalScale(widths[t]))
		if err != nil {
			return nil, fmt.Errorf("class %s: %w", name, err)
		}
		class.Name = name
		out.Classes = append(out.Classes, class)
	}
	if inner := whole.terms.inner; inner != nil {
		out.InteractingDimensions, out.InteractionUnits = inner.Dims, inner.Most
	}
	return out, nil
}

// sample is one distinct mix as one container of the target class sees it.
type sample struct {
	mix     mixes.Mix
	log     float64   // mean of ln(performance)
	fitted  float64   // what is fitted: the same over all campaigns, or log
	repeats []float64 // the single measurements
	older   []float64 // those of superseded campaigns
	copied  int       // how many superseded campaigns agree
	weight  float64   // how many unmeasured mixes it stands for
	mixID   int       // index of the observation
}

// targets lists the samples of each class. weights are by observation; nil counts each once.
func targets(observations []mixes.Observation, weights []float64, classes int) [][]sample {
	out := make([][]sample, classes)
	for i, o := range observations {
		weight := 1.0
		if weights != nil {
			weight = weights[i]
		}
		for k, l := range o.Mix {
			if mean, ok := o.Cells[k].Mean(); ok {
				out[l.Class] = append(out[l.Class], sample{
					mix: o.Mix, log: mean, fitted: mean, repeats: o.Cells[k].Logs, older: o.Cells[k].Older, copied: o.Cells[k].Copied, weight: weight, mixID: i,
				})
			}
		}
	}
	return out
}

// laws are the fitted laws of all classes. A class without samples has none: its posterior is nil.
type laws struct {
	terms      *terms
	targets    [][]sample
	prior      regression.Prior
	designs    []*regression.Design
	posteriors []*regression.Posterior
	noises     []noise
}

// fitLaws does all that depends on the data: the dimensions, the priors, the posteriors.
func fitLaws(samples [][]sample) (*laws, error) {
	l := &laws{targets: samples, posteriors: make([]*regression.Posterior, len(samples)), noises: make([]noise, len(samples))}
	if err := l.design(); err != nil {
		return nil, err
	}
	var designs []*regression.Design
	for _, d := range l.designs {
		if d != nil {
			designs = append(designs, d)
		}
	}
	prior, residuals, err := regression.Learn(designs, start())
	if err != nil {
		return nil, err
	}
	l.prior = prior
	for t, d := range l.designs {
		if d == nil {
			continue
		}
		if l.posteriors[t], err = d.Solve(prior, residuals[0], l.terms.head()); err != nil {
			return nil, fmt.Errorf("class %d: %w", t, err)
		}
		residuals = residuals[1:]
		l.noises[t] = noiseOf(l.targets[t])
	}
	return l, nil
}

// design finds the dimensions and sets up the regressions.
func (l *laws) design() error {
	var err error
	if l.terms, err = basis(len(l.targets), l.targets); err != nil {
		return err
	}
	kinds := l.terms.kinds()
	l.designs = make([]*regression.Design, len(l.targets))
	for t, samples := range l.targets {
		if len(samples) > 0 {
			rows, y := l.terms.rows(samples, t)
			l.designs[t] = regression.New(kinds, rows, y)
		}
	}
	return nil
}

// without are the laws of the other mixes, under the same priors and residuals: those are a handful of numbers from thousands of
// cells. Dimensions are found anew where they are learned.
func (l *laws) without(held, rest [][]sample) (*laws, error) {
	out := &laws{terms: l.terms, targets: rest, prior: l.prior, posteriors: make([]*regression.Posterior, len(rest)), noises: l.noises}
	if !l.terms.own {
		if err := out.design(); err != nil {
			return nil, err
		}
	} else {
		out.designs = make([]*regression.Design, len(rest))
		for t := range rest {
			if len(rest[t]) > 0 {
				rows, y := l.terms.rows(held[t], t)
				out.designs[t] = l.designs[t].Without(rows, y)
			}
		}
	}
	for t, d := range out.designs {
		if d == nil {
			continue
		}
		var err error
		if out.posteriors[t], err = d.Solve(l.prior, l.posteriors[t].Residual, out.terms.head()); err != nil {
			return nil, fmt.Errorf("class %d: %w", t, err)
		}
	}
	return out, nil
}

// single is the variance of one measurement around the law. The law is fitted to the means of repeats, which hide part of the noise.
func (l *laws) single(t int) float64 {
	var hidden float64
	for _, s := range l.targets[t] {
		hidden += 1 - 1/float64(len(s.repeats)+len(s.older))
	}
	return l.posteriors[t].Residual + l.noises[t].stdDev*l.noises[t].stdDev*hidden/float64(len(l.targets[t]))
}

// heaviestBeside is the largest load that was measured beside one container of class t.
func heaviestBeside(samples []sample, t int) float64 {
	var most float64
	for _, s := range samples {
		most = math.Max(most, s.mix.Beside(t))
	}
	return most
}

// noise is the standard deviation of repeated measurements of the same mix; zero degrees of freedom mean that there are too few
// repeats to tell.
type noise struct {
	stdDev  float64
	degrees int
}

// noiseOf pools the scatter of repeats around their mean, and of older campaigns around the newer one less their median difference.
// With twenty and more, the median absolute deviation tells: a handful of failed runs says nothing about the others.
func noiseOf(samples []sample) noise {
	const few, many = 5, 20 // fewer degrees of freedom than few say less than the assumption
	var deviations, between []float64
	var n noise
	for _, s := range samples {
		k := float64(len(s.repeats))
		for _, x := range s.repeats {
			if k > 1 {
				deviations = append(deviations, math.Abs(x-s.log)*math.Sqrt(k/(k-1)))
			}
		}
		n.degrees += len(s.repeats) - 1
		for _, x := range s.older {
			between = append(between, (x-s.log)/math.Sqrt(1+1/k))
		}
	}
	if len(between) >= few {
		slices.Sort(between)
		shift := between[len(between)/2]
		for _, x := range between {
			deviations = append(deviations, math.Abs(x-shift))
		}
		n.degrees += len(between) - 1
	}
	if n.degrees < few {
		return noise{}
	}
	if n.degrees >= many {
		slices.Sort(deviations)
		n.stdDev = 1.4826 * deviations[len(deviations)/2]
		return n
	}
	var squares float64
	for _, d := range deviations {
		squares += d * d
	}
	n.stdDev = math.Sqrt(squares / float64(len(deviations)))
	return n
}
