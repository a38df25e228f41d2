package interference

import "math"

// measurement is the mean of ln(performance) over repeats measurements of one class in one mix; repeats 0 = none.
type measurement struct {
	log     float64
	repeats float64
}

// lookup finds the measurements of a mix without allocating: a hash of the mix leads to the few candidates that are compared.
type lookup struct {
	byHash map[uint64][]int32
	mixes  []Mix
	cells  [][]measurement // aligned with mixes
}

// notMeasured is the position of a mix that the look-up does not hold.
const notMeasured = -1

func newLookup(d *Document) lookup {
	l := lookup{byHash: make(map[uint64][]int32, len(d.Mixes))}
	for i, stored := range d.Mixes {
		mix := make(Mix, len(stored.Classes))
		cells := make([]measurement, len(stored.Classes))
		for k, class := range stored.Classes {
			mix[k] = Load{class, stored.Units[k]}
			if stored.Repeats[k] > 0 {
				cells[k] = measurement{math.Log(stored.Performance[k]), float64(stored.Repeats[k])}
			}
		}
		l.mixes, l.cells = append(l.mixes, mix), append(l.cells, cells)
		h := mix.hash()
		l.byHash[h] = append(l.byHash[h], int32(i)) //nolint:gosec // i < MaxMixes
	}
	return l
}

// position returns where mix stands in the look-up, or notMeasured.
func (l *lookup) position(mix Mix) int {
	for _, i := range l.byHash[mix.hash()] {
		if l.mixes[i].equal(mix) {
			return int(i)
		}
	}
	return notMeasured
}

// at returns the measurement of the k-th class of the mix at a position.
func (l *lookup) at(position, k int) (measurement, bool) {
	if position == notMeasured {
		return measurement{}, false
	}
	obs := l.cells[position][k]
	return obs, obs.repeats > 0
}

// hash is FNV-1a over the classes and the bits of their units.
func (mix Mix) hash() uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, l := range mix {
		h = (h ^ uint64(int64(l.Class))) * prime //nolint:gosec // any bijection will do
		h = (h ^ math.Float64bits(l.Units)) * prime
	}
	return h
}

func (mix Mix) equal(other Mix) bool {
	if len(mix) != len(other) {
		return false
	}
	for i, l := range mix {
		if l != other[i] {
			return false
		}
	}
	return true
}

// normal is a normal distribution of ln(performance).
type normal struct{ mean, variance float64 }

// blend combines the law's belief with a measurement of this very mix, each weighted by its precision. repeats measurements of
// standard deviation noise have the variance noise²/repeats.
func blend(law normal, obs measurement, noise float64) normal {
	noiseVariance := noise * noise / obs.repeats
	if law.variance+noiseVariance == 0 {
		return normal{obs.log, 0}
	}
	w := law.variance / (law.variance + noiseVariance) // weight of the measurement
	return normal{mean: law.mean + w*(obs.log-law.mean), variance: w * noiseVariance}
}
