package allocate

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/latency"
)

// random is a chain of n services with a target that can be met and does not come for nothing. With rare, some are visited in a part
// of the requests only.
func random(rng *rand.Rand, n int, rare bool) Problem {
	visits := []float64{1, 1, 2, 1.3}
	if rare {
		visits = append(visits, 0.4, 0.1)
	}
	p := Problem{Percentile: []float64{0.9, 0.95, 0.99}[rng.IntN(3)], Tail: 0.8 + rng.Float64()}
	for i := range n {
		work := 0.0005 + 0.01*rng.ExpFloat64()
		p.Services = append(p.Services, Service{
			Name: fmt.Sprint(i), Pods: float64(1 + rng.IntN(4)), Load: rng.ExpFloat64() * 0.5 / work, Visits: visits[rng.IntN(len(visits))],
			Law: latency.Law{Work: work, Fixed: 0.002 * rng.Float64(), Stretch: 0.7 + rng.Float64()},
		})
	}
	c := newSearch(&p)
	copy(c.cores, c.upper)
	least := c.percentile()
	copy(c.cores, c.lower)
	p.Target = least + (c.percentile()-least)*(0.01+0.1*rng.Float64())
	return p
}

func BenchmarkSolve20(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	problems := make([]Problem, 50)
	for i := range problems {
		problems[i] = random(rng, 20, true)
	}
	for i := 0; b.Loop(); i++ {
		if _, err := Solve(problems[i%len(problems)]); err != nil {
			b.Fatal(err)
		}
	}
}
