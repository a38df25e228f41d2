package interference

import (
	"fmt"
	"math"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
	"github.com/ballast-k8s/ballast/predictor/interference/laws"
)

// validate checks what New relies on. It names the field and the expected form.
func (d *Document) validate() error {
	switch {
	case d.Format != Format:
		return fmt.Errorf("format is %q, expected %q", d.Format, Format)
	case d.Rank < 1 || d.Rank > MaxRank:
		return fmt.Errorf("rank is %d, expected 1 to %d", d.Rank, MaxRank)
	case len(d.Classes) < 1 || len(d.Classes) > MaxClasses:
		return fmt.Errorf("classes has %d entries, expected 1 to %d", len(d.Classes), MaxClasses)
	case len(d.Mixes) > MaxMixes:
		return fmt.Errorf("mixes has %d entries, expected at most %d", len(d.Mixes), MaxMixes)
	}
	if d.InteractingDimensions < 0 || d.InteractingDimensions > d.Rank || d.InteractingDimensions > 0 && !(d.InteractionUnits > 0 && d.InteractionUnits <= 1e6) {
		return fmt.Errorf("interactingDimensions is %d and interactionUnits %v, expected 0 to rank dimensions, and with any a load above 0", d.InteractingDimensions, d.InteractionUnits)
	}
	names := make(map[string]int, len(d.Classes))
	for i := range d.Classes {
		c := &d.Classes[i]
		if j, dup := names[c.Name]; dup || c.Name == "" {
			return fmt.Errorf("classes[%d].name is %q, expected a name that no other class has (classes[%d] is alike)", i, c.Name, j)
		}
		names[c.Name] = i
		if err := validateClass(c, d.Rank, d.InteractingDimensions); err != nil {
			return fmt.Errorf("classes[%d] (%s): %w", i, c.Name, err)
		}
	}
	if err := d.validateSettings(); err != nil {
		return err
	}
	for i := range d.Mixes {
		if err := d.Mixes[i].Validate(len(d.Classes)); err != nil {
			return fmt.Errorf("mixes[%d]: %w", i, err)
		}
	}
	if want := Fingerprint(*d); d.Version != want {
		return fmt.Errorf("version is %q but the content's fingerprint is %s: the model was changed after it was written; fit it again", d.Version, want)
	}
	return nil
}

func (d *Document) validateSettings() error {
	if len(d.Settings) > MaxSettings {
		return fmt.Errorf("settings has %d entries, expected at most %d", len(d.Settings), MaxSettings)
	}
	for i, s := range d.Settings {
		if s.Name == "" || s.Name == d.Setting || len(s.Pressure) != len(d.Classes) {
			return fmt.Errorf("settings[%d] (%q) has %d pressures, expected a name other than %q and a pressure for each of %d classes", i, s.Name, len(s.Pressure), d.Setting, len(d.Classes))
		}
		for t, p := range s.Pressure {
			if !(p > 0 && p <= 100) {
				return fmt.Errorf("settings[%d].pressure[%d] is %v, expected a number above 0 and up to 100", i, t, p)
			}
		}
	}
	return nil
}

