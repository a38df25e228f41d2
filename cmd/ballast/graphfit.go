package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/application/learn"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/recommender/telemetry/spanfile"
)

// fitOptions are the flags of `ballast graph fit`.
type fitOptions struct {
	spans, usage []string
	window       time.Duration
	sampled      float64
	out          string
	output       outputFormat
}

func newGraphFitCommand() *cobra.Command {
	var o fitOptions
	cmd := &cobra.Command{
		Use:   "fit",
		Short: "Fit an application: its services' latency laws and the patterns of calls of its requests",
		Long: `Fit an application to recorded traces and write it to a file, for 'ballast allocate'.

Every window gives each service's mean time of a call and its calls per second. With CPU figures (--usage) the
law says what more or less CPU does to that time; without, half of the time is taken for CPU work, and what is
predicted from it has a wide interval. Usage is CSV with the columns time,service,pods,cpu_m,obtainable_m: the
middle of an interval (unix seconds or RFC 3339, on the spans' clock), the number of pods, the millicores that
all of them used together, and those that one of them could obtain: its limit, or without one its request's
share of a busy node.

The table shows the laws, the patterns, and how good the percentiles are that were predicted for windows which
had no part in the fit: from load and CPU, and with each service's mean time in the window given, which leaves
patterns and the spread of times to be wrong.`,
		Example: `  ballast graph fit --spans traces.json --usage cpu.csv --out shop.json
  ballast graph fit --spans monday.csv.gz,tuesday.csv.gz --sampled 0.1 --out shop.json
  ballast allocate --app shop.json --objective checkout.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "spans", "out"); err != nil {
				return err
			}
			if o.window < time.Second || o.window > 24*time.Hour {
				return usageError("--window is %v, expected 1s to 24h, such as 60s", o.window)
			}
			if !(o.sampled > 0 && o.sampled <= 1) {
				return usageError("--sampled is %v, expected the share of requests that have spans, above 0 and up to 1", o.sampled)
			}
			return o.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.spans, "spans", nil, "spans files, separated by commas, in any format of 'ballast graph show'")
	flags.StringSliceVar(&o.usage, "usage", nil, "CSV files with the CPU figures of services")
	flags.DurationVar(&o.window, "window", time.Minute, "length of a window")
	flags.Float64Var(&o.sampled, "sampled", 1, "share of all requests that have spans")
	flags.StringVar(&o.out, "out", "", "application file to write")
	o.output.register(cmd, "table", "json")
	return cmd
}

func (o *fitOptions) run(out, messages io.Writer) error {
	bar := newProgress(messages)
	defer bar.close()
	set := spanfile.New(spanfile.DefaultLimits())
	for i, path := range o.spans {
		bar.show("reading spans", i, len(o.spans))
		b, err := readFile(path)
		if err != nil {
			return err
		}
		if err := set.Read(path, b); err != nil {
			return err
		}
	}
	learner := learn.New(set.Services, o.window.Seconds(), o.sampled)
	first, last, err := o.observe(learner, set.Services)
	if err != nil {
		return err
	}
	for i, spans := range set.Traces {
		bar.show("reading requests", i, len(set.Traces))
		learner.Add(spans)
	}
	if learner.Requests == 0 {
		return negative("no requests in %d traces: every span was dropped", learner.Traces)
	}
	bar.show("fitting", 0, 1+learn.Folds)
	document, checks, err := learner.Document(func(done int) { bar.show("fitting", done, 1+learn.Folds) })
	if err != nil {
		return err
	}
	bar.close()
	if err := o.write(document); err != nil {
		return err
	}
	fmt.Fprintf(messages, "%d traces with %d spans, %d requests in %d windows; written to %s\n", learner.Traces, set.Spans, learner.Requests,
		len(learner.Windows()), o.out)
	if set.Dropped.Total() > 0 {
		fmt.Fprintf(messages, "spans dropped: %v\n", set.Dropped)
	}
	if learner.Repairs != (callgraph.Repairs{}) {
		fmt.Fprintf(messages, "spans repaired: %v\n", learner.Repairs)
	}
	if windows := learner.Windows(); len(o.usage) > 0 && !slices.ContainsFunc(document.Services, usable) {
		fmt.Fprintf(messages, "no CPU figures at the time of the spans: these are from %.0f to %.0f s, those from %.0f to %.0f s; are the clocks the same?\n",
			learner.Begin(windows[0]), learner.Begin(windows[len(windows)-1]+1), first, last)
	}
	v := newFitView(&document, checks, learner)
	return v.print(out, o.output.value)
}

// usable says whether a service's law rests on CPU figures.
func usable(s application.Service) bool {
	return s.Kind == application.Measured || s.Kind == application.Steady
}

// observe reads the CPU figures, and returns the first and the last time of them, seconds.
func (o *fitOptions) observe(learner *learn.Learner, services []string) (first, last float64, err error) {
	first, last = math.Inf(1), math.Inf(-1)
	for _, path := range o.usage {
		rows, err := readUsage(path, services)
		if err != nil {
			return 0, 0, err
		}
		for _, u := range rows {
			learner.Observe(u)
			first, last = min(first, u.Time), max(last, u.Time)
		}
	}
	return first, last, nil
}

// write writes the file, if it can be read again.
func (o *fitOptions) write(d application.Document) error {
	b, err := application.Encode(d)
	if err != nil {
		return err
	}
	if _, err := application.Decode(b); err != nil {
		return fmt.Errorf("fitting %v: %w", o.spans, err)
	}
	return writeFile(o.out, b)
}

// readApplication reads an application file.
func readApplication(path string) (*application.Model, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	m, err := application.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
