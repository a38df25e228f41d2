package interactions

import (
	"math"

	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
)

// Felt is what one container feels of its neighbours, in the first dimensions of pressure and presence, as far as interactions go.
// Only the dimensions with something in them are listed: with a dimension for every class, those of the classes that are there.
type Felt struct {
	dims             [MaxDims]int     // ascending
	load, presence   [MaxDims]float64 // aligned with dims; load in units of the largest measured
	active           int
	own, units, most float64 // units of its own class; of all neighbours; the largest neighbour load measured beside the class
}

// MaxDims is the largest number of dimensions.
const MaxDims = 8

// Kind is the kind of an interaction term.
type Kind int

// The kinds, in the order of the terms.
const (
	Shared Kind = iota // load over the containers of the target's own class: clients share the replicas of a service
	Grown              // the same times the load of all neighbours
	Pair               // products of two loads, or of one with itself
	Cross              // presence times load
	Bump               // smooth functions of the load of all neighbours, alone and where something is present
)

// KindOf is the kind of the i-th term.
func KindOf(i, dims int) Kind {
	switch {
	case i < grownAt(dims):
		return Shared
	case i < pairsAt(dims):
		return Grown
	case i < crossAt(dims):
		return Pair
	case i < bumpsAt(dims):
		return Cross
	}
	return Bump
}

// bumps is the number of smooth functions of the neighbours' load that a provider's effect may follow.
const bumps = 3

// Count is how many interaction terms a class has with a number of dimensions: shared, grown, pairs, crosses, bumps.
func Count(dims int) int { return 2*dims + dims*(dims+1)/2 + dims*dims + bumps*(1+dims) }

// Where the terms stand.
func grownAt(dims int) int { return dims }
func pairsAt(dims int) int { return 2 * dims }
func crossAt(dims int) int { return 2*dims + dims*(dims+1)/2 }
func bumpsAt(dims int) int { return crossAt(dims) + dims*dims }

// pairAt is where the pair a <= b stands among the pairs.
func pairAt(a, b, dims int) int { return a*dims - a*(a-1)/2 + b - a }

// bump is the k-th smooth function of a load, as a share of the largest measured: 1 at its centre (0, a half, 1), 0 from one away. So
// all vanish at twice the load that was measured.
func bump(k int, load float64) float64 {
	x := load - float64(k)/(bumps-1)
	if x <= -1 || x >= 1 {
		return 0
	}
	return (1 - x*x) * (1 - x*x)
}

// taper keeps products of two loads from growing faster than the load beyond what was measured.
func (f *Felt) taper() float64 {
	if f.units <= f.most {
		return 1
	}
	return f.most / f.units
}

// Terms writes the interaction terms to dst, which is zero and Count(dims) long.
func (f *Felt) Terms(dst []float64, dims int) {
	taper := f.taper()
	for i := range f.active {
		a, p := f.dims[i], f.load[i]
		dst[a] = p / f.own
		dst[grownAt(dims)+a] = p * f.units / f.own * taper
		for k := i; k < f.active; k++ {
			dst[pairsAt(dims)+pairAt(a, f.dims[k], dims)] = p * f.load[k] * taper
		}
		for k := range f.active {
			dst[crossAt(dims)+a*dims+f.dims[k]] = f.presence[i] * f.load[k]
		}
	}
	for k := range bumps {
		at, height := bumpsAt(dims)+k*(1+dims), bump(k, f.units)
		dst[at] = height
		for i := range f.active {
			dst[at+1+f.dims[i]] = f.presence[i] * height
		}
	}
}

// Grow returns Count(dims+1) coefficients that say the same as Count(dims) did: the new dimension does nothing.
func Grow(terms []float64, dims int) []float64 {
	to := make([]float64, Count(dims+1))
	for a := range dims {
		to[a], to[grownAt(dims+1)+a] = terms[a], terms[grownAt(dims)+a]
		for b := a; b < dims; b++ {
			to[pairsAt(dims+1)+pairAt(a, b, dims+1)] = terms[pairsAt(dims)+pairAt(a, b, dims)]
		}
		copy(to[crossAt(dims+1)+a*(dims+1):], terms[crossAt(dims)+a*dims:][:dims])
	}
	for k := range bumps {
		copy(to[bumpsAt(dims+1)+k*(2+dims):], terms[bumpsAt(dims)+k*(1+dims):][:1+dims])
	}
	return to
}

// Coefficients are a class's interaction terms in fixed places, so that a prediction needs no bounds.
type Coefficients struct {
	shared, grown [MaxDims]float64
	pair, cross   [MaxDims][MaxDims]float64 // pair[a][b] for a <= b; cross[a][b] times presence a and load b
	bump          [bumps][1 + MaxDims]float64
}

