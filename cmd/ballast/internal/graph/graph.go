// Package graph is the verb graph: it shows the call graph of recorded traces, and fits an application to them.
package graph

import (
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/graph/localize"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/callgraph/drawing"
	"github.com/ballast-k8s/ballast/predictor/callgraph/overview"
	"github.com/ballast-k8s/ballast/recommender/telemetry/spanfile"
)

// Command makes the verb.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "graph",
		Short: "Who calls whom in an application, in which patterns, and what has the time",
		Example: `  ballast graph show --spans traces.json
  ballast graph show --spans traces.json -o svg > graph.svg
  ballast graph fit --spans traces.json --usage cpu.csv --out shop.json`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFitCommand(), localize.Command(), newShowCommand())
	return cmd
}

func newShowCommand() *cobra.Command {
	var files []string
	var number int
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the call graph of recorded traces: patterns with their shares, services, a drawing",
		Long: `Show the call graph of recorded traces.

Spans files are Jaeger JSON, OTLP JSON or protobuf, or CSV with the columns
trace,span,parent,service,operation,start_us,duration_us (and kind, error); .gz is read too.

The table lists patterns (requests that make the same calls, in the same way one after the other or side by
side) with their share of the requests and a 90 % interval of it; rare ones are pooled. Then services, with
the time of a call by itself (self), and of the mean duration of a request what each service has on the
critical path and what is spent on the way to it; together this is all of it. Time on the way is the wire,
and waiting for the service before it begins. Standard error says what was wrong with the spans.

With --pattern N the pattern of that number is shown as a tree. -o dot is for Graphviz.`,
		Example: `  ballast graph show --spans traces.json
  ballast graph show --spans monday.csv.gz,tuesday.csv.gz --pattern 2
  ballast graph show --spans traces.json -o svg > graph.svg
  ballast graph show --spans traces.json -o dot | dot -Tpdf > graph.pdf`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "spans"); err != nil {
				return err
			}
			if number < 0 {
				return cli.Usage("--pattern is %d, expected a number of the table, from 1", number)
			}
			v, err := readGraph(files, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if number > len(v.Patterns) {
				return cli.Usage("--pattern is %d, and there are %d", number, len(v.Patterns))
			}
			return v.print(cmd.OutOrStdout(), output.String(), number)
		},
	}
	cmd.Flags().StringSliceVar(&files, "spans", nil, "spans files, separated by commas")
	cmd.Flags().IntVar(&number, "pattern", 0, "show one pattern, by its number in the table")
	output.Register(cmd, "table", "json", "dot", "svg")
	return cmd
}

// readGraph adds up the requests of spans files, and says on messages what was wrong with them.
func readGraph(files []string, messages io.Writer) (*graphView, error) {
	set := spanfile.New(spanfile.DefaultLimits())
	for _, path := range files {
		b, err := cli.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := set.Read(path, b); err != nil {
			return nil, err
		}
	}
	sums := overview.New()
	for _, spans := range set.Traces {
		sums.Add(spans)
	}
	fmt.Fprintf(messages, "%s with %s, %s\n", count(sums.Traces, "trace"), count(set.Spans, "span"), count(sums.Requests, "request"))
	findings(messages, set, sums.Repairs)
	if sums.Requests == 0 {
		return nil, cli.Negative("no requests in %s: every span was dropped", count(sums.Traces, "trace"))
	}
	return newGraphView(sums, set.Services), nil
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// findings says what was wrong with the spans.
func findings(messages io.Writer, set *spanfile.Set, repairs callgraph.Repairs) {
	if set.Failed > 0 {
		fmt.Fprintf(messages, "%s failed, and count like the others\n", count(set.Failed, "span"))
	}
	if set.Dropped.Total() > 0 {
		fmt.Fprintf(messages, "spans dropped: %v\n", set.Dropped)
	}
	if repairs != (callgraph.Repairs{}) {
		fmt.Fprintf(messages, "spans repaired: %v\n", repairs)
	}
}

// drawing draws the services, or with a number a pattern.
func (v *graphView) drawing(number int) *drawing.Graph {
	g := &drawing.Graph{}
	if number > 0 {
		for i, line := range v.Patterns[number-1].lines {
			g.Nodes = append(g.Nodes, drawing.Node{Title: line.Text})
			if line.Parent >= 0 {
				g.Edges = append(g.Edges, drawing.Edge{From: line.Parent, To: i})
			}
		}
		return g
	}
	at := make(map[string]int)
	for i, s := range v.Services {
		at[s.Service] = i
		node := drawing.Node{Title: s.Service, Weight: math.Sqrt(s.CriticalShare)}
		if s.Service != withoutSpans {
			node.Detail = fmt.Sprintf("%.1f %%, %.3g ms a call", 100*s.CriticalShare, s.SelfMs)
		}
		g.Nodes = append(g.Nodes, node)
	}
	for _, e := range v.Edges {
		if e.From == "" {
			continue
		}
		label := fmt.Sprintf("%.3g calls", e.CallsPerRequest)
		if e.NetworkMs > 0 {
			label += fmt.Sprintf(", net %.3g ms", e.NetworkMs)
		}
		g.Edges = append(g.Edges, drawing.Edge{From: at[e.From], To: at[e.To], Label: label, Weight: (e.CriticalMs + e.NetworkMs) / v.MeanMs})
	}
	return g
}
