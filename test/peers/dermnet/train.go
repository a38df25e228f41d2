package dermnet

import "math"

// Train makes some epochs over the windows in random order and returns the mean loss of the last.
func (n *Network) Train(windows [][][]float64, targets [][]float64, epochs int) (loss float64) {
	for range epochs {
		order := n.rng.Perm(len(windows))
		loss = 0
		for at := 0; at < len(order); at += Batch {
			chosen := order[at:min(at+Batch, len(order))]
			x, y := make([][][]float64, len(chosen)), make([][]float64, len(chosen))
			for i, k := range chosen {
				x[i], y[i] = windows[k], targets[k]
			}
			for _, d := range n.derivatives {
				clear(d)
			}
			loss += n.backward(n.forward(x), y) * float64(len(chosen)) / float64(len(order))
			n.adam()
		}
	}
	return loss
}

// adam makes one step (Kingma and Ba, ICLR 2015, with their constants).
func (n *Network) adam() {
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	n.steps++
	correct1, correct2 := 1-math.Pow(beta1, float64(n.steps)), 1-math.Pow(beta2, float64(n.steps))
	for i, p := range n.parameters {
		m, v := n.firstMoments[i], n.secondMoments[i]
		for j, d := range n.derivatives[i] {
			m[j] = beta1*m[j] + (1-beta1)*d
			v[j] = beta2*v[j] + (1-beta2)*d*d
			p[j] -= LearningRate * (m[j] / correct1) / (math.Sqrt(v[j]/correct2) + epsilon)
		}
	}
}
