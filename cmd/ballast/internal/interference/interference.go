// Package interference is the verb interference: it fits the model of who slows whom, asks it and publishes it.
package interference

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/interference/profile"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Command makes the verb.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "interference",
		Short: "The model of who slows whom: fit it, ask it, show it, publish it",
		Example: `  ballast interference fit --mixes mixes.csv,pairs.csv --out model.json
  ballast interference predict --model model.json --mixes questions.csv
  ballast interference show --model model.json
  ballast interference publish --model model.json`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFitCommand(), newPredictCommand(), newShowCommand(), newPublishCommand(), profile.Command())
	return cmd
}

func newFitCommand() *cobra.Command {
	var mixes []string
	var out, onto string
	cmd := &cobra.Command{
		Use:   "fit",
		Short: "Fit the interference model to measured mixes",
		Long: `Fit the interference model to measured mixes and write it as JSON.

A mixes file is CSV (or .csv.gz) with a header and one measured mix a line: n_<class> is the number of
containers of a workload class on the node, perf_<class> the performance of one of them (1 = alone on the
node; empty = absent or failed). Rows of a campaign (column campaign) that disagrees with the others on the
mixes they share are left out, and said so. A column setting names the machine shape and partitioning of the
node: the model is of the one with the most rows, and learns how much more or less neighbours weigh in the others.

With --onto the mixes are learned on top of a model that was fitted before, whose mixes need not be at hand. A class
that the model does not know is completed from what the known ones are like and the mixes that hold it, four of which
will do: its intervals are wide at first, and no pod is turned away on its account before it was measured in five.
Classes that it knows are updated, old measurements fading with a half-life of two weeks; one that performs otherwise
than predicted for longer than chance explains is learned anew. What changed is printed by class.`,
		Example: `  ballast interference fit --mixes mixes.csv.gz,pairs.csv --out model.json
  ballast interference fit --onto model.json --mixes new.csv --out model.json`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "mixes", "out"); err != nil {
				return err
			}
			if onto != "" {
				learned, err := fitOnto(onto, mixes, time.Now())
				if err != nil {
					return err
				}
				for _, note := range learned.Notes {
					cmd.PrintErrln("note: " + note)
				}
				return writeLearned(cmd.OutOrStdout(), out, learned)
			}
			model, notes, err := fitFiles(mixes)
			if err != nil {
				return err
			}
			b, err := interference.Encode(model.Document())
			if err != nil {
				return err
			}
			if err := cli.WriteFile(out, b); err != nil {
				return err
			}
			for _, note := range notes {
				cmd.PrintErrln("note: " + note)
			}
			q := model.Document().Fit
			fmt.Fprintf(cmd.OutOrStdout(), "%s: version %s, %d classes, %d distinct mixes\n", out, model.Version(), len(model.Classes()), q.Mixes)
			if q.Cells == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "too few mixes to leave some out: nothing is known of its error")
				return nil
			}
			printQuality(cmd.OutOrStdout(), q)
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&mixes, "mixes", nil, "mixes files, separated by commas")
	cmd.Flags().StringVar(&out, "out", "", "model file to write")
	cmd.Flags().StringVar(&onto, "onto", "", "model file to learn the mixes on top of, instead of fitting them alone")
	return cmd
}

// printQuality says what to expect of mixes that nobody measured.
func printQuality(w io.Writer, q interference.Quality) {
	line := func(what string, a interference.Accuracy) {
		fmt.Fprintf(w, "%s: error %.2f ± %.2f %%, R² per class %.3f ± %.3f\n", what,
			100*a.MeanAbsolutePercentageError, 100*a.StandardErrors[0], a.R2, a.StandardErrors[1])
	}
	line(fmt.Sprintf("on mixes left out, weighted to those not measured (%d cells)", q.Cells), q.Accuracy)
	if q.OtherCampaign != nil {
		line(fmt.Sprintf("on them as another campaign measured them (%d cells)", q.OlderCells), *q.OtherCampaign)
	}
	fmt.Fprintf(w, "90 %% interval holds %.1f %%\n", 100*q.Coverage)
}

// fitFiles fits a model to mixes files and returns what a user should know about the data.
func fitFiles(paths []string) (*interference.Model, []string, error) {
	ds, source, err := poolFiles(paths)
	if err != nil {
		return nil, nil, err
	}
	model, err := interference.Fit(ds, source)
	return model, ds.Notes, err
}

// poolFiles reads mixes files into one data set, and names them.
func poolFiles(paths []string) (*interference.Dataset, string, error) {
	tables := make([]*interference.Table, 0, len(paths))
	names := make([]string, 0, len(paths))
	for _, path := range paths {
		t, err := cli.ReadMixes(path)
		if err != nil {
			return nil, "", err
		}
		tables, names = append(tables, t), append(names, filepath.Base(path))
	}
	ds, err := interference.Pool(tables...)
	return ds, strings.Join(names, ", "), err
}

func newPredictCommand() *cobra.Command {
	var modelPath, mixes, setting string
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "predict",
		Short: "Predict the performance of each class in each mix of a file, with 90 % intervals",
		Example: `  ballast interference predict --model model.json --mixes questions.csv
  ballast interference predict --model model.json --mixes questions.csv -o csv > answers.csv`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "model", "mixes"); err != nil {
				return err
			}
			model, err := cli.ReadModel(modelPath)
			if err != nil {
				return err
			}
			if _, ok := model.In(setting); setting != "" && !ok {
				return fmt.Errorf("--setting %s: the model knows nothing of it, only of %s; measure mixes there and fit with a column setting", setting,
					strings.Join(settingsOf(model), ", "))
			}
			table, err := cli.ReadLoads(mixes)
			if err != nil {
				return err
			}
			answers, err := predictTable(model, table, setting)
			if err != nil {
				return err
			}
			return answers.print(cmd.OutOrStdout(), output)
		},
	}
	cmd.Flags().StringVar(&modelPath, "model", "", "model file, as ballast interference fit writes it")
	cmd.Flags().StringVar(&mixes, "mixes", "", "mixes file; only its n_ columns and its column setting are read")
	cmd.Flags().StringVar(&setting, "setting", "", "machine shape and partitioning to predict for (default the row's, without a column setting the one the model was fitted in)")
	output.Register(cmd, "table", "csv", "json")
	return cmd
}

func newPublishCommand() *cobra.Command {
	var modelPath, name, kubeconfig string
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Publish a model file to a cluster, where ballast-scheduler reads it",
		Long: `Publish a model file as the InterferenceModel object that ballast-scheduler reads.

The object is created or replaced. Publishing the same file again confirms it as current: a scheduler goes
back to stock scoring when the model is older than its modelMaxAge (7 days by default).`,
		Example: `  ballast interference publish --model model.json
  ballast interference publish --model model.json --kubeconfig ./kubeconfig --name canary`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "model"); err != nil {
				return err
			}
			model, err := cli.ReadModel(modelPath)
			if err != nil {
				return err
			}
			config, err := clusterConfig(kubeconfig)
			if err != nil {
				return err
			}
			did, err := publishModel(cmd.Context(), config, name, model, time.Now())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "interferencemodel.ballast.dev/%s %s, version %s\n", name, did, model.Version())
			return nil
		},
	}
	cmd.Flags().StringVar(&modelPath, "model", "", "model file, as ballast interference fit writes it")
	cmd.Flags().StringVar(&name, "name", "default", "name of the InterferenceModel object")
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig of the cluster (default $KUBECONFIG, else ~/.kube/config)")
	return cmd
}
