package noisyneighbour

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

const (
	postgres  = "PostgreSQL__Scaling_Factor_25_-_Clients_25_-_Mode_Read_Only__TPS"
	redis     = "Redis__GET_-_Parallel_Connections_50__Requests_Per_Second"
	bandwidth = "Intel_Memory_Latency_Checker__Max_Bandwidth_-_All_Reads__MiB_s"
	cache     = "Stress-NG__CPU_Cache__Bogo_Ops_s"
	copying   = "Stress-NG__Memory_Copying__Bogo_Ops_s"
	sysbench  = "Sysbench__CPU__Events_Per_Second"
	latency   = "Intel_Memory_Latency_Checker__Idle_Latency__ns"
)

// hindsight says which runs were slow, from all there is: their time per unit of work is more than 3 robust standard deviations (1.4826 times
// the median deviation) above the median of a week before and a week after, looked at each day, and least times the median.
func hindsight(list []measurement, least float64) []bool {
	slow := make([]bool, len(list))
	first, end := 0, 0
	var limit float64
	var renewed time.Time
	for i, m := range list {
		if m.at.Sub(renewed) > 24*time.Hour {
			renewed = m.at
			for list[first].at.Before(m.at.Add(-7 * 24 * time.Hour)) {
				first++
			}
			for end < len(list) && list[end].at.Before(m.at.Add(7*24*time.Hour)) {
				end++
			}
			limit = outlier(list[first:end], least)
		}
		slow[i] = 1/m.value > limit
	}
	return slow
}

func outlier(list []measurement, least float64) float64 {
	var times, deviations []float64
	for _, o := range list {
		times = append(times, 1/o.value)
	}
	mid := median(times)
	for _, v := range times {
		deviations = append(deviations, math.Abs(v-mid))
	}
	return max(least*mid, mid+3*1.4826*median(deviations))
}

// score counts what a detector flags among slow and other runs.
type score struct{ slow, hit, others, false float64 }

func (s *score) add(slow, flagged bool) {
	switch {
	case slow && flagged:
		s.hit++
	case flagged:
		s.false++
	}
	if slow {
		s.slow++
	} else {
		s.others++
	}
}

func (s *score) String() string {
	return fmt.Sprintf("of %4.0f slow runs %5.1f %% found, of %5.0f others %5.2f %% flagged, precision %5.1f %%", s.slow, 100*s.hit/s.slow, s.others,
		100*s.false/s.others, 100*s.hit/(s.hit+s.false))
}

// Runs of an application on machines with unknown neighbours: our bar knows only earlier runs and learns each after it was judged. The fence
// of Intel's platform-resource-manager and mean plus 3 standard deviations are fitted to the first 30 days, once. Nobody marked the noisy
// periods; slow in hindsight is what stands out from two weeks around, by a tenth at least, which is our own least margin and so favours us,
// or, second, by however little.
func TestNoisyPeriodsAreFound(t *testing.T) {
	t.Parallel()
	all, little := make([]score, len(detectors)), make([]score, len(detectors))
	for _, c := range []struct{ size, file string }{
		{"D8s_v5", postgres}, {"D8s_v5", redis}, {"D8s_v5", cache}, {"B8ms", postgres}, {"B8ms", redis}, {"B8ms", cache},
	} {
		one := make([]score, len(detectors))
		for _, list := range benchmark(t, c.size, c.file) {
			slow, hardly := hindsight(list, 1.1), hindsight(list, 1)
			for i, bounds := range limits(list) {
				for k, limit := range bounds {
					flagged := 1e6/list[i].value > limit
					one[k].add(slow[i], flagged)
					all[k].add(slow[i], flagged)
					little[k].add(hardly[i], flagged)
				}
			}
		}
		for k := range one {
			t.Logf("%-6s %-10.10s %-9s %v", c.size, c.file, detectors[k], &one[k])
		}
	}
	for k := range all {
		t.Logf("all, by a tenth   %-9s %v", detectors[k], &all[k])
		t.Logf("all, by any       %-9s %v", detectors[k], &little[k])
	}
	if ours := &all[0]; ours.hit < 0.95*ours.slow || ours.false > 0.05*ours.others {
		t.Errorf("ours: %v; want 95 %% of slow runs found and 5 %% of others flagged at most", ours)
	}
}

