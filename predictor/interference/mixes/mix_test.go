package mixes

import (
	"fmt"
	"testing"
)

// allMixes are all mixes of 1 to most units of classes.
func allMixes(classes, most int) (all []Mix) {
	counts := make([]float64, classes)
	var fill func(class, left int)
	fill = func(class, left int) {
		if class == classes {
			if mix, err := MixOf(counts); err == nil && len(mix) > 0 {
				all = append(all, mix)
			}
			return
		}
		for n := range left + 1 {
			counts[class] = float64(n)
			fill(class+1, left-n)
		}
		counts[class] = 0
	}
	fill(0, most)
	return all
}

// Different mixes have different hashes, in either half of the bits too: a map takes the low ones, an order by hash the high ones. By chance
// 6,434 have one pair in 2⁻³²·6434²/2 = 0.5 % of all hashes of 32 bits. FNV-1a over whole words, without mixing, had 7 pairs in 64.
func TestHashTellsMixesApart(t *testing.T) {
	t.Parallel()
	all := allMixes(7, 8)
	if len(all) != 6434 { // C(15,7) − 1
		t.Fatalf("%d mixes, want 6434", len(all))
	}
	for _, mix := range all { // halves, and load of no known class
		half := append(Mix{{Class: Unknown, Units: 0.5}}, mix...)
		all = append(all, half)
	}
	for name, bits := range map[string]func(uint64) uint64{
		"64": func(h uint64) uint64 { return h }, "the upper 32": func(h uint64) uint64 { return h >> 32 }, "the lower 32": func(h uint64) uint64 { return h & (1<<32 - 1) },
	} {
		seen, pairs := make(map[uint64]Mix, len(all)), 0
		for _, mix := range all {
			h := bits(mix.Hash())
			if other, ok := seen[h]; ok {
				if pairs++; pairs == 1 {
					t.Errorf("%v and %v have the same %s bits", other, mix, name)
				}
			}
			seen[h] = mix
		}
		if pairs > 0 {
			t.Errorf("%d pairs have the same %s bits", pairs, name)
		}
	}
}

// An order by hash has nothing to do with the mixes: of those in its first half, half hold a class of which half of all hold some. Each
// number below is that of heads in 6,434 throws at most, whose standard deviation is 40.
func TestHashOrdersAtRandom(t *testing.T) {
	t.Parallel()
	all := allMixes(7, 8)
	for class := range 7 {
		for units := range 4 {
			var low, high int
			for _, mix := range all {
				switch {
				case mix.Units(class) != float64(units):
				case mix.Hash()>>63 == 0:
					low++
				default:
					high++
				}
			}
			// Four standard deviations of the difference; 28 numbers are looked at.
			if d := float64(low - high); d*d > 16*float64(low+high) {
				t.Errorf("of the mixes with %d of class %d, %d have hashes in the lower half and %d in the upper", units, class, low, high)
			}
		}
	}
}

// What is learned depends on the order by hash, so that the hash is the same in every run and version.
func TestHashStays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mix  Mix
		want string
	}{
		{nil, "a0761d6478bd642f"},
		{Mix{{0, 1}}, "3db54f9f816695fd"},
		{Mix{{Unknown, 0.5}, {2, 3}}, "4272dcd0fa128ebd"},
	} {
		if got := fmt.Sprintf("%016x", c.mix.Hash()); got != c.want {
			t.Errorf("%v has the hash %s, want %s", c.mix, got, c.want)
		}
	}
}

// BenchmarkHash takes each of the 6,434 mixes in turn, of 3.7 classes in the mean.
func BenchmarkHash(b *testing.B) {
	all := allMixes(7, 8)
	b.ReportAllocs()
	var sum uint64
	for i := 0; b.Loop(); i++ {
		sum ^= all[i%len(all)].Hash()
	}
	if sum == 1 {
		b.Log("the sum is used")
	}
}
