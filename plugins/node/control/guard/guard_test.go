package guard

import (
	"math"
	"testing"
)

// Of 10,000 MB/s latency takes 6000 and batch 4000: 9000 leave batch 3000, three quarters. Where latency alone takes more, batch gets none.
func TestPart(t *testing.T) {
	full := Domain{ID: 3, Peak: 10000, Latency: 6000, Batch: 4000}
	calm := Domain{ID: 1, Peak: 10000, Latency: 5000, Batch: 4000}
	alone := Domain{ID: 2, Peak: 10000, Latency: 9500}
	for _, c := range []struct {
		domains []Domain
		part    float64
		worst   Domain
	}{
		{nil, 1, Domain{}},
		{[]Domain{calm, alone}, 1, Domain{}},
		{[]Domain{calm, full}, 0.75, full},
		{[]Domain{full, {ID: 4, Peak: 10000, Latency: 9500, Batch: 1}}, 0, Domain{ID: 4, Peak: 10000, Latency: 9500, Batch: 1}},
	} {
		if part, worst := Part(c.domains); math.Abs(part-c.part) > 1e-12 || worst != c.worst {
			t.Errorf("%v: %g of %v, want %g of %v", c.domains, part, worst, c.part, c.worst)
		}
	}
	if got, want := full.String(), "domain 3: 6000 MB/s of latency and 4000 MB/s of batch are 100 % of the peak of 10000 MB/s, more than 90 %"; got != want {
		t.Errorf("%q", got)
	}
	if sum, peak := Sum([]Domain{full, calm}); sum != 19000 || peak != 20000 {
		t.Errorf("%g of %g", sum, peak)
	}
}

// 5000 and 2000 of batch leave room to 8500 for a factor of 1.75, and in each domain.
func TestRoom(t *testing.T) {
	d := Domain{Peak: 10000, Latency: 5000, Batch: 2000}
	if !Room([]Domain{d}, 1.75) || Room([]Domain{d}, 1.76) || !Room(nil, 9) {
		t.Error("batch may grow to 0.85 of the peak and no further")
	}
	if Room([]Domain{d, {Peak: 10000, Latency: 8000, Batch: 500}}, 1.5) {
		t.Error("the second domain is near its peak")
	}
}
