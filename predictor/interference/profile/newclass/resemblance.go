package newclass

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// resemblance is what the known classes would show in the trials of a new one, each in its place: the mean and covariance of the
// outcomes over the classes.
type resemblance struct {
	trials     []Probe
	of         [][]int     // outcomes by trial
	outcomes   [][]float64 // by known class: ln(performance) of it and of each neighbour in all trials
	covariance [][]float64
	start      float64 // trace of the covariance at the start
	done       []bool
}

func newResemblance(m *interference.Model, trials []Probe) *resemblance {
	r := &resemblance{trials: trials, of: make([][]int, len(trials)), done: make([]bool, len(trials))}
	for t := range m.Classes() {
		var row []float64
		for i := range trials {
			outcomes := r.play(m, &trials[i], t)
			if t == 0 {
				for k := range outcomes {
					r.of[i] = append(r.of[i], len(row)+k)
				}
			}
			row = append(row, outcomes...)
		}
		r.outcomes = append(r.outcomes, row)
	}
	if len(r.outcomes) == 1 {
		r.outcomes = append(r.outcomes, r.plain())
	}
	r.covariance = covarianceOf(r.outcomes)
	for i := range r.covariance {
		r.start += r.covariance[i][i]
	}
	return r
}

// play is ln(performance) of class t in the place of the new one, and of each neighbour.
func (r *resemblance) play(m *interference.Model, p *Probe, t int) []float64 {
	mix := p.Beside.Add(nil, t, p.Units)
	out := []float64{math.Log(m.Performance(mix, t))}
	for _, l := range p.Beside {
		out = append(out, math.Log(m.Performance(mix, l.Class)))
	}
	return out
}

// plainCost is what each unit of neighbours costs the plain class, in ln(performance). Chosen: of Metis' applications
// ycsb_a among its own kind loses 0.09, redis beside checksum 0.25.
const plainCost = 0.1

// plain is a class that suffers the same from each neighbour, and they from it. With a single known class it is the other one of the population,
// because a sample of one says nothing of how classes differ.
func (r *resemblance) plain() []float64 {
	var row []float64
	for i := range r.trials {
		p := &r.trials[i]
		beside := p.Units - 1
		for _, l := range p.Beside {
			beside += l.Units
		}
		for range r.of[i] {
			row = append(row, -plainCost*beside)
		}
	}
	return row
}

// covarianceOf is that of a sample of two rows and more.
func covarianceOf(rows [][]float64) [][]float64 {
	n, width := float64(len(rows)), len(rows[0])
	mean := make([]float64, width)
	for _, row := range rows {
		for k, x := range row {
			mean[k] += x / n
		}
	}
	out := make([][]float64, width)
	for a := range out {
		out[a] = make([]float64, width)
		for b := range out[a] {
			for _, row := range rows {
				out[a][b] += (row[a] - mean[a]) * (row[b] - mean[b]) / (n - 1)
			}
		}
	}
	return out
}

// next is the trial that leaves least unsure, and the part of all that it settles; it is then known. It is -1 where none tells anything.
func (r *resemblance) next() (trial int, tells float64) {
	trial = -1
	for i := range r.trials {
		if r.done[i] {
			continue
		}
		if s := r.settles(i); s > tells {
			trial, tells = i, s
		}
	}
	if trial < 0 {
		return trial, 0
	}
	r.done[trial] = true
	for _, k := range r.of[trial] {
		r.covariance = after(r.covariance, k)
	}
	return trial, tells / r.start
}

// settles is by how much a trial reduces the trace of the covariance.
func (r *resemblance) settles(trial int) float64 {
	// Its few outcomes one after the other; of the covariance only the columns of these outcomes are needed.
	columns := make([][]float64, len(r.of[trial]))
	for i, k := range r.of[trial] {
		columns[i] = append([]float64(nil), r.covariance[k]...)
	}
	var s float64
	for i, k := range r.of[trial] {
		v := columns[i][k] + probeNoise
		for _, x := range columns[i] {
			s += x * x / v
		}
		for j := i + 1; j < len(columns); j++ {
			f := columns[j][k] / v
			for a, x := range columns[i] {
				columns[j][a] -= f * x
			}
		}
	}
	return s
}

// after is a covariance once the k-th variable was measured.
func after(covariance [][]float64, k int) [][]float64 {
	v := covariance[k][k] + probeNoise
	out := make([][]float64, len(covariance))
	for a, row := range covariance {
		out[a] = append([]float64(nil), row...)
		for b := range out[a] {
			out[a][b] -= covariance[a][k] * covariance[k][b] / v
		}
	}
	return out
}
