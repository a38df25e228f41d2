package localize

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/recommender/localize"
)

// view is what `ballast graph localize` prints. Times are milliseconds; null is what cannot be said.
type view struct {
	Request          string        `json:"request"`
	Requests         int           `json:"requests"`
	BaselineRequests int           `json:"baselineRequests"`
	Percentile       float64       `json:"percentile"`
	PercentileMs     *float64      `json:"percentileMs"`
	BaselineMs       *float64      `json:"baselinePercentileMs"`
	MeanBeforeMs     *float64      `json:"meanBeforeMs"` // of the baseline, with the patterns of now
	RiseMs           *float64      `json:"riseMs"`
	Known            float64       `json:"knownPatterns"` // share of the requests whose pattern the baseline has
	Services         []suspectView `json:"services"`
}

// suspectView is one service. Errors are standard errors.
type suspectView struct {
	Service            string   `json:"service"`
	Probability        float64  `json:"probability"`
	Low                float64  `json:"low"` // ends of the 90 % interval
	High               float64  `json:"high"`
	TailShare          *float64 `json:"tailShare"`
	TailShareError     *float64 `json:"tailShareError"`
	VarianceShare      *float64 `json:"varianceShare"`
	VarianceShareError *float64 `json:"varianceShareError"`
	RiseMs             *float64 `json:"riseMs"`
	RiseErrorMs        *float64 `json:"riseErrorMs"`
	OwnMs              *float64 `json:"riseOwnMs"`
	WayMs              *float64 `json:"riseOnTheWayMs"`
	CallsMs            *float64 `json:"riseCommonToItsCallsMs"`
	Drift              *float64 `json:"drift"` // natural logarithm of the time of a call over that in the baseline
	DriftError         *float64 `json:"driftError"`
	P99Ms              *float64 `json:"p99Ms"` // of a call, with the way to it
	BaselineP99Ms      *float64 `json:"baselineP99Ms"`
	Congestion         *float64 `json:"congestion"` // p99 over p50 of a call
	BaselineCongestion *float64 `json:"baselineCongestion"`
	Throttled          *float64 `json:"throttled"`
	Utilisation        *float64 `json:"utilisation"`
	Sentence           string   `json:"sentence"`
}

// view compares the recordings.
func (c *comparison) view(percentile float64, usage bool) *view {
	now := localize.Window{Requests: c.now.requests, Usage: c.now.usage}
	baseline := localize.Window{Requests: c.before.requests, Usage: c.before.usage}
	r := localize.Analyse(now, baseline, len(c.set.Services), percentile)
	v := &view{
		Request: c.request(), Requests: r.Requests, BaselineRequests: r.BaseRequests, Percentile: 100 * percentile,
		PercentileMs: cli.Finite(1e3 * r.Threshold), BaselineMs: cli.Finite(1e3 * r.BaseThreshold), MeanBeforeMs: cli.Finite(1e3 * r.Before),
		RiseMs: cli.Finite(1e3 * r.Rise), Known: r.Matched,
	}
	model := localize.Default(usage)
	names := localize.Names{Services: c.set.Services, Request: v.Request, Baseline: "in the baseline"}
	for _, f := range r.Findings(&model) {
		e := &r.Services[f.Service]
		v.Services = append(v.Services, suspectView{
			Service: c.set.Services[f.Service], Probability: f.Probability, Low: f.Low, High: f.High,
			TailShare: cli.Finite(e.TailShare.Value), TailShareError: cli.Finite(e.TailShare.Error),
			VarianceShare: cli.Finite(e.VarianceShare.Value), VarianceShareError: cli.Finite(e.VarianceShare.Error),
			RiseMs: cli.Finite(1e3 * e.Rise.Value), RiseErrorMs: cli.Finite(1e3 * e.Rise.Error), OwnMs: cli.Finite(1e3 * e.RiseBy.Own),
			WayMs: cli.Finite(1e3 * e.RiseBy.To), CallsMs: cli.Finite(1e3 * e.RiseBy.From), Drift: cli.Finite(e.Drift.Value), DriftError: cli.Finite(e.Drift.Error),
			P99Ms: cli.Finite(1e3 * e.P99), BaselineP99Ms: cli.Finite(1e3 * e.BaseP99), Congestion: cli.Finite(e.Congestion),
			BaselineCongestion: cli.Finite(e.BaseCongestion), Throttled: cli.Finite(e.Usage.Throttled), Utilisation: cli.Finite(e.Usage.Utilisation),
			Sentence: r.Sentence(f.Service, names),
		})
	}
	return v
}

