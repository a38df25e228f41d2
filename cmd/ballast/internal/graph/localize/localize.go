// Package localize is the verb graph localize: it says which service carries the tail of recorded requests.
package localize

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
	"github.com/ballast-k8s/ballast/recommender/localize"
	"github.com/ballast-k8s/ballast/recommender/telemetry/spanfile"
)

// options are the flags of `ballast graph localize`. from and to are seconds, NaN where they are not given.
type options struct {
	spans, baseline []string
	from, to        string
	metrics, entry  string
	percentile      float64
	output          cli.Format
}

// Command makes the verb.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "localize",
		Short: "Say which service carries the tail of an application's requests, and how likely it is the cause",
		Long: `Say which service carries the tail of the requests of recorded traces, against a baseline in which nothing
was wrong: other files (--baseline), or what began before --from in the same ones.

Every part of a request's critical path belongs to one service, so that the shares of the tail, of the
variance and of the rise over the baseline add up to 100 %. Time on the way to a service counts for it, but
for what all calls of one caller have in common, which counts for the caller. The probability of being the
cause comes from a logistic regression learnt from injected faults; ± and ranges are 90 % intervals.

A metrics file is CSV with the columns time,service,utilisation,throttled: the end of an interval (seconds
as the spans count them, or RFC 3339), the CPU used over the limit, and the share of the scheduler's periods
in which the service was stopped at its limit, either empty if it is not known. Lines count for the window,
or the baseline, in which their time lies.

Exit code 1: no service is more likely the cause than not.`,
		Example: `  ballast graph localize --spans now.json --baseline monday.json
  ballast graph localize --spans traces.json.gz --from 2026-11-21T09:30:00Z --entry "POST /cart"
  ballast graph localize --spans now.csv --baseline before.csv --metrics cpu.csv -o csv`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.spans, "spans", nil, "spans files, separated by commas, in any format of 'ballast graph show'")
	flags.StringSliceVar(&o.baseline, "baseline", nil, "spans files of a time when nothing was wrong")
	flags.StringVar(&o.from, "from", "", "look at requests from then on: RFC 3339, or seconds as the spans count them")
	flags.StringVar(&o.to, "to", "", "look at requests until then")
	flags.StringVar(&o.metrics, "metrics", "", "CSV file with the CPU figures of services")
	flags.StringVar(&o.entry, "entry", "", "look only at requests that come in here: a service, an operation, or both with a space between")
	flags.Float64Var(&o.percentile, "percentile", 90, "percentile of the duration above which requests are the tail; the weights are for 90")
	o.output.Register(cmd, "table", "json", "csv")
	return cmd
}

func (o *options) run(cmd *cobra.Command) error {
	if err := cli.Need(cmd, "spans"); err != nil {
		return err
	}
	if len(o.baseline) == 0 && o.from == "" {
		return cli.Usage("--baseline or --from is required: without a time when nothing was wrong there is nothing to compare with")
	}
	if !(o.percentile >= 50 && o.percentile < 100) {
		return cli.Usage("--percentile is %g, expected 50 to less than 100", o.percentile)
	}
	from, err := instant("--from", o.from, math.Inf(-1))
	if err != nil {
		return cli.Coded(err, cli.ExitUsage)
	}
	to, err := instant("--to", o.to, math.Inf(1))
	if err != nil {
		return cli.Coded(err, cli.ExitUsage)
	}
	if from > to {
		return cli.Usage("--from is %s and --to %s, which is before it", o.from, o.to)
	}
	c := newComparison(o.entry)
	if err := c.read(o, from, to); err != nil {
		return err
	}
	c.describe(cmd.ErrOrStderr())
	if err := c.comparable(); err != nil {
		return err
	}
	usage, err := c.readMetrics(o.metrics)
	if err != nil {
		return err
	}
	v := c.view(o.percentile/100, usage)
	if v.Known < 1 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%.1f %% of the requests make calls as none in the baseline does: they count for the tail and the variance alone\n",
			100*(1-v.Known))
	}
	if err := v.print(cmd.OutOrStdout(), o.output.String()); err != nil {
		return err
	}
	if top := v.Services[0]; top.Probability <= 0.5 {
		return cli.Negative("no service is more likely the cause than not; the first is %s with %.0f %%", top.Service, 100*top.Probability)
	}
	return nil
}

