package complete

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/belief"
)

// The floor is sought near the class's own effects of load and presence, with this standard deviation, and need not fit the law any better than
// measurements do, with that error.
const (
	floorSpread = 0.2
	floorError  = 0.05
)

// floor is how the known classes look if all interact alike.
type floor struct {
	together  []float64   // the interactions in the mean over the classes; nil for none
	responses [][]float64 // what comes nearest to each class's law with these
	missed    []float64   // what of the law they miss, as a variance
}

// floorOf finds the floor over the measured mixes. That interactions of the mean class are taken for a new one is for what all classes share,
// such as that a tenth neighbour costs less than the first; what is a class's own is lack of fit.
func floorOf(m *interference.Model) (*floor, error) {
	d := m.Document()
	n := len(d.Classes)
	f := &floor{responses: make([][]float64, n), missed: make([]float64, n)}
	for t := range d.Classes {
		f.responses[t] = d.Classes[t].Response
		for i, x := range d.Classes[t].Interactions {
			if f.together == nil {
				f.together = make([]float64, len(d.Classes[t].Interactions))
			}
			f.together[i] += x / float64(n)
		}
	}
	if f.together == nil {
		return f, nil
	}
	alike := d
	alike.Classes, alike.Mixes = slices.Clone(d.Classes), nil
	for t := range alike.Classes {
		alike.Classes[t].Interactions = rounded(f.together)
	}
	alike.Version = interference.Fingerprint(alike)
	mean, err := interference.New(alike)
	if err != nil {
		return nil, fmt.Errorf("classes with mean interactions: %w", err)
	}
	measured := make([]interference.Mix, len(d.Mixes))
	for i := range d.Mixes {
		measured[i], _ = mixOf(&d.Mixes[i])
	}
	for t := range d.Classes {
		f.fit(m, mean, measured, t)
	}
	return f, nil
}

// fit finds the response of class t under mean interactions.
func (f *floor) fit(m, alike *interference.Model, mixes []interference.Mix, t int) {
	width := len(f.responses[t])
	near := mat.NewSymDense(width, nil)
	for i := range width {
		near.SetSym(i, i, floorSpread*floorSpread)
	}
	before := belief.Normal{Mean: f.responses[t], Covariance: near}
	response := before.Clone()
	var rows [][]float64
	var targets []float64
	for _, mix := range mixes {
		law, _ := m.Law(mix, t)
		if math.IsNaN(law) {
			continue
		}
		z := m.Row(nil, mix, t)
		same, _ := alike.Law(mix, t)
		linear, _ := before.Predict(z)
		target := law - (same - linear)
		response.Observe(z, target, floorError*floorError)
		rows, targets = append(rows, z), append(targets, target)
	}
	for i, z := range rows {
		at, _ := response.Predict(z)
		f.missed[t] += (targets[i] - at) * (targets[i] - at) / float64(len(rows))
	}
	f.responses[t] = response.Mean
}

// mixOf is the mix of a measured one, and ln(performance) in it, NaN where there is none.
func mixOf(x *interference.MeasuredMix) (mix interference.Mix, logs []float64) {
	for k := range x.Classes {
		mix = append(mix, interference.Load{Class: x.Classes[k], Units: x.Units[k]})
		log := math.NaN()
		if x.Repeats[k] > 0 {
			log = math.Log(x.Performance[k])
		}
		logs = append(logs, log)
	}
	return mix, logs
}
