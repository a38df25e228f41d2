package interference

import (
	"fmt"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference/laws"
	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
)

// Fit fits the model to a dataset. source is kept in the document for people. Every class needs at least one measurement.
func Fit(ds *Dataset, source string) (*Model, error) {
	var own, others []Observation
	for _, o := range ds.Observations {
		if o.Setting == "" {
			own = append(own, o)
		} else {
			others = append(others, o)
		}
	}
	fitted, err := laws.Fit(own, others, mixes.Population(own, len(ds.Classes)), ds.Classes)
	if err != nil {
		return nil, fmt.Errorf("fitting the interference model: %w", err)
	}
	d := Document{
		Format: Format, Source: source, Rank: fitted.Rank,
		InteractingDimensions: fitted.InteractingDimensions, InteractionUnits: fitted.InteractionUnits,
		Classes: fitted.Classes, Setting: ds.Setting, Settings: fitted.Settings, Mixes: lookupMixes(own), Fit: fitted.Quality,
	}
	d.Version = Fingerprint(d)
	return New(d)
}

// lookupMixes picks what is kept for look-up: everything if it fits, else the mixes of fewest classes, which placement meets
// most and the law knows least.
func lookupMixes(own []Observation) []MeasuredMix {
	kept := slices.Clone(own)
	if len(kept) > MaxMixes {
		slices.SortStableFunc(kept, func(a, b Observation) int { return len(a.Mix) - len(b.Mix) })
		kept = kept[:MaxMixes]
	}
	measured := make([]MeasuredMix, 0, len(kept))
	for _, o := range kept {
		var m MeasuredMix
		for k, l := range o.Mix {
			m.Classes, m.Units = append(m.Classes, l.Class), append(m.Units, l.Units)
			p := 0.0
			if mean, ok := o.Cells[k].Mean(); ok {
				p = laws.Significant(math.Exp(mean))
			}
			m.Performance, m.Repeats = append(m.Performance, p), append(m.Repeats, len(o.Cells[k].Logs))
		}
		measured = append(measured, m)
	}
	return measured
}
