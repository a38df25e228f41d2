package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/test/peers"
	"github.com/ballast-k8s/ballast/test/peers/lp"
)

// value is what a node with these containers is worth.
type value func(counts []int) float64

// nodeValue is the model's node value over counts in the order of classes. It holds its own memory: not for concurrent use.
func nodeValue(m *interference.Model, classes []string) (value, error) {
	index := make([]int, len(classes))
	for class, name := range classes {
		i, ok := m.ClassIndex(name)
		if !ok {
			return nil, fmt.Errorf("the model knows the classes %q but not %q of the batches", m.Classes(), name)
		}
		index[class] = i
	}
	units := make([]float64, len(m.Classes()))
	mix := make(interference.Mix, 0, len(units))
	return func(counts []int) float64 {
		clear(units)
		for class, n := range counts {
			units[index[class]] = float64(n)
		}
		mix = mix[:0]
		for class, u := range units {
			if u > 0 {
				mix = append(mix, interference.Load{Class: class, Units: u})
			}
		}
		return m.Value(mix, nil)
	}, nil
}

// batch places all containers together: the configuration LP over the value.
func batch(v value) peers.Placer {
	return peers.Func(func(p peers.Problem, _ *rand.Rand) (peers.Placement, error) {
		plan, err := configlp.Solve(lp.Problem(p, v), configlp.Options{})
		if err != nil {
			return nil, err
		}
		return lp.Placement(p, plan)
	})
}

// online places one container after the other where it adds most: what the Score of the scheduler plugin does.
func online(v value) peers.Placer {
	return peers.Func(func(p peers.Problem, _ *rand.Rand) (peers.Placement, error) {
		plan, err := configlp.Greedy(lp.Problem(p, v), p.Order)
		if err != nil {
			return nil, err
		}
		return lp.Placement(p, plan)
	})
}
