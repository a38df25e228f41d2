package isolation

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// SoonSeconds is within how long slack is to be back.
const SoonSeconds = 10

// GoodShare is how much of the best static setting's work is to be done.
const GoodShare = 0.9

// MostTurns is how many turns in eight minutes are no oscillation: a knob that is tried and taken back once.
const MostTurns = 2

// Summary of one policy in some scenarios.
type Summary struct {
	Runs int
	// Soon is how many recovered in time, Median and Worst the seconds it took.
	Soon          int
	Median, Worst float64
	// Violation is the mean share of seconds over target, WorstViolation the largest.
	Violation, WorstViolation float64
	// Still is how many did not oscillate; MeanTurns, MeanChanges are means.
	Still                  int
	MeanTurns, MeanChanges float64
	// Good is how many did enough batch work, Share the mean and LeastShare the least; a share above 1 was had at the services' expense, or
	// by following what a static setting cannot.
	Good              int
	Share, LeastShare float64
	// Fair is the mean share of the work of the best static setting that meets the targets under noise, FairGood how many reach GoodShare of
	// it; of runs where it was looked for.
	Fair     float64
	FairGood int
}

// Summarize puts results together.
func Summarize(results []*Result) Summary {
	s := Summary{Runs: len(results), LeastShare: math.Inf(1)}
	var recoveries []float64
	n := float64(len(results))
	for _, r := range results {
		recoveries = append(recoveries, r.Recovery)
		if r.Recovery <= SoonSeconds {
			s.Soon++
		}
		if r.Turns <= MostTurns {
			s.Still++
		}
		if r.Share() >= GoodShare {
			s.Good++
		}
		s.Violation += r.Violation / n
		s.WorstViolation = math.Max(s.WorstViolation, r.Violation)
		s.MeanTurns += float64(r.Turns) / n
		s.MeanChanges += float64(r.Changes) / n
		s.Share += r.Share() / n
		s.LeastShare = math.Min(s.LeastShare, r.Share())
		if r.RobustWork > 0 {
			s.Fair += r.Work / r.RobustWork / n
			if r.Work >= GoodShare*r.RobustWork {
				s.FairGood++
			}
		}
	}
	slices.Sort(recoveries)
	if len(recoveries) > 0 {
		s.Median, s.Worst = recoveries[(len(recoveries)-1)/2], recoveries[len(recoveries)-1]
	}
	return s
}

// Row labels a summary.
type Row struct {
	Labels  []string
	Summary Summary
}

// Write prints rows as an aligned table: seconds of recovery, per cent of seconds over target, turns, work over the best static setting's, and over
// that of the best which meets the targets under noise (fair).
func Write(out io.Writer, labels []string, rows []Row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "%s\truns\t≤%d s\tmedian\tworst\tover %%\tworst\t≤%d turns\tmean\tchanges\tshare ≥%g\tmean\tleast\tfair ≥%g\tmean\t\n",
		strings.Join(labels, "\t"), SoonSeconds, MostTurns, GoodShare, GoodShare)
	for _, r := range rows {
		s := r.Summary
		fmt.Fprintf(w, "%s\t%d\t%d\t%.0f\t%.0f\t%.1f\t%.1f\t%d\t%.1f\t%.1f\t%d\t%.2f\t%.2f\t%d\t%.2f\t\n", strings.Join(r.Labels, "\t"), s.Runs, s.Soon,
			s.Median, s.Worst, 100*s.Violation, 100*s.WorstViolation, s.Still, s.MeanTurns, s.MeanChanges, s.Good, s.Share, s.LeastShare, s.FairGood, s.Fair)
	}
	return w.Flush()
}