func validateClass(c *Class, rank, dims int) error {
	width, together := 1+2*rank, interactions.Count(dims)
	if dims == 0 || len(c.Interactions) == 0 {
		together = 0
	}
	for _, v := range []struct {
		field  string
		values []float64
		want   int
	}{
		{"pressure", c.Pressure, rank},
		{"presence", c.Presence, rank},
		{"response", c.Response, width},
		{"covariance", c.Covariance, width * (width + 1) / 2},
		{"interactions", c.Interactions, together},
		{"residualStdDev", []float64{c.ResidualStdDev}, 1},
		{"noiseStdDev", []float64{c.NoiseStdDev}, 1},
		{"intervalScale", []float64{c.IntervalScale}, 1},
		{"min", []float64{c.Min}, 1},
		{"max", []float64{c.Max}, 1},
		{"maxUnits", []float64{c.MaxUnits}, 1},
		{"extrapolationStdDev", []float64{c.ExtrapolationStdDev}, 1},
		{"unseenLoadStdDev", []float64{c.UnseenLoadStdDev}, 1},
		{"unseenPresenceStdDev", []float64{c.UnseenPresenceStdDev}, 1},
	} {
		if len(v.values) != v.want {
			return fmt.Errorf("%s has %d numbers, expected %d at rank %d", v.field, len(v.values), v.want, rank)
		}
		for i, x := range v.values {
			if math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > 1e6 {
				return fmt.Errorf("%s[%d] is %v, expected a number of magnitude at most 1e6", v.field, i, x)
			}
		}
	}
	if min(c.ResidualStdDev, c.NoiseStdDev, c.IntervalScale, c.MaxUnits, c.ExtrapolationStdDev, c.UnseenLoadStdDev, c.UnseenPresenceStdDev) < 0 || min(c.NoiseDegrees, c.Observations) < 0 {
		return fmt.Errorf("standard deviations, intervalScale, maxUnits, noiseDegrees and observations are 0 or more")
	}
	if c.Min <= 0 || c.Max < c.Min {
		return fmt.Errorf("min is %v and max is %v, expected 0 < min <= max", c.Min, c.Max)
	}
	if c.Provenance == nil {
		return nil
	}
	return validateProvenance(c.Provenance)
}

// validateProvenance checks what New and JSON rely on: numbers and times that can be written.
func validateProvenance(p *Provenance) error {
	if p.From != laws.FromProbes && p.From != laws.FromUpdates {
		return fmt.Errorf("provenance.from is %q, expected %q or %q, or no provenance for a class of a fit", p.From, laws.FromProbes, laws.FromUpdates)
	}
	if min(p.Probes, p.Updates, p.Clipped) < 0 || !(p.Above >= 0 && p.Above <= 1e6) || !(p.Below >= 0 && p.Below <= 1e6) {
		return fmt.Errorf("provenance has counts %d, %d, %d and sums %v, %v, expected 0 or more", p.Probes, p.Updates, p.Clipped, p.Above, p.Below)
	}
	if len(p.Drift) > maxSentence {
		return fmt.Errorf("provenance.drift has %d bytes, expected at most %d", len(p.Drift), maxSentence)
	}
	return validateTimes(p.Since, p.Updated)
}

// maxSentence bounds what a document says in words.
const maxSentence = 1024

func validateTimes(times ...time.Time) error {
	for _, t := range times {
		if y := t.Year(); y < 1 || y > 9999 {
			return fmt.Errorf("time %v is of the year %d, expected 1 to 9999", t, y)
		}
	}
	return nil
}

// Validate checks a measured mix of a model of so many classes.
func (x *MeasuredMix) Validate(classes int) error {
	n := len(x.Classes)
	if n == 0 || len(x.Units) != n || len(x.Performance) != n || len(x.Repeats) != n {
		return fmt.Errorf("classes, units, performance and repeats have %d, %d, %d and %d entries, expected one number of each a class",
			n, len(x.Units), len(x.Performance), len(x.Repeats))
	}
	for i, class := range x.Classes {
		if class < 0 || class >= classes || i > 0 && class <= x.Classes[i-1] {
			return fmt.Errorf("classes[%d] is %d, expected ascending indices below %d", i, class, classes)
		}
		u, p := x.Units[i], x.Performance[i]
		if !(u > 0 && u <= 1e6) || !(p >= 0 && p <= 1e6) || x.Repeats[i] < 0 || (p == 0) != (x.Repeats[i] == 0) {
			return fmt.Errorf("units[%d]=%v performance[%d]=%v repeats[%d]=%d, expected units above 0, and performance above 0 exactly where repeats is",
				i, u, i, p, i, x.Repeats[i])
		}
	}
	return validateTimes(x.Measured)
}
