package interactions

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference/mixes"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// units gives every class its own dimension, with loads counted in most.
func units(classes int, most float64) *Directions {
	own := make([][]float64, classes)
	for j := range own {
		own[j] = make([]float64, classes)
		own[j][j] = 1
	}
	return &Directions{Pressure: own, Presence: own, Dims: classes, Unit: UnitVectors(own, own), Most: most}
}

// Two of a and three of b, loads counted in 4: beside one a are 0.25 of a and 0.75 of b, 1 together; a has 2 containers.
func TestTermsByHand(t *testing.T) {
	t.Parallel()
	d := units(2, 4)
	mix := mixes.Mix{{Class: 0, Units: 2}, {Class: 1, Units: 3}}
	var f Felt
	d.Gather(&f, mix)
	d.LeaveOut(&f, mix[0], 4)
	got := make([]float64, Count(2))
	f.Terms(got, 2)
	want := []float64{
		0.125, 0.375, // shared by two
		0.125, 0.375, // times the load of all, 1
		0.0625, 0.1875, 0.5625, // aa, ab, bb
		0.25, 0.75, 0.25, 0.75, // both are present: a·a, a·b, b·a, b·b
		0, 0, 0, // the bump at 0 is 0 at 1
		0.5625, 0.5625, 0.5625, // the one at a half is (1 − 0.5²)²
		1, 1, 1,
	}
	if len(got) != len(want) {
		t.Fatalf("%d terms, want %d", len(got), len(want))
	}
	for i := range want {
		near(t, "term", got[i], want[i])
	}
}

// Twice the load that was measured beside the class: products are halved, so that they grow like the load; bumps are gone.
func TestBeyondWhatWasMeasured(t *testing.T) {
	t.Parallel()
	d := units(1, 3)
	mix := mixes.Mix{{Class: 0, Units: 7}}
	var f Felt
	d.Gather(&f, mix)
	d.LeaveOut(&f, mix[0], 3)
	got := make([]float64, Count(1))
	f.Terms(got, 1)
	// The load is 6/3 = 2, its own containers 7.
	for i, want := range []float64{2.0 / 7, 2 * 2 / 7.0 / 2, 2 * 2 / 2.0, 2, 0, 0, 0, 0, 0, 0} {
		near(t, "term", got[i], want)
	}
}

// What a container feels is what the mix without it presses with; the effect is the terms times their coefficients.
func TestEffectIsTermsTimesCoefficients(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	random := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	general := &Directions{Dims: 3, Most: 5}
	for range 20 {
		general.Pressure, general.Presence = append(general.Pressure, random(3)), append(general.Presence, random(3))
	}
	if UnitVectors(general.Pressure, general.Presence) {
		t.Fatal("random vectors count as unit vectors")
	}
	for _, d := range []*Directions{units(7, 7), general} {
		for range 300 {
			counts := make([]float64, len(d.Pressure))
			for range 1 + rng.IntN(10) {
				counts[rng.IntN(len(counts))]++
			}
			mix, _ := mixes.MixOf(counts)
			c := random(Count(d.Dims))
			target := mix[rng.IntN(len(mix))]
			var f Felt
			d.Gather(&f, mix)
			d.LeaveOut(&f, target, 4)
			terms := make([]float64, Count(d.Dims))
			f.Terms(terms, d.Dims)
			var want float64
			for i := range terms {
				want += terms[i] * c[i]
			}
			if got := f.Effect(NewCoefficients(c, d.Dims)); math.Abs(got-want) > 1e-9 {
				t.Fatalf("effect in %v on %d is %v, want %v", mix, target.Class, got, want)
			}
			counts[target.Class]--
			less, _ := mixes.MixOf(counts)
			var other Felt
			d.Gather(&other, less)
			other.own, other.most = f.own, f.most
			if a, b := f.Effect(NewCoefficients(c, d.Dims)), other.Effect(NewCoefficients(c, d.Dims)); math.Abs(a-b) > 1e-9 {
				t.Fatalf("effect in %v on %d is %v, of the mix without it %v", mix, target.Class, a, b)
			}
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	n := map[Kind]int{}
	for i := range Count(3) {
		n[KindOf(i, 3)]++
	}
	for kind, want := range map[Kind]int{Shared: 3, Grown: 3, Pair: 6, Cross: 9, Bump: 12} {
		if n[kind] != want {
			t.Errorf("%d terms of kind %d, want %d", n[kind], kind, want)
		}
	}
}

// One more dimension that does nothing changes nothing, for mixes without the class that it is for.
func TestGrow(t *testing.T) {
	t.Parallel()
	const dims = 3
	r := rand.New(rand.NewPCG(1, 2))
	terms := make([]float64, Count(dims))
	for i := range terms {
		terms[i] = r.NormFloat64()
	}
	unit := func(n int) [][]float64 {
		v := make([][]float64, n)
		for i := range v {
			v[i] = make([]float64, n)
			v[i][i] = 1
		}
		return v
	}
	small := Directions{Pressure: unit(dims), Presence: unit(dims), Dims: dims, Unit: true, Most: 7}
	large := Directions{Pressure: unit(dims + 1), Presence: unit(dims + 1), Dims: dims + 1, Unit: true, Most: 7}
	before, after := NewCoefficients(terms, dims), NewCoefficients(Grow(terms, dims), dims+1)
	for range 100 {
		counts := make([]float64, dims)
		for i := range counts {
			counts[i] = float64(r.IntN(4))
		}
		counts[0]++
		mix, _ := mixes.MixOf(counts)
		var f, g Felt
		small.Gather(&f, mix)
		large.Gather(&g, mix)
		small.LeaveOut(&f, mix[0], 7)
		large.LeaveOut(&g, mix[0], 7)
		if was, is := f.Effect(before), g.Effect(after); math.Abs(was-is) > 1e-12 {
			t.Errorf("%v: %v, was %v", mix, is, was)
		}
	}
}
