package place

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
)

// placement is what `ballast place` prints.
type placement struct {
	Classes []string `json:"classes"`
	Nodes   [][]int  `json:"nodes"` // containers by class of each node, from node 0
	Summary summary  `json:"summary"`

	value    float64
	unplaced []int
}

// summary is how good the placement is.
type summary struct {
	Placed   int `json:"placed"`
	Unplaced int `json:"unplaced"`
	// Mean is the predicted performance of a container, the mean over those placed.
	Mean float64 `json:"meanPerformance"`
	// Bound is what no placement exceeds by this model; absent where none is known. Gap is how much of it is missing.
	Bound *float64 `json:"bound,omitempty"`
	Gap   *float64 `json:"gap,omitempty"`
	// Proven is whether Bound is the optimum of the linear programme and not a looser one.
	Proven  bool    `json:"boundProven"`
	Seconds float64 `json:"seconds"`
}

// newPlacement numbers the nodes of a plan: those of most containers first, the empty ones last.
func newPlacement(b *batch, plan *configlp.Plan, nodes int, took time.Duration) *placement {
	p := &placement{Classes: b.classes, value: plan.Value, unplaced: plan.Unplaced}
	for _, a := range plan.Groups[0] {
		for range a.Nodes {
			p.Nodes = append(p.Nodes, a.Counts)
		}
	}
	for len(p.Nodes) < nodes {
		p.Nodes = append(p.Nodes, make([]int, len(b.classes)))
	}
	p.Summary.Unplaced = sumOf(plan.Unplaced)
	p.Summary.Placed = sumOf(b.counts) - p.Summary.Unplaced
	if p.Summary.Placed > 0 {
		p.Summary.Mean = plan.Value / float64(p.Summary.Placed)
	}
	p.Summary.Seconds = took.Seconds()
	p.bound(plan)
	return p
}

// bound takes the bound of a plan that places the same containers.
func (p *placement) bound(plan *configlp.Plan) {
	if math.IsInf(plan.Bound, 1) || p.Summary.Placed == 0 {
		return
	}
	for i, n := range plan.Unplaced {
		if p.unplaced[i] != n {
			return
		}
	}
	bound, gap := plan.Bound/float64(p.Summary.Placed), 0.0
	if plan.Bound > 0 {
		gap = math.Max(0, 1-p.value/plan.Bound)
	}
	p.Summary.Bound, p.Summary.Gap, p.Summary.Proven = &bound, &gap, plan.Proven
}

// optimal is a gap that rounding of numbers explains.
const optimal = 1e-9

// summarise says how good the placement is.
func (p *placement) summarise(w io.Writer) {
	s := p.Summary
	fmt.Fprintf(w, "%d containers on %d nodes: predicted mean performance %.4f\n", s.Placed, len(p.Nodes), s.Mean)
	switch {
	case s.Bound == nil:
		fmt.Fprintln(w, "bound under the model: none is known")
	case *s.Gap <= optimal:
		fmt.Fprintf(w, "bound under the model: %.4f, reached: the placement is proved optimal by this model\n", *s.Bound)
	case s.Proven:
		fmt.Fprintf(w, "bound under the model: %.4f, gap %.3f %%: no placement is better than this one by more, which is proved\n",
			*s.Bound, 100**s.Gap)
	default:
		fmt.Fprintf(w, "bound under the model: %.4f, gap %.3f %%: valid but loose, there are too many mixes to try them all\n",
			*s.Bound, 100**s.Gap)
	}
	fmt.Fprintf(w, "wall time of the decision: %.1f ms\n", 1000*s.Seconds)
}

// print writes one line a node.
func (p *placement) print(w io.Writer, format cli.Format) error {
	switch format.String() {
	case "csv":
		return p.printCSV(w)
	case "json":
		return cli.JSON(w, p)
	default:
		return p.printTable(w)
	}
}

func (p *placement) printCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	header := []string{"node"}
	for _, class := range p.Classes {
		header = append(header, "n_"+class)
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for node, counts := range p.Nodes {
		record := []string{strconv.Itoa(node)}
		for _, n := range counts {
			record = append(record, strconv.Itoa(n))
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (p *placement) printTable(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tw, "node\t")
	for _, class := range p.Classes {
		fmt.Fprintf(tw, "%s\t", class)
	}
	fmt.Fprintln(tw)
	for node, counts := range p.Nodes {
		fmt.Fprintf(tw, "%d\t", node)
		for _, n := range counts {
			fmt.Fprintf(tw, "%d\t", n)
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}
