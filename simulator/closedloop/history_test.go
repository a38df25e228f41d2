package closedloop

import (
	"math"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/simulator/hotel"
)

// VPA's own example: 0.5 core falls into bucket 25, which is [0.4773, 0.5111).
func TestBuckets(t *testing.T) {
	t.Parallel()
	if b := bucket(0.5); b != 25 {
		t.Errorf("0.5 core is in bucket %d, want 25", b)
	}
	if low, high := bucketStart(25), bucketStart(26); math.Abs(low-0.4773) > 1e-4 || math.Abs(high-0.5111) > 1e-4 {
		t.Errorf("bucket 25 is [%.4f, %.4f)", low, high)
	}
	for b := range 100 { // inside of a bucket is inside of it
		if got := bucket((bucketStart(b) + bucketStart(b+1)) / 2); got != b {
			t.Errorf("the middle of bucket %d is in %d", b, got)
		}
	}
	if b := bucket(0); b != 0 {
		t.Errorf("no CPU is in bucket %d", b)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	// Constant use: all weight in one bucket, whose end is 0.5111; × 1.15 = 0.58776, cut off 587 m.
	h := NewHistory([]float64{0.5}, []float64{1, 1}, end, 60)
	if got := h.Target(); got != 587 {
		t.Errorf("target is %d m, want 587", got)
	}
	// A bucket less is [0.4451, 0.4773): 548 m; a bucket more ends at 0.5467: 628 m.
	for target, want := range map[int64]bool{587: true, 548: true, 628: true, 540: false, 640: false, 25: false} {
		if h.explains(target) != want {
			t.Errorf("target %d m is explained: %v, want %v", target, !want, want)
		}
	}
	// 8 days × 1,440 minutes × 2 replicas = 23,040 samples over 8 days / 60 = 3 h 12 min.
	if h.samples != 23_040 || end.Sub(h.first) != 192*time.Minute || end.Sub(h.last) != time.Second {
		t.Errorf("%d samples from %s to %s before the end", h.samples, end.Sub(h.first), end.Sub(h.last))
	}
	// The half-life is 24 min; samples of weight 0.1 × 2 once a second over 8 half-lives add up to
	// 0.2/s × 1440 s/ln 2 × (1 − 2^−8) × 2^((end − reference)/24 min), to a thousandth.
	since := float64(end.Sub(h.reference)) / float64(24*time.Minute)
	want := 0.2 * 1440 / math.Ln2 * (1 - math.Exp2(-8)) * math.Exp2(since)
	if math.Abs(h.total/want-1) > 1e-3 || since < 0 || since >= 1 {
		t.Errorf("total weight is %.3f, want %.3f; the reference is %.2f half-lives ago", h.total, want, since)
	}
	// At half speed the same work takes twice the CPU time: 1 core is in bucket 36 = [0.9584, 1.0163), × 1.15 = 1.1687.
	if got := NewHistory([]float64{0.5}, []float64{0.5}, end, 60).Target(); got != 1168 {
		t.Errorf("target at half speed is %d m, want 1168", got)
	}
	// One minute of twenty at 0.5 core and the rest at 0.1: the 90th percentile is in the bucket of 0.1, [0.0955, 0.1103).
	demand := make([]float64, 20)
	for i := range demand {
		demand[i] = 0.1
	}
	demand[7] = 0.5
	if got, want := NewHistory(demand, []float64{1}, end, 60).Target(), int64(1150*bucketStart(bucket(0.1)+1)); got != want {
		t.Errorf("target is %d m, want %d", got, want)
	}
}

func TestDemandIsRateTimesWork(t *testing.T) {
	t.Parallel()
	rates := make([]float64, hourMinutes*minuteSeconds)
	for i := range rates {
		rates[i] = 1000 // not seen but in the last 15 s of a minute
		if i%minuteSeconds >= minuteSeconds-windowSeconds {
			rates[i] = generatedMean
		}
	}
	for _, s := range hotel.Services() {
		got := demand(Load{PerSecond: rates}, s)
		if len(got) != hourMinutes || math.Abs(got[7]-s.MeanCores) > 1e-9 {
			t.Errorf("%s: %d minutes of %.4f cores, want %d of %.4f", s.Name, len(got), got[7], hourMinutes, s.MeanCores)
		}
	}
}
