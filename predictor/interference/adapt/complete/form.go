package complete

import (
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/population"
	"github.com/ballast-k8s/ballast/predictor/interference/interactions"
)

// form is how a document takes one more class.
type form interface {
	// priorPressing is the belief about how it presses, priorReacting about its response in the extended document.
	priorPressing() (scaled, error)
	priorReacting() (scaled, error)
	// pressingRow times what presses is the effect of so many units on class t.
	pressingRow(t int, units float64) []float64
	// rest is the row of class t in the old document: what it feels of the known classes.
	rest(so *interference.Model, mix interference.Mix, t int) []float64
	// extend is the document with the class.
	extend(pressing, reacting belief.Normal, class interference.Class) interference.Document
}

// formOf gives the class a dimension of its own while there are dimensions and every class has one; else it presses like a combination of the
// known classes.
func formOf(d interference.Document, floors [][]float64) form {
	var pressure, presence [][]float64
	for i := range d.Classes {
		pressure, presence = append(pressure, d.Classes[i].Pressure), append(presence, d.Classes[i].Presence)
	}
	unit := interactions.UnitVectors(pressure, presence)
	if unit && d.Rank == len(d.Classes) && d.Rank < interference.MaxRank {
		return &grown{d, floors}
	}
	return &shared{d, floors, unit}
}

// scaled is a normal belief whose overall size is uncertain too: a class that is out of the ordinary shows by how far its probes are from what
// was predicted, and everything else about it is believed to be as far off (the conjugate Student t).
type scaled struct {
	belief.Normal
	degrees, squares, seen float64
}

func (s *scaled) observe(z []float64, y, variance float64) {
	mean, own := s.Predict(z)
	s.squares += (y - mean) * (y - mean) / (own + variance)
	s.seen++
	s.Observe(z, y, variance)
}

// scale is what variances are multiplied by.
func (s *scaled) scale() float64 { return (s.degrees + s.squares) / (s.degrees + s.seen) }

// width is the number of standard deviations on either side that hold 90 %.
func (s *scaled) width() float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: s.degrees + s.seen}.Quantile(0.95)
}

// now is the belief at its size.
func (s *scaled) now() belief.Normal {
	b := s.Clone()
	b.Covariance.ScaleSym(s.scale(), b.Covariance)
	return b
}

// prior is the population's belief.
func prior(of *population.Sample) (scaled, error) {
	p, err := of.Prior()
	if err != nil {
		return scaled{}, err
	}
	return scaled{Normal: belief.Normal{Mean: p.Mean, Covariance: p.Covariance}, degrees: p.Degrees}, nil
}

// repeat appends a kind n times.
func repeat(to []population.Kind, kind population.Kind, n int) []population.Kind {
	for range n {
		to = append(to, kind)
	}
	return to
}
