// Package byhand makes models, nodes, pods and reports that are small enough to work out by hand, for the tests of the packages around it.
package byhand

import (
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Class describes a class of a model that can be worked out by hand: its performance is the product of Base, of PerUnit[j] for
// each unit of neighbour j, and of Presence[j] for each neighbour j that is there. A factor that is not given is 1.
type Class struct {
	Name       string
	Base       float64 // 0 means 1
	PerUnit    map[string]float64
	Presence   map[string]float64
	Unmeasured bool
}

// Trio are the three classes that most tests use:
//
//	quiet   halved by each unit of loud; 1.5 times as fast where a helper is present
//	loud    0.8 times for each further unit of loud
//	helper  nothing touches it
func Trio() []Class {
	return []Class{
		{Name: "quiet", PerUnit: map[string]float64{"loud": 0.5}, Presence: map[string]float64{"helper": 1.5}},
		{Name: "loud", PerUnit: map[string]float64{"loud": 0.8}},
		{Name: "helper"},
	}
}

// Indices of Trio.
const (
	Quiet = iota
	Loud
	Helper
)

// Document is the model of these classes. Its intervals have no width.
func Document(classes ...Class) interference.Document {
	n := len(classes)
	d := interference.Document{Format: interference.Format, Rank: n}
	for i, c := range classes {
		unit := make([]float64, n)
		unit[i] = 1
		response := make([]float64, 1+2*n)
		response[0] = log(c.Base)
		for j, neighbour := range classes {
			response[1+j] = log(c.PerUnit[neighbour.Name])
			response[1+n+j] = log(c.Presence[neighbour.Name])
		}
		observations := 9
		if c.Unmeasured {
			observations = 0
		}
		d.Classes = append(d.Classes, interference.Class{
			Name: c.Name, Pressure: unit, Presence: unit, Response: response,
			Covariance:    make([]float64, (1+2*n)*(2+2*n)/2),
			IntervalScale: 1, Min: 0.001, Max: 10, Observations: observations,
		})
	}
	d.Version = interference.Fingerprint(d)
	return d
}

func log(factor float64) float64 {
	if factor == 0 {
		return 0
	}
	return math.Log(factor)
}

// Model is one of these classes.
func Model(t testing.TB, classes ...Class) *interference.Model {
	t.Helper()
	m, err := interference.New(Document(classes...))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// ModelIn is a model of Trio, fitted in setting "", that knows others too, in each of which a neighbour of quiet counts for so many.
func ModelIn(t testing.TB, countsFor map[string]float64) *interference.Model {
	t.Helper()
	d := Document(Trio()...)
	for name, weight := range countsFor {
		d.Settings = append(d.Settings, interference.Setting{Name: name, Pressure: []float64{weight, 1, 1}})
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
