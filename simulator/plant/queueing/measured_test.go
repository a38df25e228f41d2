package queueing

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// measured reads a CSV of published measurements, which stand outside the project, without its head.
func measured(t *testing.T, file ...string) [][]string {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(append([]string{root}, file...)...))
	if err != nil {
		t.Skipf("published measurements not found: %v; set BALLAST_DATA to the folder that holds %s/", err, file[0])
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func median(x []float64) float64 {
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

var (
	endpoints   = []string{"home", "user", "compose"}
	percentiles = []float64{0.5, 0.75, 0.9, 0.99}
)

// curve is what was measured at one load, or simulated: rates, and percentiles of latency in ms, by endpoint.
type curve struct {
	rate    [3]float64
	latency [3][4]float64
}

// socialNetwork returns the medians of the ten repeats of 20 minutes at a load. One repeat at 700 requests a second, baseline_700_2, broke
// down (p90 of 6 s); the median passes it over.
func socialNetwork(t *testing.T, load string) curve {
	t.Helper()
	var c curve
	rows := measured(t, "gamma-loadcurves", "loadcurves.csv")
	for i, endpoint := range endpoints {
		var rates []float64
		var latencies [4][]float64
		for _, row := range rows {
			if strings.HasPrefix(row[0], "baseline_"+load+"_") && row[2] == endpoint {
				rates = append(rates, number(t, row[3]))
				for j := range percentiles {
					latencies[j] = append(latencies[j], number(t, row[6+j]))
				}
			}
		}
		if len(rates) != 10 {
			t.Fatalf("%d repeats of %s at %s, want 10", len(rates), endpoint, load)
		}
		c.rate[i] = median(rates)
		for j := range percentiles {
			c.latency[i][j] = median(latencies[j])
		}
	}
	return c
}

// simulateSocialNetwork runs a reduced Social Network: per endpoint a service of its own and a constant time without CPU (network, caches,
// databases, the services that are not near their limit), then a service that all three share, as they do post storage. Each has one
// pod of two cores, which was its limit. Eight parameters, fitted to the 24 measured percentiles at 600 and 700 requests a second by a pattern
// search on the sum of squared logarithms; nothing is fitted to 800.
func simulateSocialNetwork(t *testing.T, rate [3]float64, duration float64) curve {
	t.Helper()
	const cv, shared = 1.245, 0.0020
	ownWork, elsewhere := [3]float64{0.002592, 0.004077, 0.000487}, [3]float64{0.009353, 0.016768, 0.015169}
	law := func(mean float64) servicegraph.Law {
		return servicegraph.Law{Kind: servicegraph.Gamma, MeanSeconds: mean, CV: cv}
	}
	cfg := Config{Seed: 7, Application: servicegraph.Application{Services: []servicegraph.Service{{Name: "post"}}}, Machines: []park.MachineSpec{{Name: "post", Cores: 2}}}
	for i, name := range endpoints {
		cfg.Application.Services = append(cfg.Application.Services, servicegraph.Service{Name: name})
		cfg.Machines = append(cfg.Machines, park.MachineSpec{Name: name, Cores: 2})
		root := call(name, servicegraph.Stage{Work: law(ownWork[i]), Wait: seconds(elsewhere[i]), Calls: []servicegraph.Call{call("post", work(law(shared)))}})
		cfg.Application.Operations = append(cfg.Application.Operations, servicegraph.Operation{Name: name, Patterns: []servicegraph.Pattern{{Share: 1, Root: root}}})
		cfg.Loads = append(cfg.Loads, Load{name, arrival.Rates{StepSeconds: 1, PerSecond: []float64{rate[i]}, Repeat: true}})
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range cfg.Machines {
		mustAdd(t, s, PodSpec{Service: m.Name, Machine: m.Name, RequestCores: 0.25, Started: true})
	}
	mustAdvance(t, s, 5)
	before := s.Operations()
	mustAdvance(t, s, 5+duration)
	var c curve
	for i, o := range s.Operations() {
		h := o.Latency.Since(before[i].Latency)
		c.rate[i] = float64(h.Count()) / duration
		for j, p := range percentiles {
			c.latency[i][j] = 1000 * h.Quantile(p)
		}
	}
	return c
}

// The plant, fitted at 600 and 700, against what was measured at 800 requests a second: p50, p75 and p90 within 10 %, p99 within 40 % (a
// percentile that doubles between 700 and the saturation that the fit implies near 1,000). The growth of every percentile from 600 to 800 has the order
// that was measured: the higher, the faster.
func TestSocialNetworkLoadCurves(t *testing.T) {
	t.Parallel()
	sims := map[string]curve{}
	for _, c := range []struct {
		load       string
		body, tail float64 // largest relative errors allowed, of p50 to p90 and of p99
	}{{"600", 0.07, 0.12}, {"700", 0.07, 0.12}, {"800", 0.10, 0.40}} {
		want := socialNetwork(t, c.load)
		got := simulateSocialNetwork(t, want.rate, 300)
		sims[c.load] = got
		for i, endpoint := range endpoints {
			var line strings.Builder
			for j, p := range percentiles {
				e := got.latency[i][j]/want.latency[i][j] - 1
				fmt.Fprintf(&line, "  p%.0f %.1f/%.1f ms (%+.0f %%)", 100*p, got.latency[i][j], want.latency[i][j], 100*e)
				allowed := c.body
				if p == 0.99 {
					allowed = c.tail
				}
				if math.Abs(e) > allowed {
					t.Errorf("%s requests/s, %s: p%v is %v ms, measured %v", c.load, endpoint, 100*p, got.latency[i][j], want.latency[i][j])
				}
			}
			t.Logf("%s/s %-7s simulated/measured%s", c.load, endpoint, line.String())
		}
	}
	for i := range endpoints {
		growth := func(j int) float64 { return sims["800"].latency[i][j] / sims["600"].latency[i][j] }
		if !(growth(0) < growth(1) && growth(1) < growth(2) && growth(2) < growth(3)) {
			t.Errorf("%s: percentiles grow by %v, %v, %v and %v from 600 to 800", endpoints[i], growth(0), growth(1), growth(2), growth(3))
		}
	}
	// The knee: the shared pod has 2 cores and needs 2 ms a request, so that it saturates at 1,000 requests a second. At 1,100 the plant serves
	// fewer than are offered; nothing was measured there.
	at800, beyond := socialNetwork(t, "800").rate, [3]float64{}
	for i := range beyond {
		beyond[i] = at800[i] * 1100 / 800
	}
	over := simulateSocialNetwork(t, beyond, 100)
	if served := over.rate[0] + over.rate[1] + over.rate[2]; served > 1040 || over.latency[0][0] < 10*sims["800"].latency[0][0] {
		t.Errorf("beyond saturation %v requests/s are served with a median of %v ms", served, over.latency[0][0])
	}
}

// linkerd returns a percentile as the meter of the measurements gives it: interpolated in its buckets, of which one spans 200 to 300 ms. So a
// value of 295 ms says that nearly all requests lie there, and 257 ms that 88 % lie below 200 ms: it resolves a share, not a latency.
func linkerd(s *Simulation, p float64) float64 {
	bounds := []float64{0, 50, 100, 200, 300, 400, 500, 1000, 2000, 5000}
	counts := make([]float64, len(bounds))
	latency := s.Operations()[0].Latency
	total := float64(latency.Count())
	for _, b := range latency.Buckets() {
		i := max(1, min(len(bounds)-1, 1+slices.IndexFunc(bounds[1:], func(x float64) bool { return (b.Low+b.High)/2*1000 <= x })))
		counts[i] += float64(b.Count)
	}
	var below float64
	for i := 1; i < len(bounds); i++ {
		if below+counts[i] >= p*total {
			return bounds[i-1] + (bounds[i]-bounds[i-1])*(p*total-below)/counts[i]
		}
		below += counts[i]
	}
	return bounds[len(bounds)-1]
}

// One function under CPU limits and cache classes. Two parameters, a median of 193.4 ms of CPU with a CV of 0.028 on one thread, requests far
// apart, are fitted to the meter's readings at 1 core in cache classes 3 and 0; the speed of class 0 is not fitted, it is the ratio of
// instructions per cycle without and with the better class that another day's controller log gives (0.749/0.820). What is then compared is the
// effect of the limit: none above 1 core, and at 0.75 cores, where throttling for 25 ms in each 100 stretches the same work, 295 ms.
func TestFunctionUnderLimitsAndCacheClasses(t *testing.T) {
	t.Parallel()
	readings := map[string][]float64{}
	for _, row := range measured(t, "ido-rdt", "trace_rdt_p95_rdt.csv") {
		if row[4] == "1" { // one replica
			key := row[2] + " cores, class " + row[3]
			readings[key] = append(readings[key], number(t, row[1]))
		}
	}
	for _, c := range []struct {
		limit  float64
		class  string
		speed  float64
		fitted bool
	}{
		{1, "3", 1, true},
		{1, "0", 0.749 / 0.820, true},
		{0.75, "3", 1, false},
		{1.25, "3", 1, false},
		{1.5, "3", 1, false},
		{1.75, "3", 1, false},
		{2, "3", 1, false},
	} {
		limit := strconv.FormatFloat(c.limit, 'f', -1, 64)
		if !strings.Contains(limit, ".") {
			limit += ".0" // as the file writes it
		}
		values := readings[limit+" cores, class "+c.class]
		if len(values) == 0 {
			t.Fatalf("no reading at %v cores in class %s", c.limit, c.class)
		}
		s := single{
			rate: 0.01, cores: 16, law: servicegraph.Law{Kind: servicegraph.LogNormal, MeanSeconds: 0.1934, CV: 0.028}, seed: 3,
			service: servicegraph.Service{Threads: 1},
		}.start(t)
		if err := s.Resize(0, c.limit, c.limit); err != nil {
			t.Fatal(err)
		}
		if err := s.SetSpeed(0, c.speed); err != nil {
			t.Fatal(err)
		}
		mustAdvance(t, s, 400_000)
		got, want := linkerd(s, 0.95), median(values)
		t.Logf("%.2f cores, class %s: p95 %.0f ms, measured %.0f (%+.0f %%), fitted: %v", c.limit, c.class, got, want, 100*(got/want-1), c.fitted)
		if math.Abs(got/want-1) > 0.07 {
			t.Errorf("%v cores, class %s: p95 is %v ms, measured %v", c.limit, c.class, got, want)
		}
	}
}
