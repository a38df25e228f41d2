// Package place is the verb place: it places a batch of containers on equal, empty nodes, offline.
package place

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// options are the flags of `ballast place`.
type options struct {
	model, batch      string
	row, nodes, slots int
	mode, order       string
	seed              uint64
	output            cli.Format
}

// Bounds of the command: 5,000 nodes with 110 pods each is what Kubernetes is tested to.
const (
	maxNodes = 100_000
	maxSlots = 1_000
)

// Command makes the verb.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "place",
		Short: "Place a batch of containers on equal, empty nodes, offline",
		Long: `Place a batch of containers on equal, empty nodes so that they perform best by the model.

A batch file is CSV (or .csv.gz) with a header and one batch a line: n_<class> is how many containers of a
workload class there are to place; other columns are ignored. --row counts the lines of data from 0.

--mode batch decides on all containers together and says how far from the best possible it may be.
--mode online decides on one container after the other, as a scheduler does that does not know what comes:
with --order given all of the first class of the file, then all of the second, and so on; with --order
shuffled in a random order, the same for the same --seed. In batch mode the order makes no difference.

Nodes are numbered from 0. Each is printed, with nothing on it too. Standard error has a summary: predicted
mean performance of a container (1 = alone on a node), the bound that no placement exceeds by this model,
the gap between them, and the time of the decision.

If there are more containers than nodes times slots, as many as fit are placed, and the exit code is 1.`,
		Example: `  ballast place --model model.json --batch batch_set_200.csv --row 0 --nodes 81
  ballast place --model model.json --batch batch_set_200.csv --row 3 --nodes 27 --slots 8 --mode online --order shuffled --seed 1 -o csv`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "model", "batch", "nodes"); err != nil {
				return err
			}
			return o.run(cmd)
		},
	}
	cmd.Flags().StringVar(&o.model, "model", "", "model file, as ballast interference fit writes it")
	cmd.Flags().StringVar(&o.batch, "batch", "", "batch file")
	cmd.Flags().IntVar(&o.row, "row", 0, "line of the batch file to place, counted from 0")
	cmd.Flags().IntVar(&o.nodes, "nodes", 0, "number of nodes")
	cmd.Flags().IntVar(&o.slots, "slots", 8, "containers that fit on a node")
	cmd.Flags().StringVar(&o.mode, "mode", "batch", "batch (all containers together) or online (one after the other)")
	cmd.Flags().StringVar(&o.order, "order", "given", "order of online mode: given (class by class) or shuffled")
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "seed of --order shuffled")
	o.output.Register(cmd, "table", "csv", "json")
	return cmd
}

// validate refuses wrong use.
func (o *options) validate() error {
	switch {
	case o.nodes < 1 || o.nodes > maxNodes:
		return cli.Usage("--nodes is %d, expected 1 to %d", o.nodes, maxNodes)
	case o.slots < 1 || o.slots > maxSlots:
		return cli.Usage("--slots is %d, expected 1 to %d", o.slots, maxSlots)
	case o.row < 0:
		return cli.Usage("--row is %d, expected 0 or more", o.row)
	case o.mode != "batch" && o.mode != "online":
		return cli.Usage("--mode is %q, expected batch or online", o.mode)
	case o.order != "given" && o.order != "shuffled":
		return cli.Usage("--order is %q, expected given or shuffled", o.order)
	}
	return nil
}

func (o *options) run(cmd *cobra.Command) error {
	if err := o.validate(); err != nil {
		return err
	}
	model, err := cli.ReadModel(o.model)
	if err != nil {
		return err
	}
	b, err := readBatch(o.batch, o.row)
	if err != nil {
		return err
	}
	problem, err := b.problem(model, o.nodes, o.slots)
	if err != nil {
		return err
	}
	started := time.Now()
	plan, err := o.decide(problem)
	if err != nil {
		return err
	}
	p := newPlacement(b, plan, o.nodes, time.Since(started))
	if o.mode == "online" {
		best, err := configlp.Solve(problem, configlp.Options{Effort: -1})
		if err != nil {
			return err
		}
		p.bound(best)
	}
	if err := p.print(cmd.OutOrStdout(), o.output); err != nil {
		return err
	}
	p.summarise(cmd.ErrOrStderr())
	if p.Summary.Unplaced > 0 {
		return cli.Negative("%d of %d containers do not fit on %d nodes of %d slots: %s; the others are placed",
			p.Summary.Unplaced, sumOf(b.counts), o.nodes, o.slots, b.list(plan.Unplaced))
	}
	return nil
}

// decide makes the placement.
func (o *options) decide(problem configlp.Problem) (*configlp.Plan, error) {
	if o.mode == "batch" {
		return configlp.Solve(problem, configlp.Options{})
	}
	var order []int
	for i, item := range problem.Items {
		order = append(order, slices.Repeat([]int{i}, item.Count)...)
	}
	if o.order == "shuffled" {
		random := rand.New(rand.NewPCG(o.seed, 0))
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	return configlp.Greedy(problem, order)
}

// nodeValue is what a node with a mix is worth to the placement. Both modes decide by it.
func nodeValue(model *interference.Model, mix interference.Mix) float64 {
	return model.Value(mix, nil)
}
