package status

import (
	"math"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/sizing"
)

// Collector shows the last round's reports as metrics. Series are by object, and go with it; there are at most maxShown workloads.
type Collector struct {
	target, predicted, observed, attainment, blind, age *prometheus.Desc
	phase, cores, stock, slowdown                       *prometheus.Desc

	mu      sync.Mutex
	reports []objectives.Report
}

// maxShown bounds the workloads shown, seven series each.
const maxShown = 2000

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns a collector whose series begin with the namespace.
func NewCollector(namespace string) *Collector {
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, append([]string{"namespace", "objective"}, more...), nil)
	}
	return &Collector{
		target:     desc("objective_target_seconds", "The latency within which the objective's share of requests is to be answered."),
		predicted:  desc("objective_predicted_seconds", "Percentile expected at the recommended requests; absent while blind."),
		observed:   desc("objective_observed_seconds", "Percentile of the last window; absent while blind or with too few requests."),
		attainment: desc("objective_attainment_ratio", "Share of requests within the target over the objective's window; absent without requests."),
		blind:      desc("objective_blind", "1 if nothing can be said about the objective now, for the reason; else 0.", "reason"),
		age:        desc("objective_telemetry_age_seconds", "Age of the entry's newest telemetry at the last round; absent if there never was any."),
		phase:      desc("workload_phase", "1 for where the workload is (Objective, Holding, SteppingDown, Stock), else 0.", "workload", "phase"),
		cores:      desc("workload_target_cores", "What the objective gives all pods of the workload together; in shadow, what it would.", "workload"),
		stock:      desc("workload_stock_cores", "What the stock recommender would give all pods of the workload together.", "workload"),
		slowdown:   desc("workload_slowdown_ratio", "By how much neighbours make instructions of the workload's pods slower; 1 = none is known.", "workload"),
	}
}

// Show replaces what is shown.
func (c *Collector) Show(reports []objectives.Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports = reports
}

// Describe lists the series.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.target, c.predicted, c.observed, c.attainment, c.blind, c.age, c.phase, c.cores, c.stock, c.slowdown} {
		ch <- d
	}
}

// Collect writes the last round's reports.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := maxShown
	for i := range c.reports {
		r := &c.reports[i]
		if i < maxShown {
			c.collectObjective(ch, r)
		}
		for j := range r.Workloads {
			if left--; left >= 0 {
				c.collectWorkload(ch, r, &r.Workloads[j])
			}
		}
	}
}

func (c *Collector) collectObjective(ch chan<- prometheus.Metric, r *objectives.Report) {
	d := &r.Decision
	show := func(desc *prometheus.Desc, value float64, known bool, more ...string) {
		if known && !math.IsNaN(value) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{r.Objective.Namespace, r.Objective.Name}, more...)...)
		}
	}
	blind := 0.0
	if d.Blind {
		blind = 1
	}
	show(c.target, r.Objective.Spec.Target.Seconds(), true)
	show(c.predicted, d.Predicted.Value, !d.Blind)
	show(c.observed, d.Observed.Value, !d.Blind && d.Observed.Value > 0)
	show(c.attainment, d.Attainment, d.Requests > 0)
	show(c.blind, blind, true, d.BlindReason)
	show(c.age, r.TelemetryAge, true)
}

func (c *Collector) collectWorkload(ch chan<- prometheus.Metric, r *objectives.Report, w *objectives.WorkloadReport) {
	show := func(desc *prometheus.Desc, value float64, more ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{r.Objective.Namespace, r.Objective.Name, w.Name}, more...)...)
	}
	for _, phase := range []sizing.Phase{sizing.PhaseObjective, sizing.PhaseHolding, sizing.PhaseStepping, sizing.PhaseStock} {
		value := 0.0
		if phase == w.Phase {
			value = 1
		}
		show(c.phase, value, string(phase))
	}
	target := w.Target
	if w.Allocation != nil {
		target = w.Allocation.Target
		show(c.slowdown, w.Allocation.Disturbance)
	}
	show(c.cores, target*float64(w.Pods))
	show(c.stock, w.Stock*float64(w.Pods))
}
