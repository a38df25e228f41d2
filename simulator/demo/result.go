package demo

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/plant"
)

// Result is what a demonstration showed.
type Result struct {
	// Started and Elapsed say when and how long.
	Started time.Time     `json:"started"`
	Elapsed time.Duration `json:"elapsedNanoseconds"`
	// Seed orders the containers' arrival.
	Seed uint64 `json:"seed"`
	// Source and Judge are those of Inputs.
	Source string `json:"source"`
	Judge  string `json:"judge"`
	// Classes are the workload classes; Model and Fit the model's version and error on held-out mixes.
	Classes []string             `json:"classes"`
	Model   string               `json:"model"`
	Fit     interference.Quality `json:"fit"`
	// Notes are what the user should know.
	Notes []string `json:"notes,omitempty"`
	// Kubernetes is the API server's version.
	Kubernetes string `json:"kubernetes"`
	// Parks are the machine parks, by size.
	Parks []Park `json:"parks"`
}

// Park is one number of nodes.
type Park struct {
	Nodes int `json:"nodes"`
	// Batch are the containers of each class.
	Batch []int `json:"batch"`
	// Bound is the upper bound of the mean performance of any placement under the truth.
	Bound float64 `json:"bound"`
	// Arms are the schedulers: stock, then Ballast.
	Arms []Arm `json:"arms"`
}

// Arm is one scheduler's run.
type Arm struct {
	Name string `json:"name"`
	// Placement are the counts of each class on each node, by node name.
	Placement [][]int `json:"placement"`
	// Verdict is what the placement is worth.
	Verdict *plant.Verdict `json:"verdict"`
	// Predicted is the mean performance the model predicts for it.
	Predicted float64 `json:"predicted"`
	// DecisionsPerSecond is how many placements the scheduler decides in a second of its single-threaded cycle: one over the mean of
	// its scheduling_algorithm_duration. PodsPerSecond is pods over the time from the first pod's creation to the last bind; it is
	// bounded by the demonstration, which creates one pod after the other to keep their order.
	DecisionsPerSecond float64 `json:"decisionsPerSecond"`
	PodsPerSecond      float64 `json:"podsPerSecond"`
	// Reasons are some of the scheduler's events, an operator's view of single decisions; stock gives none.
	Reasons []string `json:"reasons,omitempty"`
}

// Print writes the table that the demonstration ends with.
func (r *Result) Print(w io.Writer) error {
	fmt.Fprintf(w, "\nThe nodes are simulated (KWOK): nothing ran on them. API server, schedulers and every bind are real.\n")
	fmt.Fprintf(w, "Inputs: %s.\nJudged by %s.\n\n", r.Source, r.Judge)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "nodes\tcontainers\tscheduler\tmean throughput\tof bound\tat 0.9 or better\tdecisions/s\t")
	for _, park := range r.Parks {
		for _, arm := range park.Arms {
			fmt.Fprintf(tw, "%d\t%d\t%s\t%.3f\t%.1f %%\t%.1f %%\t%.0f\t\n", park.Nodes, arm.Verdict.Containers, arm.Name,
				arm.Verdict.Mean, 100*arm.Verdict.Mean/park.Bound, 100*arm.Verdict.Satisfied, arm.DecisionsPerSecond)
		}
		fmt.Fprintf(tw, "%d\t%d\tupper bound\t%.3f\t100.0 %%\t\t\t\n", park.Nodes, sum(park.Batch), park.Bound)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\nThroughput is per container, 1 = alone on a node. The bound holds for any placement of the whole batch at once;\nboth schedulers place one pod at a time as it arrives.")
	return err
}

func sum(counts []int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
