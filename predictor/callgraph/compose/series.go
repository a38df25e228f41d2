package compose

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// term is the variable time of the calls of one service.
type term struct {
	service             int
	calls, shape, scale float64
	draws               float64 // Gamma distributions of a call's shape that shape is of
}

// series is a chain with its times. Its methods speak of the time after its shift, which holds those of its blocks.
type series struct {
	shift, mean, variance float64 // the latter two roughly, where there are blocks
	narrow                float64 // a variance that it has at least
	terms                 []term
	blocks                []block
	last                  inverted
}

// inverted is the transforms at the nodes for the time last asked for: of the whole series, of it without its blocks, and of each block.
type inverted struct {
	t            float64 // 0 = none
	whole, alone []complex128
	blocks       [][]complex128
}

// simple says that the distribution is one Gamma distribution.
func (s *series) simple() bool {
	return len(s.terms) == 1 && len(s.blocks) == 0 && s.terms[0].scale > 0
}

// constant says whether there is no variable time.
func (s *series) constant() bool {
	for i := range s.terms {
		if s.terms[i].scale > 0 {
			return false
		}
	}
	for i := range s.blocks {
		for j := range s.blocks[i].branches {
			if !s.blocks[i].branches[j].constant() {
				return false
			}
		}
	}
	return true
}

// inverted says whether the transform is inverted, because the distribution is not known in closed form.
func (s *series) inverted() bool {
	return len(s.terms)+len(s.blocks) > 1 && !s.constant()
}

// at returns the distribution function and the density at t.
func (s *series) at(t float64) (cdf, density float64) {
	switch {
	case t < 0:
		return 0, 0
	case s.constant():
		return 1, 0
	case t == 0:
		return 0, 0
	case len(s.terms) == 0 && len(s.blocks) == 1:
		return s.blocks[0].at(t)
	case len(s.terms) == 1 && len(s.blocks) == 0:
		return s.terms[0].at(t)
	}
	in := s.invert(t)
	tail := 0.0
	for k, f := range s.transforms(in).whole {
		node := in.node(k)
		rest := 1 - f
		tail += in.weights[k] * (real(rest)*real(node) + imag(rest)*imag(node)) / (real(node)*real(node) + imag(node)*imag(node))
		density += in.weights[k] * real(f)
	}
	return min(max(1-in.scale*tail, 0), 1), max(in.scale*density, 0)
}

func (s *series) invert(t float64) inversion { return invert(t, math.Sqrt(s.narrow)) }

// transforms are those at the nodes, remembered until another time is asked for.
func (s *series) transforms(in inversion) *inverted {
	l := &s.last
	if l.t == in.t {
		return l
	}
	p := newPowers(in)
	for i := range s.terms {
		p.add(in, s.terms[i].scale, s.terms[i].shape)
	}
	l.t, l.alone = in.t, p.values(l.alone)
	if len(s.blocks) == 0 {
		l.whole = l.alone
		return l
	}
	l.whole = append(l.whole[:0], l.alone...)
	if l.blocks == nil {
		l.blocks = make([][]complex128, len(s.blocks))
	}
	for i := range s.blocks {
		l.blocks[i] = s.blocks[i].transforms(in, l.blocks[i])
		for k, f := range l.blocks[i] {
			l.whole[k] *= f
		}
	}
	return l
}

// at is the Gamma distribution.
func (t *term) at(x float64) (cdf, density float64) {
	return t.cdf(x), t.density(x)
}

func (t *term) cdf(x float64) float64 {
	if t.shape == 1 {
		return -math.Expm1(-x / t.scale)
	}
	return mathext.GammaIncReg(t.shape, x/t.scale)
}

func (t *term) density(x float64) float64 { return t.densityBy(x, t.logGamma()) }

// densityBy is the density with the logarithm of the Gamma function of the shape known.
func (t *term) densityBy(x, log float64) float64 {
	if t.shape == 1 {
		return math.Exp(-x/t.scale) / t.scale
	}
	return math.Exp((t.shape-1)*math.Log(x/t.scale)-x/t.scale-log) / t.scale
}

func (t *term) logGamma() float64 {
	log, _ := math.Lgamma(t.shape)
	return log
}

// back adds to the slopes the derivatives of weight·CDF(t) by the times of the services.
func (s *series) back(t, weight float64, slopes slopes) {
	switch {
	case !(t > 0) || weight == 0 || s.constant():
		return
	case len(s.terms) == 0 && len(s.blocks) == 1:
		s.blocks[0].back(t, weight, slopes)
		return
	case len(s.terms) == 1 && len(s.blocks) == 0:
		// CDF = P(shape, t/scale), and the scale is in proportion to the mean, which is shape·scale/calls.
		one := &s.terms[0]
		slopes.means[one.service] -= weight * one.density(t) * t * one.calls / (one.shape * one.scale)
		if slopes.byShape(one.service) {
			slopes.shapes[one.service] += weight * one.byShape(t)
		}
		return
	}
	s.spread(s.invert(t), weight, slopes)
}

// spread is back for what is inverted. It returns the density at the time, too.
func (s *series) spread(in inversion, weight float64, slopes slopes) (density float64) {
	l := s.transforms(in)
	scaled := make([]complex128, len(l.whole))
	for k, f := range l.whole {
		scaled[k] = complex(in.scale*in.weights[k], 0) * f
		density += real(scaled[k])
	}
	for i := range s.terms {
		one := &s.terms[i]
		// The transform's derivative by the mean is −calls·s/(1 + scale·s) times itself, that of the distribution function's has no s.
		re, turn := 1+one.scale*damping/2/in.t, one.scale*math.Pi/in.t
		sum := 0.0
		for k, f := range scaled {
			im := turn * float64(k)
			sum += (real(f)*re + imag(f)*im) / (re*re + im*im)
		}
		slopes.means[one.service] -= weight * one.calls * sum
		if slopes.byShape(one.service) {
			slopes.shapes[one.service] += weight * one.draws * in.byShape(scaled, one.scale)
		}
	}
	for i := range s.blocks {
		rest := make([]complex128, len(l.alone))
		for k, f := range l.alone {
			rest[k] = complex(weight*in.scale*in.weights[k], 0) * f
			for j, b := range l.blocks {
				if j != i {
					rest[k] *= b[k]
				}
			}
		}
		s.blocks[i].pull(in, rest, slopes)
	}
	return max(density, 0)
}