// NewCoefficients puts Count(dims) coefficients in their places.
func NewCoefficients(terms []float64, dims int) *Coefficients {
	c := &Coefficients{}
	for a := range dims {
		c.shared[a], c.grown[a] = terms[a], terms[grownAt(dims)+a]
		for b := range dims {
			c.cross[a][b] = terms[crossAt(dims)+a*dims+b]
			if b >= a {
				c.pair[a][b] = terms[pairsAt(dims)+pairAt(a, b, dims)]
			}
		}
	}
	for k := range bumps {
		copy(c.bump[k][:], terms[bumpsAt(dims)+k*(1+dims):][:1+dims])
	}
	return c
}

// Effect is the sum of terms times coefficients, without writing the terms down.
func (f *Felt) Effect(c *Coefficients) float64 {
	var height [bumps]float64
	v := 0.0
	for k := range bumps {
		height[k] = bump(k, f.units)
		v += height[k] * c.bump[k][0]
	}
	taper := f.taper()
	share := 1 / f.own
	growth := f.units * share * taper
	for i := range f.active & (2*MaxDims - 1) {
		a := f.dims[i&(MaxDims-1)] & (MaxDims - 1)
		p, q := f.load[i&(MaxDims-1)], f.presence[i&(MaxDims-1)]
		v += p*(c.shared[a]*share+c.grown[a]*growth) + q*(height[0]*c.bump[0][1+a]+height[1]*c.bump[1][1+a]+height[2]*c.bump[2][1+a])
		pairs, crosses := &c.pair[a], &c.cross[a]
		var pair, cross float64
		for k := range f.active & (2*MaxDims - 1) {
			b, load := f.dims[k&(MaxDims-1)]&(MaxDims-1), f.load[k&(MaxDims-1)]
			pair += load * pairs[b] // 0 for b < a
			cross += load * crosses[b]
		}
		v += p*taper*pair + q*cross
	}
	return v
}

// Directions say how classes press: their vectors cut to the dimensions that interact, and the largest load measured.
type Directions struct {
	Pressure, Presence [][]float64
	Dims               int
	Unit               bool    // class j presses in dimension j alone, by one
	Most               float64 // load that counts as 1
}

// Gather fills f with the load of all known classes of a mix, as one more container of no class would feel it.
func (s *Directions) Gather(f *Felt, mix mixes.Mix) {
	f.active, f.own, f.units, f.most = 0, 1, 0, 1
	if !s.Unit {
		f.active = s.Dims
		for d := range s.Dims {
			f.dims[d], f.load[d], f.presence[d] = d, 0, 0
		}
	}
	for _, l := range mix {
		if l.Class == mixes.Unknown {
			continue
		}
		units := l.Units / s.Most
		f.units += units
		if s.Unit {
			f.dims[f.active], f.load[f.active], f.presence[f.active] = l.Class, units, 1
			f.active++
			continue
		}
		pressure, presence := s.Pressure[l.Class], s.Presence[l.Class]
		for d := range s.Dims {
			f.load[d] += units * pressure[d]
			f.presence[d] += presence[d]
		}
	}
}

// LeaveOut turns what was gathered from a mix into what one container of its class l feels, which is not its own neighbour. most is
// the largest load measured beside the class.
func (s *Directions) LeaveOut(f *Felt, l mixes.Load, most float64) {
	f.own, f.most = math.Max(l.Units, 1), most/s.Most
	alone := l.Units <= 1
	less := math.Min(l.Units, 1) / s.Most
	f.units = math.Max(f.units-less, 0)
	if s.Unit {
		for i := range f.active {
			if f.dims[i] == l.Class {
				f.load[i] -= less
				if alone {
					f.load[i], f.presence[i] = 0, 0
				}
			}
		}
		return
	}
	pressure, presence := s.Pressure[l.Class], s.Presence[l.Class]
	for d := range s.Dims {
		f.load[d] -= less * pressure[d]
		if alone {
			f.presence[d] -= presence[d]
		}
	}
}

// Weigh makes every neighbour count as so many: in another setting it presses more or less.
func (f *Felt) Weigh(pressure float64) {
	f.own = 1 + (f.own-1)*pressure
	f.units *= pressure
	for i := range f.active {
		f.load[i] *= pressure
	}
}

// UnitVectors reports whether every class has the dimension of its own index, and no class another.
func UnitVectors(pressure, presence [][]float64) bool {
	for j := range pressure {
		for d := range pressure[j] {
			want := 0.0
			if d == j {
				want = 1
			}
			if pressure[j][d] != want || presence[j][d] != want {
				return false
			}
		}
	}
	return true
}
