package quota_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
)

func TestDivide(t *testing.T) {
	unknown := math.NaN()
	for _, tt := range []struct {
		name  string
		total float64
		list  []quota.Demand
		want  []float64
	}{
		{"none", 2, nil, nil},
		{"no limit", inf, []quota.Demand{{Use: 1, Limit: inf}}, []float64{inf}},
		{"alone", 0.2, []quota.Demand{{Use: unknown, Limit: inf}}, []float64{0.2}},
		// 0.02 are given; 0.98 are divided as 300 to 100
		{"by weight", 1, []quota.Demand{{300, unknown, inf}, {100, unknown, inf}}, []float64{0.01 + 0.735, 0.01 + 0.245}},
		// the first may want 0.03 x 4/3 + 0.05 = 0.09; the other gets the rest
		{"one sleeps", 1, []quota.Demand{{100, 0.03, inf}, {100, 3, inf}}, []float64{0.09, 0.91}},
		// both may want 0.35 at most, 0.3 are left, and go to both
		{"both have enough", 1, []quota.Demand{{100, 0.225, inf}, {100, 0.225, inf}}, []float64{0.5, 0.5}},
		{"the kubelet's limit", 1, []quota.Demand{{100, 1, 0.1}, {100, 1, inf}}, []float64{0.1, 0.9}},
		{"all have limits", 1, []quota.Demand{{100, 1, 0.1}, {100, 1, 0.2}}, []float64{0.1, 0.2}},
		{"less than the least for each", 0.01, []quota.Demand{{100, 1, inf}, {100, 1, inf}}, []float64{0.01, 0.01}},
	} {
		got := quota.Divide(tt.total, tt.list)
		if len(got) != len(tt.want) {
			t.Fatalf("%s: %v", tt.name, got)
		}
		for i := range got {
			if got[i] != tt.want[i] && math.Abs(got[i]-tt.want[i]) > 1e-12 {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
				break
			}
		}
	}
}

// TestDivideKeepsTheSum: the sum is the total, or what all limits allow, or the least for each; none gets less than the least or more than
// its limit; and who wants more for its weight gets at least as much for it.
func TestDivideKeepsTheSum(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		list := make([]quota.Demand, 1+random.IntN(20))
		limits := 0.0
		for i := range list {
			list[i] = quota.Demand{Weight: float64(random.IntN(2000)), Use: random.Float64() * 2, Limit: inf}
			if random.IntN(3) == 0 {
				list[i].Limit = 0.01 + random.Float64()
			}
			limits += list[i].Limit
		}
		total := random.Float64() * 8
		sum := 0.0
		for i, part := range quota.Divide(total, list) {
			sum += part
			if part < quota.Least || part > list[i].Limit+1e-9 {
				t.Fatalf("%v cores for %+v", part, list[i])
			}
		}
		want := max(min(total, limits), quota.Least*float64(len(list)))
		if math.Abs(sum-want) > 1e-9 {
			t.Fatalf("the sum is %v, want %v of %v for %+v", sum, want, total, list)
		}
	}
}
