package complete_test

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// svdCompletion is Paragon's (ASPLOS'13) way to fill a row of which a few entries are known: singular value decomposition of the filled matrix,
// then gradient descent on the known entries of r = mu + b_u + q_i·p_u. Rows are classes, columns what presses; NaN is not known.
func svdCompletion(rows [][]float64) []float64 {
	const rank, rate, ridge, rounds = 2, 0.02, 0.02, 2000
	n, m := len(rows), len(rows[0])
	var mu, known float64
	for _, row := range rows {
		for _, x := range row {
			if !math.IsNaN(x) {
				mu += x
				known++
			}
		}
	}
	mu /= known
	filled := mat.NewDense(n, m, nil)
	for i, row := range rows {
		for j, x := range row {
			if math.IsNaN(x) {
				x = mu
			}
			filled.Set(i, j, x-mu)
		}
	}
	var svd mat.SVD
	svd.Factorize(filled, mat.SVDThin)
	var u, v mat.Dense
	svd.UTo(&u)
	svd.VTo(&v)
	s := svd.Values(nil)
	p, q, bias := make([][rank]float64, n), make([][rank]float64, m), make([]float64, n)
	for d := range min(rank, len(s)) {
		for i := range n {
			p[i][d] = u.At(i, d) * math.Sqrt(s[d])
		}
		for j := range m {
			q[j][d] = v.At(j, d) * math.Sqrt(s[d])
		}
	}
	at := func(i, j int) float64 {
		x := mu + bias[i]
		for d := range rank {
			x += p[i][d] * q[j][d]
		}
		return x
	}
	for range rounds {
		for i, row := range rows {
			for j, x := range row {
				if math.IsNaN(x) {
					continue
				}
				e := x - at(i, j)
				bias[i] += rate * (e - ridge*bias[i])
				for d := range rank {
					a, b := p[i][d], q[j][d]
					p[i][d] += rate * (e*b - ridge*a)
					q[j][d] += rate * (e*a - ridge*b)
				}
			}
		}
	}
	out := make([]float64, m)
	for j := range m {
		if out[j] = rows[n-1][j]; math.IsNaN(out[j]) {
			out[j] = at(n-1, j)
		}
	}
	return out
}

// pair is the mix of one container of the class with about four of j, as a position in the mixes that hold it; −1 for none.
func pair(with []interference.Observation, class, j int) int {
	best, at := math.Inf(1), -1
	for i, o := range with {
		if len(o.Mix) == 2 && o.Mix[0].Class == j && o.Mix[1] == (interference.Load{Class: class, Units: 1}) {
			if far := math.Abs(o.Mix[0].Units - 4); far < best {
				best, at = far, i
			}
		}
	}
	return at
}

// paragon predicts mixes with a class of which a few pairs were measured, by completing how much one container of each class costs it, and it
// each. Costs add up.
func paragon(m *interference.Model, with []interference.Observation, chosen []int) func(interference.Mix, int) interference.Prediction {
	n := len(m.Classes())
	cost := func(t, j int) float64 { // per container of j, of known classes
		mix, _ := interference.MixOf(counts(n, t, 1, j, 4))
		p := m.Performance(mix, t)
		return math.Log(p) / 4
	}
	tolerated, caused := make([][]float64, n+1), make([][]float64, n+1)
	for t := range n + 1 {
		tolerated[t], caused[t] = make([]float64, n), make([]float64, n)
		for j := range n {
			tolerated[t][j], caused[t][j] = math.NaN(), math.NaN()
			if t < n {
				tolerated[t][j], caused[t][j] = cost(t, j), cost(j, t)
			}
		}
	}
	for _, i := range chosen {
		o := with[i]
		j, units := o.Mix[0].Class, o.Mix[0].Units
		if x, ok := o.Cells[1].Mean(); ok {
			tolerated[n][j] = x / units
		}
		if x, ok := o.Cells[0].Mean(); ok { // of j beside one of the class and its own kind
			alone, _ := interference.MixOf(counts(n, j, units, j, 0))
			caused[n][j] = x - math.Log(m.Performance(alone, j))
		}
	}
	feels, does := svdCompletion(tolerated), svdCompletion(caused)
	var itself float64
	for j := range n {
		itself += feels[j] / float64(n)
	}
	return func(mix interference.Mix, t int) interference.Prediction {
		last := mix[len(mix)-1]
		if t == last.Class {
			sum := (last.Units - 1) * itself
			for _, l := range mix[:len(mix)-1] {
				sum += l.Units * feels[l.Class]
			}
			return interference.Prediction{Mean: math.Exp(sum)}
		}
		return interference.Prediction{Mean: m.Performance(mix[:len(mix)-1], t) * math.Exp(last.Units*does[t])}
	}
}

// counts are the containers of a mix of two classes, or of one.
func counts(n, a int, of float64, b int, more float64) []float64 {
	c := make([]float64, n)
	c[a] += of
	c[b] += more
	return c
}
