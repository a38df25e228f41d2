package plant

import "fmt"

// Verdict is what a placement of containers on nodes is worth under a truth.
type Verdict struct {
	// Containers is the number of containers placed.
	Containers int
	// Mean is the mean performance a container, 1 = alone: the sum over nodes of containers x performance, over all containers.
	Mean float64
	// Satisfied is the share of containers at 0.9 of their performance alone or better.
	Satisfied float64
	// Performances are the performances of all containers, node by node.
	Performances []float64
	// ByClass is the mean performance of each class's containers, 0 for a class that has none.
	ByClass []float64
}

// satisfaction is the performance at which a container counts as satisfied: a loss of 10 %, the threshold of the Metis paper's
// SLO experiment (SC'20, Fig. 12a).
const satisfaction = 0.9

// Judge scores a placement: placement[i] are the counts of each class on node i.
func Judge(truth Truth, placement [][]int) (*Verdict, error) {
	v := &Verdict{ByClass: make([]float64, len(truth.Classes()))}
	perClass := make([]int, len(truth.Classes()))
	var sum float64
	satisfied := 0
	for node, counts := range placement {
		performance, err := truth.Performance(counts)
		if err != nil {
			return nil, fmt.Errorf("judging node %d: %w", node, err)
		}
		for class, n := range counts {
			p := performance[class]
			for range n {
				v.Performances = append(v.Performances, p)
			}
			sum += float64(n) * p
			v.ByClass[class] += float64(n) * p
			perClass[class] += n
			if p >= satisfaction {
				satisfied += n
			}
			v.Containers += n
		}
	}
	if v.Containers == 0 {
		return v, nil
	}
	for class, n := range perClass {
		if n > 0 {
			v.ByClass[class] /= float64(n)
		}
	}
	v.Mean = sum / float64(v.Containers)
	v.Satisfied = float64(satisfied) / float64(v.Containers)
	return v, nil
}
