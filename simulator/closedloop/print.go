package closedloop

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/closedloop/isolation"
)

// nameWidth is that of the longest name in the table.
const nameWidth = 34

// Print writes the table that the second half ends with.
func (r *Result) Print(w io.Writer) error {
	fmt.Fprintf(w, "\nThe closed loop: a hotel site of 8 services, an hour in two arms at once, %g times as fast as the clock (F = %g).\n",
		r.Speedup, r.Speedup)
	fmt.Fprintln(w, "The nodes are simulated, and so is what runs on them: requests queue and share CPU on a plant. API server, schedulers, recommenders,")
	fmt.Fprintln(w, "updater and metrics-server are real.")
	fmt.Fprintf(w, "Target: %.0f %% of %s within %.0f ms. Load: %s, %.0f requests/s in the mean. Seed %d. VPA %s.\n",
		100*r.Percentile, r.Entry, 1000*r.TargetSeconds, r.Load, r.MeanRate, r.Seed, r.VPA)
	fmt.Fprintf(w, "Neighbours: %s.\n\n", r.Truth)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range r.Table() {
		row[0] = fmt.Sprintf("%-*s", nameWidth, row[0]) // names to the left, figures to the right
		fmt.Fprintln(tw, strings.Join(row, "\t")+"\t")
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, sentence := range r.Reading() {
		fmt.Fprintln(w, sentence)
	}
	for i := range r.Arms {
		if err := isolation.Print(w, r.Arms[i].Divided); err != nil {
			return err
		}
	}
	return nil
}

// Table is the table: in each row a name and the figure of each arm, the arms' names first.
func (r *Result) Table() [][]string {
	var table [][]string
	for _, line := range append([]line{{"", func(a *Arm) string { return a.Name }}}, r.rows()...) {
		row := []string{line.name}
		for i := range r.Arms {
			row = append(row, line.value(&r.Arms[i]))
		}
		table = append(table, row)
	}
	return table
}

// line is a line of the table.
type line struct {
	name  string
	value func(a *Arm) string
}

// rows are the lines of the table.
func (r *Result) rows() []line {
	count := func(f func(a *Arm) int) func(a *Arm) string { return func(a *Arm) string { return strconv.Itoa(f(a)) } }
	cores := func(f func(a *Arm) float64) func(a *Arm) string {
		return func(a *Arm) string { return fmt.Sprintf("%.2f", f(a)) }
	}
	return []line{
		{"requests of the entry", func(a *Arm) string { return strconv.FormatUint(a.Requests, 10) }},
		{"within the target", func(a *Arm) string { return percent(a.Within) }},
		{"p99 of the hour, ms", func(a *Arm) string { return fmt.Sprintf("%.0f", 1000*a.P99) }},
		{"p99 of the worst minute, ms", func(a *Arm) string { return fmt.Sprintf("%.0f", 1000*a.WorstP99) }},
		{"minutes with p99 over the target", count(func(a *Arm) int { return a.MinutesOver })},
		{"CPU requested, cores", cores(func(a *Arm) float64 { return a.RequestedCores })},
		{"CPU used, cores", cores(func(a *Arm) float64 { return a.UsedCores })},
		{"requested and not used, cores", cores(func(a *Arm) float64 { return a.RequestedCores - a.UsedCores })},
		{"CPU of batch work, cores", cores(func(a *Arm) float64 { return a.BatchUsedCores })},
		{"pods beside streaming batch work", func(a *Arm) string { return fmt.Sprintf("%d of %d", a.Beside, a.Pods) }},
		{"resizes in place", count(func(a *Arm) int { return a.Resizes })},
		{"resizes that had to wait", count(func(a *Arm) int { return a.Deferred })},
		{"evictions / restarts", func(a *Arm) string { return fmt.Sprintf("%d / %d", a.Evictions, a.Restarts) }},
		{"nodes requested", func(a *Arm) string { return percent(a.Fill) }},
		{"time with all nodes 95 % requested", func(a *Arm) string { return percent(a.Full) }},
		{"clock behind at most / put back, s", func(a *Arm) string { return fmt.Sprintf("%.2f / %.2f", a.MaxLag, a.Slipped) }},
	}
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

// Reading is what is to be seen, in sentences, whoever does better.
func (r *Result) Reading() []string {
	if len(r.Arms) != 2 {
		return nil
	}
	stock, ours := &r.Arms[0], &r.Arms[1]
	out := []string{
		r.readObjective(stock, ours),
		readCPU(stock, ours),
	}
	if d := ours.MinutesOver - stock.MinutesOver; d > 0 {
		out = append(out, fmt.Sprintf("Minute by minute %s is worse: its p99 is over the target in %d of %d minutes, that of %s in %d.",
			ours.Name, ours.MinutesOver, hourMinutes, stock.Name, stock.MinutesOver))
	}
	out = append(out, fmt.Sprintf("%s placed %d of %d pods beside batch work that streams through memory, %s %d of %d.",
		ours.Name, ours.Beside, ours.Pods, stock.Name, stock.Beside, stock.Pods))
	if n := r.blindMinutes(); n > 0 {
		out = append(out, fmt.Sprintf("%s was blind in %d of the %d minutes that count; it holds or gives stock recommendations then.",
			ours.Name, n, hourMinutes))
	}
	if slip := max(stock.Slipped, ours.Slipped); slip > 0 {
		out = append(out, fmt.Sprintf("The machine was too slow for F = %g: the clock was put back by up to %.1f s; a lower --speedup is fairer to both.",
			r.Speedup, slip))
	}
	return out
}

func (r *Result) readObjective(stock, ours *Arm) string {
	met := func(a *Arm) bool { return a.Within >= r.Percentile }
	figures := fmt.Sprintf("%s answered %s within %.0f ms, %s %s",
		stock.Name, percent(stock.Within), 1000*r.TargetSeconds, ours.Name, percent(ours.Within))
	switch {
	case met(stock) && met(ours):
		return "Both met the objective: " + figures + "."
	case met(ours):
		return fmt.Sprintf("Only %s met the objective: %s.", ours.Name, figures)
	case met(stock):
		return fmt.Sprintf("Only %s met the objective; %s missed it: %s.", stock.Name, ours.Name, figures)
	default:
		return "Neither met the objective: " + figures + "."
	}
}

// readCPU compares what the requests cost.
func readCPU(stock, ours *Arm) string {
	if stock.RequestedCores == 0 {
		return "No CPU was requested."
	}
	change := 100 * (ours.RequestedCores/stock.RequestedCores - 1)
	word := "more"
	if change < 0 {
		word, change = "less", -change
	}
	return fmt.Sprintf("%s requested %.2f cores in the mean, %.1f %% %s than %s's %.2f; its pods used %.2f, those of %s %.2f.",
		ours.Name, ours.RequestedCores, change, word, stock.Name, stock.RequestedCores, ours.UsedCores, stock.Name, stock.UsedCores)
}

// blindMinutes counts the looks at the objective, one a minute, that found it blind in the hour.
func (r *Result) blindMinutes() int {
	n := 0
	for _, s := range r.Standing {
		if s.Blind && s.Seconds >= float64(r.WarmUpMinutes*minuteSeconds) {
			n++
		}
	}
	return n
}

// Conditions are those of the objective at the end, in their usual order.
func (r *Result) Conditions() []string {
	var out []string
	for _, kind := range []string{v1alpha1.ConditionMet, v1alpha1.ConditionAtRisk, v1alpha1.ConditionInfeasible, v1alpha1.ConditionBlind} {
		if c := meta.FindStatusCondition(r.Objective.Conditions, kind); c != nil {
			out = append(out, fmt.Sprintf("%s: %s (%s) %s", c.Type, c.Status, c.Reason, c.Message))
		}
	}
	return slices.Clip(out)
}
