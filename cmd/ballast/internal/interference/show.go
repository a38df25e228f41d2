package interference

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// shown is what a model says, for a person to judge whether to trust it.
type shown struct {
	Version string `json:"version"`
	Source  string `json:"source,omitempty"`
	// Setting is the model's own, Settings the others that it knows.
	Setting  string               `json:"setting,omitempty"`
	Settings []string             `json:"settings,omitempty"`
	Classes  []string             `json:"classes"`
	Fit      interference.Quality `json:"fit"`
	// Pairs are the performance of one container of a class with one of another, or of the same, beside it.
	Pairs []pair `json:"pairs"`
}

type pair struct {
	Class       string  `json:"class"`
	Neighbour   string  `json:"neighbour"`
	Performance float64 `json:"performance"`
	Lo          float64 `json:"lo"`
	Hi          float64 `json:"hi"`
	Measured    bool    `json:"measured"`
}

func newShowCommand() *cobra.Command {
	var modelPath string
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show what a model says: who slows whom by how much, and how well it predicts",
		Long: `Show what a model says: for each class the neighbours of which a single container slows it down most, with the
performance beside it (1 = alone on the node) and its 90 % interval. csv and json hold all pairs of classes.`,
		Example: `  ballast interference show --model model.json
  ballast interference show --model model.json -o csv`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "model"); err != nil {
				return err
			}
			model, err := cli.ReadModel(modelPath)
			if err != nil {
				return err
			}
			return show(model).print(cmd.OutOrStdout(), output)
		},
	}
	cmd.Flags().StringVar(&modelPath, "model", "", "model file, as ballast interference fit writes it")
	output.Register(cmd, "table", "csv", "json")
	return cmd
}

// show asks a model for all pairs of its classes.
func show(model *interference.Model) *shown {
	d := model.Document()
	s := &shown{Version: model.Version(), Source: d.Source, Setting: d.Setting, Classes: model.Classes(), Fit: d.Fit}
	for _, other := range d.Settings {
		s.Settings = append(s.Settings, other.Name)
	}
	for t, class := range s.Classes {
		for j, neighbour := range s.Classes {
			mix := interference.Mix{{Class: min(t, j), Units: 1}, {Class: max(t, j), Units: 1}}
			if t == j {
				mix = interference.Mix{{Class: t, Units: 2}}
			}
			p := model.Predict(mix, t)
			s.Pairs = append(s.Pairs, pair{class, neighbour, p.Mean, p.Lo, p.Hi, p.Measured})
		}
	}
	return s
}

func (s *shown) print(w io.Writer, format cli.Format) error {
	switch format.String() {
	case "json":
		return cli.JSON(w, s)
	case "csv":
		out := csv.NewWriter(w)
		records := [][]string{{"class", "neighbour", "performance", "lo", "hi", "measured"}}
		for _, p := range s.Pairs {
			records = append(records, []string{p.Class, p.Neighbour, decimal(p.Performance), decimal(p.Lo), decimal(p.Hi), strconv.FormatBool(p.Measured)})
		}
		return out.WriteAll(records)
	}
	return s.printTable(w)
}

// worst is how many neighbours of a class the table names.
const worst = 3

func (s *shown) printTable(w io.Writer) error {
	fmt.Fprintf(w, "version %s, %d classes, %d distinct mixes", s.Version, len(s.Classes), s.Fit.Mixes)
	if s.Source != "" {
		fmt.Fprintf(w, ", from %s", s.Source)
	}
	fmt.Fprintln(w)
	if len(s.Settings) > 0 {
		fmt.Fprintf(w, "setting %q; also known: %q\n", s.Setting, s.Settings)
	}
	if s.Fit.Cells > 0 {
		printQuality(w, s.Fit)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nclass\tslowed down most by one container of (performance, 90 % interval)")
	for pairs := range slices.Chunk(s.Pairs, len(s.Classes)) {
		pairs = slices.Clone(pairs)
		slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(a.Performance, b.Performance) })
		var words []string
		for _, p := range pairs[:min(worst, len(pairs))] {
			words = append(words, fmt.Sprintf("%s\t%.3f (%.3f to %.3f)", p.Neighbour, p.Performance, p.Lo, p.Hi))
		}
		fmt.Fprintln(tw, pairs[0].Class+"\t"+strings.Join(words, "\t"))
	}
	return tw.Flush()
}
