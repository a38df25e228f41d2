package patterns

import (
	"math/rand/v2"
	"testing"
)

func benchmark(b *testing.B, services, objectives, each, patterns int) {
	rng := rand.New(rand.NewPCG(1, 1))
	problems := make([]Problem, 5)
	for i := range problems {
		problems[i] = random(b, rng, services, objectives, each, patterns)
	}
	for i := 0; b.Loop(); i++ {
		if _, err := Solve(problems[i%len(problems)]); err != nil {
			b.Fatal(err)
		}
	}
}

// 10 objectives of 2 patterns with 15 services each.
func BenchmarkSolve100Services10Objectives(b *testing.B) { benchmark(b, 100, 10, 15, 2) }

func BenchmarkSolve20Services1Objective(b *testing.B) { benchmark(b, 20, 1, 10, 3) }
