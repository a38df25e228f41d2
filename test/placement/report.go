package main

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/ballast-k8s/ballast/test/peers/judge"
)

// row sums up one contestant in one scenario.
type row struct {
	Scenario string `json:"scenario"`
	Name     string `json:"name"`
	Order    order  `json:"order"`
	Batches  int    `json:"batches"`
	// Mean and Median are over batches and seeds of the mean performance a container.
	Mean   float64 `json:"meanThroughput"`
	Median float64 `json:"medianThroughput"`
	// OfBound is the mean of throughput over the published bound, which holds under the measured mixes. 0 where there is no bound.
	OfBound float64 `json:"ofBound"`
	// Within are the mean shares of containers at 0.9, 0.95 and 1 of their performance alone.
	Within [len(judge.Levels)]float64 `json:"within"`
	// Free is the mean number of nodes without containers; Violation the mean weighted violation of Medea's constraints.
	Free      float64 `json:"freeNodes"`
	Violation float64 `json:"violation"`
	// Wall and WallMax are the median and the longest time to decide a batch, in milliseconds.
	Wall    float64 `json:"wallMillisMedian"`
	WallMax float64 `json:"wallMillisMax"`
}

// summarise makes a row of each contestant and scenario, in the order of the results.
func summarise(results []result) []row {
	type key struct {
		scenario, name string
		order          order
	}
	groups := map[key][]result{}
	var keys []key
	for _, r := range results {
		k := key{r.scenario, r.name, r.order}
		if groups[k] == nil {
			keys = append(keys, k)
		}
		groups[k] = append(groups[k], r)
	}
	rows := make([]row, 0, len(keys))
	for _, k := range keys {
		s := row{Scenario: k.scenario, Name: k.name, Order: k.order}
		s.sumUp(groups[k])
		rows = append(rows, s)
	}
	return rows
}

func (s *row) sumUp(results []result) {
	n := float64(len(results))
	var throughputs, walls []float64
	batches := map[int]bool{}
	for _, r := range results {
		batches[r.batch] = true
		s.Mean += r.verdict.Throughput / n
		if r.bound.Throughput > 0 {
			s.OfBound += r.verdict.Throughput / r.bound.Throughput / n
		}
		for level, share := range r.verdict.Within {
			s.Within[level] += share / n
		}
		s.Free += float64(r.verdict.Free) / n
		s.Violation += r.violation / n
		throughputs = append(throughputs, r.verdict.Throughput)
		walls = append(walls, float64(r.wall)/float64(time.Millisecond))
	}
	s.Batches, s.Median, s.Wall, s.WallMax = len(batches), median(throughputs), median(walls), slices.Max(walls)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return (x[len(x)/2] + x[(len(x)-1)/2]) / 2
}

// show prints a table for each scenario, the best first.
func show(w io.Writer, heading string, rows []row) error {
	fmt.Fprintln(w, heading)
	for from := 0; from < len(rows); {
		to := from
		for to < len(rows) && rows[to].Scenario == rows[from].Scenario {
			to++
		}
		some := slices.Clone(rows[from:to])
		from = to
		slices.SortStableFunc(some, func(a, b row) int { return cmp.Compare(b.Mean, a.Mean) })
		fmt.Fprintf(w, "\n%s (nodes/containers), %d batches\n", some[0].Scenario, some[0].Batches)
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(tw, "scheduler\torder\tmean\tmedian\t% of bound\t≥0.9 %\t≥0.95 %\t≥1 %\tfree nodes\tviolation\tmedian ms\tmax ms\t")
		for _, r := range some {
			fmt.Fprintf(tw, "%s\t%s\t%.4f\t%.4f\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t\n", r.Name, r.Order, r.Mean, r.Median,
				percent(r.OfBound), 100*r.Within[0], 100*r.Within[1], 100*r.Within[2], r.Free, r.Violation, r.Wall, r.WallMax)
		}
		if err := tw.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// percent is a share as a percentage, "-" for none.
func percent(share float64) string {
	if share == 0 {
		return "-"
	}
	return strconv.FormatFloat(100*share, 'f', 1, 64)
}

// save writes every placement's figures as CSV and the tables as JSON.
func save(folder, heading string, results []result, rows []row) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(map[string]any{"heading": heading, "rows": rows}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "placement.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(folder, "placement.csv"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := writeCSV(f, results); err != nil {
		return err
	}
	return f.Close()
}

func writeCSV(w io.Writer, results []result) error {
	out := csv.NewWriter(w)
	header := []string{
		"scenario", "scheduler", "order", "batch", "seed", "throughput", "bound", "within_090", "within_095", "within_100", "free_nodes",
		"violation", "least_violation", "wall_ms",
	}
	if err := out.Write(header); err != nil {
		return err
	}
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
	for _, r := range results {
		v := r.verdict
		err := out.Write([]string{
			r.scenario, r.name, string(r.order), strconv.Itoa(r.batch), strconv.Itoa(r.seed), number(v.Throughput), number(r.bound.Throughput),
			number(v.Within[0]), number(v.Within[1]), number(v.Within[2]), strconv.Itoa(v.Free), number(r.violation), number(r.bound.Violation),
			number(float64(r.wall) / float64(time.Millisecond)),
		})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
