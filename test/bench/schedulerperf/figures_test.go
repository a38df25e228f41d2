package schedulerperf

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	perf "k8s.io/kubernetes/test/integration/scheduler_perf"

	"github.com/ballast-k8s/ballast/plugins/interferencefit"
)

// figures are what one measurement gives.
type figures struct {
	// throughput is the mean of pods placed a second, over the seconds from the first to the last pod.
	throughput float64
	// cpu is the processor time of scheduler, API server and benchmark for a pod, in ms: what the throughput would be of a machine that does
	// nothing else.
	cpu float64
	// p50 and p99 are of the duration of a pod's scheduling attempt (choice of the node and binding), in ms; the scheduler's histogram
	// interpolates them.
	p50, p99 float64
	// scoring is the mean duration of all plugins' scores for a pod, in ms.
	scoring float64
	// score is the mean duration of InterferenceFit's Score for a pod and a node, in µs, on the clock: it holds what else the cores did.
	score float64
}

// round is one measurement of each profile, one after the other.
type round struct{ stock, ballast figures }

// ratio is how many times as many pods Ballast places a second as stock.
func (r round) ratio() float64 { return r.ballast.throughput / r.stock.throughput }

// perCPU is how many times as many pods Ballast places in a second of processor time.
func (r round) perCPU() float64 { return r.stock.cpu / r.ballast.cpu }

// readFigures reads what scheduler_perf wrote into a folder.
func readFigures(dir string) (figures, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return figures{}, err
	}
	if len(files) != 1 {
		return figures{}, fmt.Errorf("scheduler_perf wrote %d results into %s, want 1", len(files), dir)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		return figures{}, err
	}
	var items perf.DataItems
	if err := json.Unmarshal(content, &items); err != nil {
		return figures{}, fmt.Errorf("reading %s: %w", files[0], err)
	}
	var f figures
	for _, item := range items.DataItems {
		l := item.Labels
		switch l["Metric"] {
		case "SchedulingThroughput":
			f.throughput = item.Data["Average"]
		case "scheduler_scheduling_attempt_duration_seconds":
			if l["result"] == "scheduled" {
				f.p50, f.p99 = item.Data["Perc50"], item.Data["Perc99"]
			}
		case "scheduler_framework_extension_point_duration_seconds":
			if l["extension_point"] == "Score" {
				f.scoring = item.Data["Average"]
			}
		case "scheduler_plugin_execution_duration_seconds":
			if l["plugin"] == interferencefit.Name && l["extension_point"] == "Score" {
				f.score = 1000 * item.Data["Average"]
			}
		}
	}
	if f.throughput <= 0 {
		return figures{}, fmt.Errorf("%s has no throughput: too few pods to last several seconds", files[0])
	}
	return f, nil
}

// median is the median of a figure over the rounds.
func median(rounds []round, of func(round) float64) float64 {
	var values []float64
	for _, r := range rounds {
		values = append(values, of(r))
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// table shows every round, and the medians.
func table(rounds []round) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "round\tstock pods/s\tBallast pods/s\tratio\tstock CPU ms\tBallast CPU\tby CPU\tstock p50 ms\tBallast p50\tstock p99\tBallast p99\tstock scoring ms\tBallast scoring\tScore µs\t")
	columns := []struct {
		format string
		of     func(round) float64
	}{
		{"%.1f", func(r round) float64 { return r.stock.throughput }},
		{"%.1f", func(r round) float64 { return r.ballast.throughput }},
		{"%.3f", round.ratio},
		{"%.2f", func(r round) float64 { return r.stock.cpu }},
		{"%.2f", func(r round) float64 { return r.ballast.cpu }},
		{"%.3f", round.perCPU},
		{"%.2f", func(r round) float64 { return r.stock.p50 }},
		{"%.2f", func(r round) float64 { return r.ballast.p50 }},
		{"%.1f", func(r round) float64 { return r.stock.p99 }},
		{"%.1f", func(r round) float64 { return r.ballast.p99 }},
		{"%.2f", func(r round) float64 { return r.stock.scoring }},
		{"%.2f", func(r round) float64 { return r.ballast.scoring }},
		{"%.2f", func(r round) float64 { return r.ballast.score }},
	}
	line := func(name string, of []round) {
		fmt.Fprint(w, name+"\t")
		for _, c := range columns {
			fmt.Fprintf(w, c.format+"\t", median(of, c.of))
		}
		fmt.Fprintln(w)
	}
	for i, r := range rounds {
		line(fmt.Sprint(i+1), []round{r})
	}
	line("median", rounds)
	_ = w.Flush() // a strings.Builder takes everything
	return text.String()
}
