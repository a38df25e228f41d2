package graph

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
	"github.com/ballast-k8s/ballast/predictor/callgraph/overview"
)

// withoutSpans stands for services called that send no spans.
const withoutSpans = "(no spans)"

// graphView is what `ballast graph show` prints. Times are milliseconds.
type graphView struct {
	Traces    int           `json:"traces"`
	Requests  int           `json:"requests"`
	MeanMs    float64       `json:"meanMs"`    // of a request
	NetworkMs float64       `json:"networkMs"` // of MeanMs, on the critical path between services
	Patterns  []patternView `json:"patterns"`
	Rare      patternView   `json:"rare"` // the pool of all other patterns
	Services  []serviceView `json:"services"`
	Edges     []edgeView    `json:"edges"`
}

type patternView struct {
	Name     string   `json:"name"`
	Share    float64  `json:"share"`
	Low      float64  `json:"low"` // ends of the 90 % interval
	High     float64  `json:"high"`
	Requests int      `json:"requests"`
	Calls    float64  `json:"callsPerRequest"`
	P50Ms    *float64 `json:"p50Ms"` // null: too few requests
	P99Ms    *float64 `json:"p99Ms"`
	Outline  []string `json:"outline"`

	lines []graphpattern.Line
}

type serviceView struct {
	Service         string  `json:"service"`
	CallsPerRequest float64 `json:"callsPerRequest"`
	SelfMs          float64 `json:"selfMs"`        // of a call, without the calls that it waits for
	CriticalMs      float64 `json:"criticalMs"`    // of a request's MeanMs
	CriticalShare   float64 `json:"criticalShare"` // CriticalMs / MeanMs
	NetworkMs       float64 `json:"networkMs"`     // of a request's MeanMs, on the way to the service
}

type edgeView struct {
	From            string  `json:"from"` // empty: requests come in here
	To              string  `json:"to"`
	CallsPerRequest float64 `json:"callsPerRequest"`
	CriticalMs      float64 `json:"criticalMs"` // of a request's MeanMs
	NetworkMs       float64 `json:"networkMs"`
}

func newGraphView(o *overview.Overview, services []string) *graphView {
	n := float64(o.Requests)
	ms := func(ns int64) float64 { return float64(ns) / 1e6 }
	v := &graphView{
		Traces: o.Traces, Requests: o.Requests, MeanMs: ms(o.Duration) / n, NetworkMs: ms(o.Network) / n,
		Patterns: []patternView{}, Services: []serviceView{}, Edges: []edgeView{},
	}
	v.addPatterns(o, services)
	name := func(service int) string {
		if service == callgraph.Unknown {
			return withoutSpans
		}
		return services[service]
	}
	for _, s := range o.Services() {
		one := serviceView{
			Service: name(s.To), CallsPerRequest: float64(s.Calls) / n, SelfMs: ms(s.Self) / float64(s.Calls), CriticalMs: ms(s.Critical) / n,
			NetworkMs: ms(s.Network) / n,
		}
		if o.Duration > 0 {
			one.CriticalShare = float64(s.Critical) / float64(o.Duration)
		}
		v.Services = append(v.Services, one)
	}
	for _, e := range o.Edges() {
		one := edgeView{To: name(e.To), CallsPerRequest: float64(e.Calls) / n, CriticalMs: ms(e.Critical) / n, NetworkMs: ms(e.Network) / n}
		if e.From != callgraph.Unknown {
			one.From = name(e.From)
		}
		v.Edges = append(v.Edges, one)
	}
	return v
}

func (v *graphView) addPatterns(o *overview.Overview, services []string) {
	shares := o.Book.Shares(graphpattern.LeastShare, graphpattern.MostPatterns)
	kept := make([]int, len(shares)-1)
	for i := range kept {
		kept[i] = shares[i].Pattern
	}
	names := o.Book.Names(kept, services)
	for i, s := range shares {
		one := patternView{Share: s.Mean, Low: s.Low, High: s.High, Requests: s.Requests, Outline: []string{}}
		if s.Pattern == graphpattern.None {
			one.Name = fmt.Sprintf("%d rare patterns", s.Patterns)
			v.Rare = one
			continue
		}
		one.Name, one.Calls = names[i], float64(o.Book.Patterns[s.Pattern].Calls)/float64(s.Requests)
		one.P50Ms, one.P99Ms = cli.Finite(o.Quantile(s.Pattern, 0.5)/1e6), cli.Finite(o.Quantile(s.Pattern, 0.99)/1e6)
		var cut bool
		one.lines, cut = o.Book.Outline(s.Pattern, services)
		for _, line := range one.lines {
			one.Outline = append(one.Outline, strings.Repeat("  ", line.Depth)+line.Text)
		}
		if cut {
			one.Outline = append(one.Outline, "…")
		}
		v.Patterns = append(v.Patterns, one)
	}
}

// print writes the whole, or where number is above 0 a pattern of it.
func (v *graphView) print(w io.Writer, format string, number int) error {
	var err error
	switch {
	case format == "dot":
		_, err = io.WriteString(w, v.drawing(number).DOT())
	case format == "svg":
		_, err = io.WriteString(w, v.drawing(number).SVG())
	case format == "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		if number > 0 {
			return enc.Encode(v.Patterns[number-1])
		}
		return enc.Encode(v)
	case number > 0:
		p := v.Patterns[number-1]
		_, err = fmt.Fprintf(w, "%s\n%.1f %% of the requests (%.1f to %.1f %%)\n\n%s\n", p.Name, 100*p.Share, 100*p.Low, 100*p.High,
			strings.Join(p.Outline, "\n"))
	default:
		return v.printTable(w)
	}
	return err
}

func (v *graphView) printTable(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "#\tshare\t90 % interval\trequests\tcalls\tp50 ms\tp99 ms\tpattern")
	for i, p := range v.Patterns {
		fmt.Fprintf(tw, "%d\t%.1f %%\t%.1f to %.1f %%\t%d\t%.1f\t%s\t%s\t%s\n",
			i+1, 100*p.Share, 100*p.Low, 100*p.High, p.Requests, p.Calls, cli.Tenths(p.P50Ms), cli.Tenths(p.P99Ms), p.Name)
	}
	fmt.Fprintf(tw, "\t%.1f %%\t%.1f to %.1f %%\t%d\t\t\t\t%s\n", 100*v.Rare.Share, 100*v.Rare.Low, 100*v.Rare.High, v.Rare.Requests, v.Rare.Name)
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	tw.Init(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "service\tcalls a request\tself ms a call\tcritical path ms\tof the duration\tnetwork to it ms\tof the duration")
	share := func(ms float64) float64 { return 100 * ms / max(v.MeanMs, 1e-9) }
	for _, s := range v.Services {
		fmt.Fprintf(tw, "%s\t%.2f\t%.3f\t%.3f\t%.1f %%\t%.3f\t%.1f %%\n",
			s.Service, s.CallsPerRequest, s.SelfMs, s.CriticalMs, share(s.CriticalMs), s.NetworkMs, share(s.NetworkMs))
	}
	inside := v.MeanMs - v.NetworkMs
	fmt.Fprintf(tw, "all, of %.3f ms\t\t\t%.3f\t%.1f %%\t%.3f\t%.1f %%\n", v.MeanMs, inside, share(inside), v.NetworkMs, share(v.NetworkMs))
	return tw.Flush()
}
