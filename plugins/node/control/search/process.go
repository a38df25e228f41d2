package search

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// process is a Gaussian process with a constant mean and the Matérn 5/2 kernel
// s² (1 + √5 r + 5 r²/3) exp(-√5 r), r = |x - y| / length, and noise.
type process struct {
	points [][]float64
	length float64
	mean   float64
	scale  float64 // s²
	chol   mat.Cholesky
	weight *mat.VecDense // inverse of the covariance times what was seen less the mean
}

// Lengths in parts of the resources and noises in parts of s² among which likelihood chooses: thirty points do not tell finer
// ones apart.
var (
	lengths = []float64{0.2, 0.35, 0.6, 1, 1.8, 3}
	noises  = []float64{1e-4, 1e-2, 1e-1}
)

// fit chooses length and noise by likelihood, with s² at its best for each. It gives nil where no choice can be factorised.
func fit(points [][]float64, values []float64) *process {
	var best *process
	least := math.Inf(1)
	for _, length := range lengths {
		for _, noise := range noises {
			if p, loss, ok := try(points, values, length, noise); ok && loss < least {
				best, least = p, loss
			}
		}
	}
	return best
}

// try fits with a length and a noise, and gives the loss: minus twice the logarithm of the likelihood, less constants,
// n ln s² + ln det K.
func try(points [][]float64, values []float64, length, noise float64) (*process, float64, bool) {
	n := len(points)
	p := &process{points: points, length: length}
	for _, v := range values {
		p.mean += v / float64(n)
	}
	k := mat.NewSymDense(n, nil)
	y := mat.NewVecDense(n, nil)
	for i := range n {
		for j := range i {
			k.SetSym(i, j, matern(distance(points[i], points[j])/length))
		}
		k.SetSym(i, i, 1+noise)
		y.SetVec(i, values[i]-p.mean)
	}
	p.weight = mat.NewVecDense(n, nil)
	if !p.chol.Factorize(k) || p.chol.SolveVecTo(p.weight, y) != nil {
		return nil, 0, false
	}
	p.scale = max(mat.Dot(y, p.weight)/float64(n), 1e-8)
	return p, float64(n)*math.Log(p.scale) + p.chol.LogDet(), true
}

func matern(r float64) float64 {
	a := math.Sqrt(5) * r
	return (1 + a + a*a/3) * math.Exp(-a)
}

func distance(x, y []float64) float64 {
	s := 0.0
	for i := range x {
		s += (x[i] - y[i]) * (x[i] - y[i])
	}
	return math.Sqrt(s)
}

// at is the mean and the deviation of the process at a point.
func (p *process) at(x []float64) (mean, deviation float64) {
	n := len(p.points)
	k, solved := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	for i, q := range p.points {
		k.SetVec(i, matern(distance(x, q)/p.length))
	}
	if p.chol.SolveVecTo(solved, k) != nil {
		return p.mean, 0
	}
	return p.mean + mat.Dot(k, p.weight), math.Sqrt(p.scale * max(0, 1-mat.Dot(k, solved)))
}