func (v *view) print(w io.Writer, format string) error {
	switch format {
	case "json":
		return cli.JSON(w, v)
	case "csv":
		return v.printCSV(w)
	default:
		return v.printTable(w)
	}
}

func (v *view) printCSV(w io.Writer) error {
	rows := [][]string{{
		"service", "probability", "low", "high", "tail_share", "tail_share_error", "variance_share", "variance_share_error", "rise_ms",
		"rise_error_ms", "drift", "drift_error", "p99_ms", "baseline_p99_ms", "congestion", "baseline_congestion", "throttled", "utilisation",
	}}
	for i := range v.Services {
		s := &v.Services[i]
		row := []string{s.Service}
		for _, x := range []*float64{
			&s.Probability, &s.Low, &s.High, s.TailShare, s.TailShareError, s.VarianceShare, s.VarianceShareError, s.RiseMs, s.RiseErrorMs,
			s.Drift, s.DriftError, s.P99Ms, s.BaselineP99Ms, s.Congestion, s.BaselineCongestion, s.Throttled, s.Utilisation,
		} {
			text := ""
			if x != nil {
				text = strconv.FormatFloat(*x, 'g', 6, 64)
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return csv.NewWriter(w).WriteAll(rows)
}

func (v *view) printTable(w io.Writer) error {
	moved, by := "rose", v.RiseMs
	if by != nil && *by < 0 {
		down := -*by
		moved, by = "fell", &down
	}
	fmt.Fprintf(w, "p%g of %s: %s ms against %s ms in the baseline; the mean %s by %s ms from %s ms\n\n", v.Percentile, v.Request, cli.Tenths(v.PercentileMs),
		cli.Tenths(v.BaselineMs), moved, cli.Tenths(by), cli.Tenths(v.MeanBeforeMs))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "service\tprobability\t90 % interval\tof the tail\tof the variance\tof the mean ms\tp99 of a call ms\tbaseline ms\tp99/p50\tbaseline")
	for i := range v.Services {
		s := &v.Services[i]
		fmt.Fprintf(tw, "%s\t%.2f\t%.2f to %.2f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Service, s.Probability, s.Low, s.High,
			within(s.TailShare, s.TailShareError, 100, " %"), within(s.VarianceShare, s.VarianceShareError, 100, " %"),
			within(s.RiseMs, s.RiseErrorMs, 1, ""), cli.Tenths(s.P99Ms), cli.Tenths(s.BaselineP99Ms), cli.Tenths(s.Congestion), cli.Tenths(s.BaselineCongestion))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	const most = 3
	fmt.Fprintln(w)
	for i := range v.Services[:min(most, len(v.Services))] {
		if i > 0 && v.Services[i].Probability <= 0.5 {
			break
		}
		fmt.Fprintf(w, "%s Probability %.2f (%.2f to %.2f).\n", v.Services[i].Sentence, v.Services[i].Probability, v.Services[i].Low, v.Services[i].High)
	}
	return nil
}

// within is a number with half the width of its 90 % interval.
func within(x, standardError *float64, unit float64, suffix string) string {
	if x == nil {
		return "-"
	}
	if standardError == nil {
		return fmt.Sprintf("%.1f%s", unit**x, suffix)
	}
	const normal90 = 1.645
	return fmt.Sprintf("%.1f%s (±%.1f)", unit**x, suffix, unit*normal90**standardError)
}
