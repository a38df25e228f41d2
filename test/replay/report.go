package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/test/replay/rates"
	"github.com/ballast-k8s/ballast/test/replay/stockvpa"
)

// objectiveShare is what tuned must reach.
const objectiveShare = hotel.Percentile

// heading says what a table rests on.
func (o *options) heading(sources []string) string {
	signal := ""
	if o.mute {
		signal = ", no latency signal"
	}
	return fmt.Sprintf("VPA %s, defaults but where a setting is named; resizes in place, rule %q; "+
		"trace %s [%s]; %d visitors a node from %d to %d h%s; %d days of history, %d h of warm-up, %d h judged; objective: %g %% within %.0f ms",
		stockvpa.Version, o.rule, o.trace, strings.Join(sources, "; "), o.visitors, visitFrom, visitTo, signal, historyDays, o.warm, o.hours,
		100*hotel.Percentile, 1000*hotel.TargetSeconds)
}

var columns = []string{
	"seed", "arm", "setting", "judged", "within_percent", "violating_minutes", "minutes", "cores", "core_hours", "slack_percent",
	"resizes", "evictions", "deferred", "p99_ms", "p99_median_minute_ms", "p99_worst_minute_ms",
}

func (r *row) cells() []string {
	f := func(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }
	judged, scale, resizes, deferred := "all", 1, strconv.Itoa(r.Resizes), strconv.Itoa(r.Deferred)
	if r.Excerpt {
		judged, scale, resizes, deferred = fmt.Sprintf("1 in %d", every), every, "-", "-"
	}
	return []string{
		strconv.FormatUint(r.Seed, 10), r.Arm, r.Setting, judged, f(100*r.attainment(), 2), strconv.Itoa(r.Violating), strconv.Itoa(r.Minutes),
		f(r.cores(), 2), f(r.requested/60*float64(scale), 1), f(100*r.slack(), 1), resizes, "0", deferred,
		f(1000*r.latency.Quantile(hotel.Percentile), 0), f(1000*rates.Median(r.percentiles), 0), f(1000*r.worst(), 0),
	}
}

// show writes the table, and per arm the means over seeds.
func show(out io.Writer, heading string, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(out, heading)
	_, _ = fmt.Fprintln(w, strings.Join(columns, "\t")+"\t")
	for i := range rows {
		_, _ = fmt.Fprintln(w, strings.Join(rows[i].cells(), "\t")+"\t")
	}
	for _, arm := range []string{"guess", "static", "oracle", "stock", "tuned", "matched", "ballast"} {
		var within, cores, violating []float64
		met := 0
		for i := range rows {
			if r := &rows[i]; r.Arm == arm {
				within, cores = append(within, 100*r.attainment()), append(cores, r.cores())
				violating = append(violating, 100*float64(r.Violating)/float64(r.Minutes))
				if r.met() {
					met++
				}
			}
		}
		if len(cores) > 0 {
			_, _ = fmt.Fprintf(out, "mean %-8s %6.2f %% within, objective met on %d of %d seeds, %5.1f %% of minutes violating, %6.2f cores\n",
				arm, rates.Mean(within), met, len(cores), rates.Mean(violating), rates.Mean(cores))
		}
	}
	return w.Flush()
}

// save writes the rows as CSV and JSON.
func save(folder, heading string, rows []row) error {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // results for all to read
		return err
	}
	table, err := os.Create(filepath.Join(folder, "replay.csv")) //nolint:gosec // the user's folder
	if err != nil {
		return err
	}
	defer func() { _ = table.Close() }()
	w := csv.NewWriter(table)
	_ = w.Write(columns)
	for i := range rows {
		_ = w.Write(rows[i].cells())
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("writing replay.csv: %w", err)
	}
	raw, err := json.MarshalIndent(map[string]any{"conditions": heading, "rows": objects(rows)}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "replay.json"), raw, 0o644) //nolint:gosec // results for all to read
}

// objects are the rows with the columns as keys; numbers where they are.
func objects(rows []row) []map[string]any {
	var out []map[string]any
	for i := range rows {
		object := map[string]any{}
		for j, cell := range rows[i].cells() {
			if x, err := strconv.ParseFloat(cell, 64); err == nil && !math.IsNaN(x) {
				object[columns[j]] = x
			} else {
				object[columns[j]] = cell
			}
		}
		out = append(out, object)
	}
	return out
}
