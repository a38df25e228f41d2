// Package allocate is the verb allocate: it says how much CPU the services of a fitted application need for their latency objectives.
package allocate

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
)

// modes are the values of --mode.
var modes = map[string]patterns.Mode{
	"mixture": patterns.Mixture, "per-pattern": patterns.PerPattern, "sum-of-percentiles": patterns.SumOfPercentiles,
}

// Command makes the verb.
func Command() *cobra.Command {
	var app, mode, priorities, report string
	var objectives []string
	var floor float64
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "allocate",
		Short: "Say how much CPU each service of an application needs for its latency objectives",
		Long: `Say how much CPU each service of an application needs, with the fewest cores in all, so that its latency
objectives hold.

The application file is what 'ballast graph fit' writes; an objective is a LatencyObjective, in one or several
YAML files. Only services on the way of an objective's requests are sized. The percentile counts over all
requests (mixture), or is asked for of each pattern by itself (per-pattern); sum-of-percentiles is the rule of
earlier systems, for comparison.

With --priorities the calls of the objective with the shortest target go first at every service, then those of
the next, and those of no objective last: calls of others are interrupted (preemptive), or wait as Erms takes it
(cumulative). Ballast does not bring about any priority; without it the cores do not suffice.

For each objective: the percentile predicted at these cores, with two 90 % intervals, one by how far predictions of
windows were off that had no part in the fit, one by the spread of the laws that the solver goes by; what one
millisecond less of target would cost; and by service, its part of the percentile and what one more core per pod
would take off.

Exit code 1: an objective cannot be met; the nearest target that can is named.`,
		Example: `  ballast allocate --app shop.json --objective checkout.yaml
  ballast allocate --app shop.json --objective checkout.yaml,search.yaml -o csv
  ballast allocate --app shop.json --objective checkout.yaml --report checkout.html`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "app", "objective"); err != nil {
				return err
			}
			chosen, ok := modes[mode]
			if !ok {
				return cli.Usage("--mode is %q, expected mixture, per-pattern or sum-of-percentiles", mode)
			}
			wish := wishes{mode: chosen, floor: floor / 100}
			if priorities != noPriorities {
				rule, ok := rules[priorities]
				if !ok {
					return cli.Usage("--priorities is %q, expected none, preemptive or cumulative", priorities)
				}
				wish.priorities = &rule
			}
			if !(floor >= 0 && floor < 100) {
				return cli.Usage("--floor is %v, expected per cent of the requests of every pattern, 0 for none", floor)
			}
			m, err := cli.ReadApplication(app)
			if err != nil {
				return err
			}
			list, err := readObjectives(objectives, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			a, err := newAllocation(m, list, wish)
			if err != nil {
				return err
			}
			if report != "" {
				page, err := a.report()
				if err != nil {
					return err
				}
				if err := cli.WriteFile(report, page); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "report written to %s\n", report)
			}
			if err := a.print(cmd.OutOrStdout(), output.String()); err != nil {
				return err
			}
			a.warn(cmd.ErrOrStderr())
			return a.negative()
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&app, "app", "", "application file")
	flags.StringSliceVar(&objectives, "objective", nil, "YAML files with LatencyObjectives, separated by commas")
	flags.StringVar(&mode, "mode", "mixture", "whose percentile it is: mixture, per-pattern, sum-of-percentiles")
	flags.Float64Var(&floor, "floor", 50, "with mixture: per cent of the requests of every pattern that have to be within the target, too")
	flags.StringVar(&priorities, "priorities", noPriorities, "whose calls go first where objectives share services: none, preemptive, cumulative")
	flags.StringVar(&report, "report", "", "HTML file to write, with plots of the distributions and of each service's part")
	output.Register(cmd, "table", "json", "csv")
	return cmd
}
