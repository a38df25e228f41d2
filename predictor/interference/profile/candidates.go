package profile

import (
	"cmp"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Bounds of the work. Eight classes on eight slots have 12,870 mixes. With more classes those are looked at that the model knows least
// together; on larger nodes, mixes of fewer classes in fewer sizes.
const (
	maxFocus = 8
	maxMixes = 13_000
)

// focus lists the classes that proposed mixes are of: those with a share of the pods, and if they are too many the ones whose pairs
// the model knows least, in ascending order.
func focusOf(m *interference.Model, pods []float64, slots int) []int {
	var classes []int
	for t, share := range pods {
		if share > 0 {
			classes = append(classes, t)
		}
	}
	if len(classes) <= maxFocus {
		return classes
	}
	doubt := doubts(m, pods, classes, slots)
	chosen := []int{}
	for range maxFocus {
		best, at := math.Inf(-1), 0
		for i := range classes {
			if slices.Contains(chosen, i) {
				continue
			}
			// With nothing chosen, the class that is known least beside any other.
			var sum float64
			for j, d := range doubt[i] {
				if len(chosen) == 0 || slices.Contains(chosen, j) {
					sum += d
				}
			}
			if sum > best {
				best, at = sum, i
			}
		}
		chosen = append(chosen, at)
	}
	for k, i := range chosen {
		chosen[k] = classes[i]
	}
	slices.Sort(chosen)
	return chosen
}

// doubts is how unsure the value of a node half full of two classes is, by how often they may meet.
func doubts(m *interference.Model, pods []float64, classes []int, slots int) [][]float64 {
	out := make([][]float64, len(classes))
	for i := range out {
		out[i] = make([]float64, len(classes))
	}
	each := float64(max(slots/4, 1))
	for i, t := range classes {
		for j, other := range classes[:i] {
			pair := []int{other, t}
			b := newBelief(m, pair)
			o := b.option(interference.Mix{{Class: other, Units: each}, {Class: t, Units: each}}, nil)
			d := math.Sqrt(b.variance(&o)) * pods[t] * pods[other]
			out[i][j], out[j][i] = d, d
		}
	}
	return out
}

// mixesOf lists what a node of so many slots may hold of some classes: all mixes if they are few enough, else those of fewer classes,
// then those in fewer sizes. Full nodes of one class are always among them.
func mixesOf(classes, slots int) [][]int {
	var every, some []int
	for n := 1; n <= slots; n++ {
		every = append(every, n)
	}
	for n := slots; n >= 1; n /= 2 {
		some = append(some, n)
	}
	slices.Reverse(some)
	for _, sizes := range [][]int{every, some} {
		for _, together := range []int{classes, 4, 3, 2} {
			if together > classes {
				continue
			}
			if out := compose(classes, slots, together, sizes); len(out) <= maxMixes {
				return out
			}
		}
	}
	return compose(classes, slots, 1, some)
}

// compose lists the mixes of at most so many classes together, each in one of the sizes. It ends after one too many.
func compose(classes, slots, together int, sizes []int) [][]int {
	var out [][]int
	counts := make([]int, classes)
	var fill func(class, left, together int)
	fill = func(class, left, together int) {
		if len(out) > maxMixes {
			return
		}
		if class == classes {
			if left < slots {
				out = append(out, slices.Clone(counts))
			}
			return
		}
		fill(class+1, left, together)
		if together == 0 {
			return
		}
		for _, n := range sizes {
			if n > left {
				break
			}
			counts[class] = n
			fill(class+1, left-n, together-1)
		}
		counts[class] = 0
	}
	fill(0, slots, together)
	slices.SortStableFunc(out, func(a, b []int) int { return cmp.Compare(total(a), total(b)) })
	return out
}

func total(counts []int) int {
	var n int
	for _, c := range counts {
		n += c
	}
	return n
}

// fullOf is the column of a node full of each class.
func fullOf(columns [][]int, classes, slots int) []int {
	out := make([]int, classes)
	for j, counts := range columns {
		for i, n := range counts {
			if n == slots {
				out[i] = j
			}
		}
	}
	return out
}
