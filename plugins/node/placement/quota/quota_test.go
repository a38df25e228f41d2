package quota_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
)

var inf = math.Inf(1)

func TestMin(t *testing.T) {
	for _, tt := range []struct {
		name    string
		own     float64
		kubelet quota.Limit
		want    quota.Limit
	}{
		// 0.2 cores x 100001 us = 20000.2 us
		{"no limit of the kubelet's", 0.2, quota.Limit{}, quota.Limit{Quota: 20000, Period: 100001}},
		// 1.5 cores are 1500 thousandths: a period of 101501 us, of which 0.2 are 20300.2
		{"a larger limit", 0.2, quota.Limit{Quota: 150000, Period: 100000}, quota.Limit{Quota: 20300, Period: 101501}},
		// 1.999 cores would be 102000 us, which is a whole millisecond: 102001
		{"a mark that would be whole milliseconds", 1, quota.Limit{Quota: 199900, Period: 100000}, quota.Limit{Quota: 102001, Period: 102001}},
		{"the kubelet's is smaller", 0.5, quota.Limit{Quota: 20000, Period: 100000}, quota.Limit{Quota: 20000, Period: 100000}},
		{"they are equal", 0.2, quota.Limit{Quota: 20000, Period: 100000}, quota.Limit{Quota: 20000, Period: 100000}},
		{"no wish, no limit", inf, quota.Limit{}, quota.Limit{Quota: -1, Period: 100000}},
		{"no wish", inf, quota.Limit{Quota: 20000, Period: 50000}, quota.Limit{Quota: 20000, Period: 50000}},
		{"no number", math.NaN(), quota.Limit{Quota: 20000, Period: 50000}, quota.Limit{Quota: 20000, Period: 50000}},
		// 0.01 cores x 100001 us = 1000.01 us, the kernel's least
		{"less than the least", 0, quota.Limit{}, quota.Limit{Quota: 1000, Period: 100001}},
		{"a limit beyond the longest period", 1, quota.Limit{Quota: 100_000_000, Period: 100000}, quota.Limit{Quota: 999999, Period: 999999}},
	} {
		if got := quota.Min(tt.own, tt.kubelet); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestTheMarkIsTheWayBack: whatever the kubelet's limit in whole thousandths of a core and whatever ours, a limit of ours is known as
// ours, is what was wished, and leads back to the kubelet's; one of the kubelet's is never taken for ours.
func TestTheMarkIsTheWayBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		millis := int64(random.IntN(890_000)) // 0: no limit
		kubelet := quota.None()
		if millis >= 10 {
			kubelet = quota.Limit{Quota: millis * 100, Period: quota.DefaultPeriod}
		}
		own := quota.Least + random.Float64()*min(64, kubelet.Cores())
		written := quota.Min(own, kubelet)
		back, ours := quota.Kubelet(written)
		if ours != (own < kubelet.Cores()) {
			t.Fatalf("%v of %+v: %+v is ours: %v", own, kubelet, written, ours)
		}
		if off := math.Abs(back.Cores() - kubelet.Cores()); off > 0.001001 {
			t.Fatalf("%+v leads back to %+v, not to %+v", written, back, kubelet)
		}
		if want := min(own, kubelet.Cores()); !math.IsInf(want, 1) && math.Abs(written.Cores()-want) > 1e-5 {
			t.Fatalf("%v of %+v: %+v are %v cores", own, kubelet, written, written.Cores())
		}
	}
	for period := int64(1000); period <= 1_000_000; period += 1000 { // all that a kubelet may be told
		own := quota.Limit{Quota: 2 * period, Period: period}
		if back, ours := quota.Kubelet(own); ours || back != own {
			t.Fatalf("%+v is taken for ours, with the way back to %+v", own, back)
		}
	}
}

func TestDiffers(t *testing.T) {
	none := quota.None()
	for _, tt := range []struct {
		have, want quota.Limit
		differs    bool
	}{
		{none, none, false},
		{none, quota.Min(1, none), true},
		{quota.Min(1, none), none, true},
		{quota.Min(1, none), quota.Min(0.96, none), false},
		{quota.Min(1, none), quota.Min(0.95, none), true},
		{quota.Min(1, none), quota.Min(1.1, none), false},
		{quota.Min(1, none), quota.Min(1.12, none), true},
		// the kubelet's limit instead of ours, nearly the same
		{quota.Min(0.98, none), quota.Limit{Quota: 100000, Period: 100000}, true},
	} {
		if got := quota.Differs(tt.have, tt.want); got != tt.differs {
			t.Errorf("from %v to %v cores: %v, want %v", tt.have.Cores(), tt.want.Cores(), got, tt.differs)
		}
	}
}
