package patterns

import (
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph/compose"
)

func benchmark(b *testing.B, services, objectives, each, patterns int, parallel, busy bool) {
	rng := rand.New(rand.NewPCG(1, 1))
	problems := make([]Problem, 5)
	for i := range problems {
		problems[i] = random(b, rng, services, objectives, each, patterns)
		for o := range problems[i].Objectives {
			for c := range problems[i].Objectives[o].Patterns {
				if part := &problems[i].Objectives[o].Patterns[c].Part; parallel {
					part.Series = append([]compose.Part{{Parallel: part.Series[:2]}}, part.Series[2:]...)
				}
			}
		}
		if busy {
			problems[i] = shaped(b, rng, problems[i])
		}
	}
	for i := 0; b.Loop(); i++ {
		if _, err := Solve(problems[i%len(problems)]); err != nil {
			b.Fatal(err)
		}
	}
}

// 10 objectives of 2 patterns with 15 services each.
func BenchmarkSolve100Services10Objectives(b *testing.B) { benchmark(b, 100, 10, 15, 2, false, false) }

// The same with two services of each pattern at the same time.
func BenchmarkSolve100Services10ObjectivesParallel(b *testing.B) {
	benchmark(b, 100, 10, 15, 2, true, false)
}

func BenchmarkSolve20Services1Objective(b *testing.B) { benchmark(b, 20, 1, 10, 3, false, false) }

// The same two with times that are less even the busier a service is.
func BenchmarkSolve100Services10ObjectivesShaped(b *testing.B) {
	benchmark(b, 100, 10, 15, 2, false, true)
}

func BenchmarkSolve100Services10ObjectivesParallelShaped(b *testing.B) {
	benchmark(b, 100, 10, 15, 2, true, true)
}