// instant reads a time as seconds.
func instant(what, text string, otherwise float64) (float64, error) {
	if text == "" {
		return otherwise, nil
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(s) {
		return s, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%s is %q, expected a time like 2026-11-21T09:30:00Z or seconds", what, text)
	}
	return float64(at.UnixNano()) / 1e9, nil
}

// recording is requests in the order of their starts.
type recording struct {
	requests []localize.Request
	starts   []float64 // seconds
	entries  counts
	usage    []localize.Usage
}

// comparison is what is read of a window and its baseline.
type comparison struct {
	set         *spanfile.Set
	book        *graphpattern.Book
	match       string
	now, before recording
	entries     counts
	inFiles     counts  // also of what is not looked at
	first, last float64 // start of any request in the files, seconds
	repairs     callgraph.Repairs
}

func newComparison(entry string) *comparison {
	return &comparison{
		set: spanfile.New(spanfile.DefaultLimits()), book: graphpattern.New(), match: entry, entries: counts{}, inFiles: counts{},
		now: recording{entries: counts{}}, before: recording{entries: counts{}}, first: math.Inf(1), last: math.Inf(-1),
	}
}

// read reads all files. What began before from is the baseline, unless that has files of its own.
func (c *comparison) read(o *options, from, to float64) error {
	err := c.readFiles(o.spans, func(start float64) *recording {
		switch {
		case start >= from && start <= to:
			return &c.now
		case start < from && len(o.baseline) == 0:
			return &c.before
		default:
			return nil
		}
	})
	if err == nil {
		err = c.readFiles(o.baseline, func(float64) *recording { return &c.before })
	}
	c.now.sort()
	c.before.sort()
	return err
}

// readFiles adds the requests of files to the recordings that their starts belong to.
func (c *comparison) readFiles(paths []string, to func(start float64) *recording) error {
	first := len(c.set.Traces)
	for _, path := range paths {
		b, err := cli.ReadFile(path)
		if err != nil {
			return err
		}
		if err := c.set.Read(path, b); err != nil {
			return err
		}
	}
	for _, spans := range c.set.Traces[first:] {
		tree, repairs := callgraph.Build(spans)
		c.repairs.Add(repairs)
		entries := tree.Requests()
		for _, entry := range entries {
			c.inFiles[c.entry(spans[entry].Service, spans[entry].Operation)]++
			start := float64(spans[entry].Start) / 1e9
			c.first, c.last = min(c.first, start), max(c.last, start)
		}
		if c.match != "" {
			entries = tree.Entries(c.matches)
		}
		for _, entry := range entries {
			calls := tree.Calls(entry)
			start := float64(calls[0].Start) / 1e9
			if r := to(start); r != nil {
				r.requests = append(r.requests, localize.Request{Pattern: c.book.Add(calls), Edges: callgraph.Edges(calls)})
				r.starts = append(r.starts, start)
				name := c.entry(calls[0].Service, calls[0].Operation)
				r.entries[name]++
				c.entries[name]++
			}
		}
	}
	return nil
}

// entry names an operation of a service.
func (c *comparison) entry(service int, operation string) string {
	return c.set.Services[service] + " " + operation
}

func (c *comparison) matches(s callgraph.Span) bool {
	service := c.set.Services[s.Service]
	return s.Kind != callgraph.Client && slices.Contains([]string{service, s.Operation, service + " " + s.Operation}, c.match)
}

// sort puts the requests in the order of their starts.
func (r *recording) sort() {
	order := make([]int, len(r.starts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case r.starts[a] < r.starts[b]:
			return -1
		case r.starts[a] > r.starts[b]:
			return 1
		default:
			return 0
		}
	})
	requests, starts := make([]localize.Request, len(order)), make([]float64, len(order))
	for i, k := range order {
		requests[i], starts[i] = r.requests[k], r.starts[k]
	}
	r.requests, r.starts = requests, starts
}

// describe says what was read, and what was wrong with it.
func (c *comparison) describe(w io.Writer) {
	entries := "entries"
	if len(c.entries) == 1 {
		entries = "entry"
	}
	fmt.Fprintf(w, "%d requests, %d in the baseline, of %d %s\n", len(c.now.requests), len(c.before.requests), len(c.entries), entries)
	if c.set.Dropped.Total() > 0 {
		fmt.Fprintf(w, "spans dropped: %v\n", c.set.Dropped)
	}
	if c.repairs != (callgraph.Repairs{}) {
		fmt.Fprintf(w, "spans repaired: %v\n", c.repairs)
	}
}

// request is what sentences call the requests.
func (c *comparison) request() string {
	if len(c.entries) == 1 {
		for name := range c.entries {
			return strings.TrimSpace(name)
		}
	}
	if c.match != "" {
		return c.match
	}
	return "all requests"
}
