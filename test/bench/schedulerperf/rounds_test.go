package schedulerperf

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/component-base/metrics"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	perf "k8s.io/kubernetes/test/integration/scheduler_perf"

	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// The profiles that are compared, by the labels of performance-config.yaml.
const (
	stock   = "stock"
	ballast = "ballast"
)

// results is the folder for what scheduler_perf writes: every figure, and the logs of a measurement that failed.
const results = "../../../out/bench-scheduler"

// size is a cluster that both profiles are measured in.
type size struct {
	// nodes select the workload of performance-config.yaml, measured is how many pods it measures.
	nodes, measured int
	// gate is the least median of the ratios of pods a second; 0 for none.
	gate float64
}

func (s size) measure(b *testing.B) {
	model, err := modelOf200()
	if err != nil {
		b.Fatal(err)
	}
	var all []round
	for i := range *rounds {
		order := []string{stock, ballast}
		if i%2 == 1 {
			order = []string{ballast, stock} // what a machine does to who comes first, or second, evens out
		}
		figures := map[string]figures{}
		for _, profile := range order {
			b.Run(fmt.Sprintf("round=%d/%s", i+1, profile), func(b *testing.B) {
				figures[profile] = newArm(profile, model).measure(b, s)
			})
		}
		all = append(all, round{stock: figures[stock], ballast: figures[ballast]})
	}
	if b.Failed() || len(all) == 0 {
		return
	}
	fmt.Printf("%d nodes:\n%s\n", s.nodes, table(all))
	ratio := median(all, round.ratio)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ratio, "ratio")
	if ratio < s.gate {
		b.Errorf("Ballast places %.3f times as many pods a second as stock at %d nodes, want at least %.2f", ratio, s.nodes, s.gate)
	}
}

// arm is one measurement of one profile.
type arm struct {
	profile  string
	model    *interference.Model
	metrics  *interferencefit.Metrics
	registry metrics.KubeRegistry
	// dir is where results go. work is what the process did while the pods were measured.
	dir  string
	work work
}

func newArm(profile string, model *interference.Model) *arm {
	// Not in the registry of the process: scheduler_perf empties that one before it returns.
	a := &arm{profile: profile, model: model, metrics: interferencefit.NewMetrics(), registry: metrics.NewKubeRegistry()}
	a.registry.MustRegister(a.metrics.Collectors()...)
	return a
}

// measure runs the profile's workload of that size.
func (a *arm) measure(b *testing.B, s size) figures {
	b.Helper()
	a.dir = filepath.Join(results, fmt.Sprintf("%dnodes", s.nodes), filepath.Base(filepath.Dir(b.Name())), a.profile)
	if err := os.RemoveAll(a.dir); err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(a.dir, 0o750); err != nil {
		b.Fatal(err)
	}
	if err := flag.Set("data-items-dir", a.dir); err != nil {
		b.Fatal(err)
	}
	b.Setenv("ARTIFACTS", a.dir) // else the whole log is printed among the results
	perf.PerfSchedulingLabelFilter = fmt.Sprintf("%s,%dnodes", a.profile, s.nodes)
	perf.RunBenchmarkPerfScheduling(b, "performance-config.yaml", a.profile,
		frameworkruntime.Registry{interferencefit.Name: interferencefit.Factory(a.metrics)},
		perf.WithPrepareFn(a.prepare), perf.WithNodeUpdateFn(a.mark))
	if b.Failed() {
		return figures{}
	}
	if a.profile == ballast {
		a.checkScored(b, s.measured)
	}
	f, err := readFigures(a.dir)
	if err != nil {
		b.Fatal(err)
	}
	f.cpu = a.work.seconds * 1000 / float64(s.measured)
	return f
}

// checkScored fails unless every measured pod was placed by prediction, after its nodes were scored.
func (a *arm) checkScored(b *testing.B, measured int) {
	b.Helper()
	samples, err := a.samples()
	if err != nil {
		b.Fatal(err)
	}
	if scored := samples["decisions_total active scored"]; scored != float64(measured) {
		b.Errorf("of %d measured pods %v were placed by scores of InterferenceFit, want all; the plugin's metrics: %v", measured, scored, samples)
	}
}

// samples are the plugin's counters and gauges, by name without prefix and label values without the profile's.
func (a *arm) samples() (map[string]float64, error) {
	families, err := a.registry.Gather()
	if err != nil {
		return nil, fmt.Errorf("reading the plugin's metrics: %w", err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()[len("scheduler_interferencefit_"):]
			for _, label := range []string{"reason", "result", "mode", "basis"} {
				for _, pair := range m.GetLabel() {
					if pair.GetName() == label {
						name += " " + pair.GetValue()
					}
				}
			}
			values[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return values, nil
}
