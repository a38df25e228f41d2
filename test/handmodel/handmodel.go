// Package handmodel makes interference models whose predictions can be worked out by hand, for tests.
package handmodel

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Class describes a class whose performance is the product of PerUnit[j] for each unit of neighbour j and of Presence[j] for each
// neighbour j that is there. A factor that is not given is 1.
type Class struct {
	Name     string
	PerUnit  map[string]float64
	Presence map[string]float64
	// Unmeasured gives the class a prior only, on which nothing is rejected.
	Unmeasured bool
}

// Trio are three classes for most purposes: quiet is halved by each unit of loud and runs 1.5 times as fast where a helper is
// present; loud runs at 0.8 for each further unit of loud; nothing touches helper.
func Trio() []Class {
	return []Class{
		{Name: "quiet", PerUnit: map[string]float64{"loud": 0.5}, Presence: map[string]float64{"helper": 1.5}},
		{Name: "loud", PerUnit: map[string]float64{"loud": 0.8}},
		{Name: "helper"},
	}
}

// New returns the model of at most eight classes. Its intervals have no width.
func New(classes ...Class) (*interference.Model, error) {
	n := len(classes)
	d := interference.Document{Format: interference.Format, Source: "worked out by hand", Rank: n}
	for i, c := range classes {
		unit := make([]float64, n)
		unit[i] = 1
		response := make([]float64, 1+2*n)
		for j, neighbour := range classes {
			response[1+j] = logFactor(c.PerUnit[neighbour.Name])
			response[1+n+j] = logFactor(c.Presence[neighbour.Name])
		}
		observations := 9
		if c.Unmeasured {
			observations = 0
		}
		d.Classes = append(d.Classes, interference.Class{
			Name: c.Name, Pressure: unit, Presence: unit, Response: response, Covariance: make([]float64, (1+2*n)*(2+2*n)/2),
			IntervalScale: 1, Min: 0.001, Max: 10, Observations: observations,
		})
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		return nil, fmt.Errorf("making a model by hand: %w", err)
	}
	return m, nil
}

func logFactor(factor float64) float64 {
	if factor == 0 {
		return 0
	}
	return math.Log(factor)
}
