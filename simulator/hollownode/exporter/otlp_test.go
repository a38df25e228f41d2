package exporter

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/histogram"
)

// TestExponential: every value is counted once, in a bucket that its own or a neighbouring value belongs to: 0.8 % off at most.
func TestExponential(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const divisor = 60
	base := math.Exp2(1.0 / (1 << histogramScale))
	for range 2000 {
		var h histogram.Histogram
		x := math.Exp2(rng.Float64()*31 - 19.5) // the plant histogram's range, 1 µs to an hour
		h.Add(x)
		scale, offset, counts := exponential(&h, divisor)
		if len(counts) != 1 || counts[0] != 1 || scale != histogramScale {
			t.Fatalf("%v is counted as %v", x, counts)
		}
		low, high := math.Pow(base, float64(offset)), math.Pow(base, float64(offset+1))
		if v := x / divisor; v < low*(1-histogram.RelativeError) || v > high*(1+histogram.RelativeError) {
			t.Fatalf("%v is counted in (%v, %v]", v, low, high)
		}
	}
}

// TestExponentialQuantile: the upper end of a quantile's bucket is within 2.2 % + 0.8 % above it, and 0.8 % below, where the values are within
// 5 octaves.
func TestExponentialQuantile(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var h histogram.Histogram
	for range 100_000 {
		h.Add(1 + rng.ExpFloat64()) // below 2^5: e^-31 is beyond
	}
	scale, offset, counts := exponential(&h, 1)
	var seen, total uint64
	for _, n := range counts {
		total += n
	}
	if total != h.Count() || scale != histogramScale {
		t.Fatalf("%d values of %d at scale %d", total, h.Count(), scale)
	}
	for i, n := range counts {
		if seen += n; float64(seen) >= 0.99*float64(total) {
			got, want := math.Exp2(float64(int(offset)+i+1)/(1<<histogramScale)), h.Quantile(0.99)
			if got < want*0.984 || got > want*1.038 {
				t.Errorf("p99 is up to %v, by the plant's histogram %v", got, want)
			}
			return
		}
	}
}

// TestExponentialRange: one value far from the others lowers the scale so far that there are at most 160 buckets, and nothing is lost.
func TestExponentialRange(t *testing.T) {
	for _, test := range []struct {
		high    float64
		scale   int32
		buckets int
	}{
		{0.001, 5, 1},
		{0.03, 5, 158}, // 4.907 octaves: 157.02 of 32 an octave
		{0.04, 4, 86},  // 5.322: 85.15 of 16
		{0.9, 4, 158},  // 9.814: 157.02 of 16
		{30, 3, 119},   // 14.873: 118.98 of 8
		{3600, 2, 88},  // 21.780: 87.1 of 4
	} {
		var h histogram.Histogram
		for range 99 {
			h.Add(0.001)
		}
		h.Add(test.high)
		scale, offset, counts := exponential(&h, 1)
		base := math.Exp2(math.Exp2(-float64(scale)))
		var total uint64
		for _, n := range counts {
			total += n
		}
		if scale != test.scale || math.Abs(float64(len(counts)-test.buckets)) > 1 || len(counts) > maxBuckets || total != 100 {
			t.Errorf("up to %v: %d values in %d buckets at scale %d, want 100 in about %d at %d", test.high, total, len(counts), scale,
				test.buckets, test.scale)
		}
		for _, end := range []struct{ value, bucket float64 }{{0.001, 0}, {test.high, float64(len(counts) - 1)}} {
			low, high := math.Pow(base, float64(offset)+end.bucket), math.Pow(base, float64(offset)+end.bucket+1)
			if end.value < low*(1-histogram.RelativeError) || end.value > high*(1+histogram.RelativeError) {
				t.Errorf("%v is counted in (%v, %v]", end.value, low, high)
			}
		}
	}
}

// TestTraceState: a receiver's weight is 1 / (1 − th/2^56), th padded to 14 digits.
func TestTraceState(t *testing.T) {
	for rate, want := range map[float64]string{1: "ot=th:0", 0.5: "ot=th:8", 0.25: "ot=th:c", 1.0 / 16: "ot=th:f", 1.0 / 256: "ot=th:ff"} {
		if got := traceState(rate); got != want {
			t.Errorf("rate %v: %q, expected %q", rate, got, want)
		}
	}
	for _, rate := range []float64{1e-9, 0.001, 0.01, 0.1, 0.3, 0.999} {
		if weight := 1 / (1 - float64(threshold(rate))/(1<<randomBits)); math.Abs(weight*rate-1) > 1e-6 {
			t.Errorf("rate %v gives weight %v", rate, weight)
		}
		state := traceState(rate)
		for key := range uint64(100) {
			id := traceID(key*0x9e3779b97f4a7c15, state)
			if r := binary.BigEndian.Uint64(id[8:]); r < threshold(rate) || r >= 1<<randomBits || len(id) != 16 {
				t.Fatalf("rate %v: random bits %x are below the threshold %x", rate, r, threshold(rate))
			}
		}
	}
}
