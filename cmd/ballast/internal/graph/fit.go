package graph

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/application/learn"
	"github.com/ballast-k8s/ballast/recommender/telemetry/spanfile"
)

// fitOptions are the flags of `ballast graph fit`.
type fitOptions struct {
	spans, usage []string
	window       time.Duration
	sampled      float64
	asked        bool // for sampled
	out          string
	output       cli.Format
}

func newFitCommand() *cobra.Command {
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
patterns and the spread of times to be wrong.

Where only some requests have spans, rates are too low by as much: --sampled says which share. Without it, that is
what OTLP spans say of themselves (ot=th in the trace state, or the attribute sampling.probability). Patterns and
percentiles count every recorded request once, whatever it stands for.`,
		Example: `  ballast graph fit --spans traces.json --usage cpu.csv --out shop.json
  ballast graph fit --spans monday.csv.gz,tuesday.csv.gz --sampled 0.1 --out shop.json
  ballast allocate --app shop.json --objective checkout.yaml`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "spans", "out"); err != nil {
				return err
			}
			if o.window < time.Second || o.window > 24*time.Hour {
				return cli.Usage("--window is %v, expected 1s to 24h, such as 60s", o.window)
			}
			if !(o.sampled > 0 && o.sampled <= 1) {
				return cli.Usage("--sampled is %v, expected the share of requests that have spans, above 0 and up to 1", o.sampled)
			}
			o.asked = cmd.Flags().Changed("sampled")
			return o.run(cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.spans, "spans", nil, "spans files, separated by commas, in any format of 'ballast graph show'")
	flags.StringSliceVar(&o.usage, "usage", nil, "CSV files with the CPU figures of services")
	flags.DurationVar(&o.window, "window", time.Minute, "length of a window")
	flags.Float64Var(&o.sampled, "sampled", 1, "share of all requests that have spans, if they do not say it themselves")
	flags.StringVar(&o.out, "out", "", "application file to write")
	o.output.Register(cmd, "table", "json")
	return cmd
}

func (o *fitOptions) run(out, messages io.Writer) error {
	bar := cli.NewProgress(messages)
	defer bar.Close()
	set := spanfile.New(spanfile.DefaultLimits())
	for i, path := range o.spans {
		bar.Show("reading spans", i, len(o.spans))
		b, err := cli.ReadFile(path)
		if err != nil {
			return err
		}
		if err := set.Read(path, b); err != nil {
			return err
		}
	}
	learner := learn.New(set.Services, o.window.Seconds(), o.share(set))
	figures, err := o.observe(learner, set.Services)
	if err != nil {
		return err
	}
	for i, spans := range set.Traces {
		bar.Show("reading requests", i, len(set.Traces))
		learner.Add(spans)
	}
	if learner.Requests == 0 {
		return cli.Negative("no requests in %s: every span was dropped", count(learner.Traces, "trace"))
	}
	bar.Show("fitting", 0, 1+learn.Folds)
	document, checks, err := learner.Document(func(done int) { bar.Show("fitting", done, 1+learn.Folds) })
	if err != nil {
		return err
	}
	bar.Close()
	if err := o.write(document); err != nil {
		return err
	}
	o.describe(messages, set, learner, &document, figures)
	v := newFitView(&document, checks, learner)
	return v.print(out, o.output.String())
}

// describe says what was read, and what was wrong with it.
func (o *fitOptions) describe(messages io.Writer, set *spanfile.Set, learner *learn.Learner, document *application.Document, figures cpuFigures) {
	windows := learner.Windows()
	fmt.Fprintf(messages, "%s with %s, %s in %s; written to %s\n", count(learner.Traces, "trace"), count(set.Spans, "span"),
		count(learner.Requests, "request"), count(len(windows), "window"), o.out)
	o.explain(messages, set)
	findings(messages, set, learner.Repairs)
	if one, other, ok := set.Stacked(); ok {
		fmt.Fprintf(messages, "%s and %s cover the same seconds, near 0: their rates are added; if each counts from its own start, shift them\n", one, other)
	}
	if figures.empty > 0 {
		fmt.Fprintf(messages, "%s of CPU figures where pods, cpu_m or obtainable_m is 0, which says nothing of what CPU does; the first is %s\n",
			count(figures.empty, "line"), figures.example)
	}
	if figures.lines > figures.empty && !slices.ContainsFunc(document.Services, usable) {
		fmt.Fprintf(messages, "no CPU figures at the time of the spans: these are from %.0f to %.0f s, those from %.0f to %.0f s; are the clocks the same?\n",
			learner.Begin(windows[0]), learner.Begin(windows[len(windows)-1]+1), figures.first, figures.last)
	}
}

// share is that of the requests that have spans: what was asked for, else what the spans say, else all.
func (o *fitOptions) share(set *spanfile.Set) float64 {
	if share, ok := set.Sampled(); ok && !o.asked {
		return share
	}
	return o.sampled
}

// explain says what the spans say of their share of the requests, where that is not all.
func (o *fitOptions) explain(messages io.Writer, set *spanfile.Set) {
	share, ok := set.Sampled()
	if !ok || share == 1 {
		return
	}
	fmt.Fprintf(messages, "the spans say that they are of %.3g %% of the requests", 100*share)
	if o.asked {
		fmt.Fprintf(messages, ", and --sampled that they are of %.3g %%, which rates go by", 100*o.sampled)
	}
	said := slices.DeleteFunc(slices.Clone(set.Weights), func(w float64) bool { return w == 0 })
	if silent := len(set.Weights) - len(said); silent > 0 {
		fmt.Fprintf(messages, "; %d of %d traces say nothing, and are taken to be like the others", silent, len(set.Weights))
	}
	if least, most := slices.Min(said), slices.Max(said); most > least {
		fmt.Fprintf(messages, "; a trace stands for %.3g to %.3g requests, but counts once in patterns and percentiles", least, most)
	}
	fmt.Fprintln(messages)
}

// usable says whether a service's law rests on CPU figures.
func usable(s application.Service) bool {
	return s.Kind == application.Measured || s.Kind == application.Steady
}

// cpuFigures are what was read of CPU: lines, those that have a 0 where none says anything, one of them, and the first and the last time of
// the others, seconds.
type cpuFigures struct {
	lines, empty int
	example      string
	first, last  float64
}

// observe reads the CPU figures.
func (o *fitOptions) observe(learner *learn.Learner, services []string) (cpuFigures, error) {
	f := cpuFigures{first: math.Inf(1), last: math.Inf(-1)}
	for _, path := range o.usage {
		rows, err := readUsage(path, services)
		if err != nil {
			return f, err
		}
		for _, u := range rows {
			learner.Observe(u)
			f.lines++
			if u.Pods > 0 && u.Used > 0 && u.Cores > 0 {
				f.first, f.last = min(f.first, u.Time), max(f.last, u.Time)
				continue
			}
			if f.empty++; f.empty == 1 {
				f.example = fmt.Sprintf("of %s at %.0f s in %s", u.Service, u.Time, path)
			}
		}
	}
	return f, nil
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
	return cli.WriteFile(o.out, b)
}