// limits are those of all detectors on the time for a million units, by run, for runs after the first 30 days.
func limits(list []measurement) map[int][]float64 {
	var u bars.Usual
	var first []float64
	for _, m := range list {
		if m.at.Before(list[0].at.Add(30 * 24 * time.Hour)) {
			first = append(first, 1e6/m.value)
		}
	}
	fixed := fence(first)
	mean, sd := moments(first)
	l := map[int][]float64{}
	for i, m := range list {
		if bar, ok := u.Bar(0, bars.CPI); ok && i >= len(first) {
			l[i] = []float64{bar.High, fixed, mean + 3*sd}
		}
		u.Learn(0, bars.CPI, 1e6/m.value)
	}
	return l
}

var detectors = []string{"ours", "PRM fence", "3 sigma"}

func moments(values []float64) (mean, sd float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		sd += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(sd)
}

// near is the measurement closest in time, at most an hour away.
func near(list []measurement, at time.Time) (float64, bool) {
	i, _ := slices.BinarySearchFunc(list, at, func(m measurement, at time.Time) int { return m.at.Compare(at) })
	best, found := time.Hour+1, false
	var v float64
	for _, j := range []int{i - 1, i} {
		if j >= 0 && j < len(list) && list[j].at.Sub(at).Abs() < best {
			best, v, found = list[j].at.Sub(at).Abs(), list[j].value, true
		}
	}
	return v, found
}

// ranks of values; equal ones share theirs.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return 0
	})
	r := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			r[order[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return r
}

func spearman(a, b []float64) float64 {
	a, b = ranks(a), ranks(b)
	ma, sa := moments(a)
	mb, sb := moments(b)
	var sum float64
	for i := range a {
		sum += (a[i] - ma) * (b[i] - mb)
	}
	return sum / float64(len(a)) / sa / sb
}

// above is the probability that a value of one list is above one of the other, ties counting half (the area under the ROC curve).
func above(a, b []float64) float64 {
	r := ranks(slices.Concat(a, b))
	var sum float64
	for _, x := range r[:len(a)] {
		sum += x
	}
	n, m := float64(len(a)), float64(len(b))
	return (sum - n*(n-1)/2) / (n * m)
}

// Which resource was short when an application's run was slow? For each micro-benchmark within an hour: how likely is it worse beside a
// slow run (the worst twentieth of the machine's) than beside another. The correlations are those that the data's description gives.
func TestResourceBehindSlowRuns(t *testing.T) {
	t.Parallel()
	facts := map[string]float64{ // Spearman, by the description
		"D8s_v5 " + postgres + bandwidth: 0.43, "B8ms " + postgres + bandwidth: 0.47, "B8ms " + postgres + latency: -0.41, "B8ms " + redis + sysbench: 0.44,
		"B8ms " + redis + bandwidth: 0.29,
	}
	compared := 0
	for _, size := range []string{"D8s_v5", "B8ms"} {
		for _, app := range []string{postgres, redis} {
			runs := benchmark(t, size, app)
			var line strings.Builder
			for _, micro := range []string{bandwidth, latency, copying, cache, sysbench} {
				list := benchmark(t, size, micro)
				var slow, others, a, b []float64
				for _, vm := range slices.Sorted(maps.Keys(runs)) {
					low := quantile(values(runs[vm]), 0.05)
					usual := median(values(list[vm]))
					for _, m := range runs[vm] {
						v, ok := near(list[vm], m.at)
						if !ok {
							continue
						}
						a, b = append(a, m.value), append(b, v)
						worse := usual / v
						if micro == latency {
							worse = v / usual
						}
						if m.value <= low {
							slow = append(slow, worse)
						} else {
							others = append(others, worse)
						}
					}
				}
				rho := spearman(a, b)
				if want, ok := facts[size+" "+app+micro]; ok {
					if compared++; math.Abs(rho-want) > 0.05 {
						t.Errorf("%s: Spearman of %s with %s is %.3f, the description says %.2f", size, app, micro, rho, want)
					}
				}
				fmt.Fprintf(&line, "  %s %.2f (rho %+.2f)", label(micro), above(slow, others), rho)
			}
			t.Logf("%-6s %-10.10s%s", size, app, line.String())
		}
	}
	if compared != len(facts) {
		t.Errorf("%d of %d correlations compared", compared, len(facts))
	}
}

func values(list []measurement) []float64 {
	v := make([]float64, len(list))
	for i := range list {
		v[i] = list[i].value
	}
	return v
}

func label(micro string) string {
	return map[string]string{bandwidth: "bandwidth", latency: "memory latency", copying: "copying", cache: "cache", sysbench: "CPU"}[micro]
}
