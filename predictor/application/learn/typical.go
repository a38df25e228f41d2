package learn

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/latency"
)

// around is how many windows before and after one have the load that it could be expected to have: with as many as that the mean is known three
// times better than one, and a load that changes with the hour has not changed much.
const around = 5

// another is the part by which a window's load is off that of the windows around it from which on it is another load, for which one would
// plan anew. Chosen: what a bad minute differs by.
const another = 0.2

// typical are the states of windows with the load that the windows around them have in the mean. That is what CPU is planned for: by how much
// one window's load differs from it, unless it is another load, is nothing that a plan could know.
func (l *Learner) typical(m *application.Model, windows []int64) map[int64][]application.State {
	all := l.Windows()
	states := make([][]application.State, len(all))
	for i, at := range all {
		states[i] = l.States(m, at)
	}
	wanted := make(map[int64]bool, len(windows))
	for _, at := range windows {
		wanted[at] = true
	}
	services := m.Document().Services
	out := make(map[int64][]application.State, len(windows))
	for i, at := range all {
		if !wanted[at] {
			continue
		}
		own := append([]application.State(nil), states[i]...)
		for k := range own {
			sum, n := 0.0, 0.0
			for j := max(0, i-around); j < min(len(all), i+around+1); j++ {
				if distance := all[j] - at; distance >= -around && distance <= around {
					sum, n = sum+states[j][k].Load, n+1
				}
			}
			if usual := sum / n; math.Abs(own[k].Load-usual) <= another*usual {
				own[k].Load = usual
			}
			if own[k].Cores > 0 {
				own[k].Cores = max(own[k].Cores, own[k].Load*services[k].Law.Work/latency.Busiest)
			}
		}
		out[at] = own
	}
	return out
}
