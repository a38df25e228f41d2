package application_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/application"
)

// large is an application of 50 services and 20 patterns of 30 calls, half of them two by two at the same time.
func large() application.Document {
	r := rand.New(rand.NewPCG(9, 10))
	d := application.Document{Format: application.Format}
	for i := range 50 {
		d.Services = append(d.Services, application.Service{
			Name: fmt.Sprint("s", i), Kind: application.Measured, Pods: 3, Cores: 0.5, Rate: 30, Shape: 1.5,
			Law: application.Law{Fixed: 0.001, Work: 0.002 + 0.006*r.Float64(), Stretch: 1, Spread: 0.1, Windows: 20},
		})
	}
	call := func() application.Part { return application.Part{Service: fmt.Sprint("s", r.IntN(50)), Calls: 1} }
	e := application.Entry{Service: "s0", Operation: "GET /", Rate: 30, Tail: 1, TailLow: 0.8, TailHigh: 1.2}
	for range 20 {
		p := application.Pattern{Share: 0.05, High: 1}
		for range 15 {
			p.Part.Series = append(p.Part.Series, call())
		}
		for range 3 {
			p.Part.Series = append(p.Part.Series, application.Part{Parallel: []application.Part{
				{Series: []application.Part{call(), call()}}, {Series: []application.Part{call(), call(), call()}},
			}})
		}
		e.Patterns = append(e.Patterns, p)
	}
	d.Entries = []application.Entry{e}
	return d
}

func BenchmarkQuantile(b *testing.B) {
	m, err := application.New(large())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m.Quantile(0, m.Observed(), 0.99)
	}
}

func BenchmarkOutlook(b *testing.B) {
	m, err := application.New(large())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m.Outlook(0, m.Observed(), 0.99)
	}
}
