package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/allocate/patterns"
)

// allocateModes are the values of --mode.
var allocateModes = map[string]patterns.Mode{
	"mixture": patterns.Mixture, "per-pattern": patterns.PerPattern, "sum-of-percentiles": patterns.SumOfPercentiles,
}

func newAllocateCommand() *cobra.Command {
	var app, mode, report string
	var objectives []string
	var floor float64
	var output outputFormat
	cmd := &cobra.Command{
		Use:   "allocate",
		Short: "Say how much CPU each service of an application needs for its latency objectives",
		Long: `Say how much CPU each service of an application needs, with the fewest cores in all, so that its latency
objectives hold.

The application file is what 'ballast graph fit' writes; an objective is a LatencyObjective, in one or several
YAML files. Only services on the way of an objective's requests are sized. The percentile counts over all
requests (mixture), or is asked for of each pattern by itself (per-pattern); sum-of-percentiles is the rule of
earlier systems, for comparison.

For each objective: the percentile predicted at these cores, with a 90 % interval; what one millisecond less of
target would cost; and by service, its part of the percentile and what one more core per pod would take off.

Exit code 1: an objective cannot be met; the nearest target that can is named.`,
		Example: `  ballast allocate --app shop.json --objective checkout.yaml
  ballast allocate --app shop.json --objective checkout.yaml,search.yaml -o csv
  ballast allocate --app shop.json --objective checkout.yaml --report checkout.html`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := need(cmd, "app", "objective"); err != nil {
				return err
			}
			chosen, ok := allocateModes[mode]
			if !ok {
				return usageError("--mode is %q, expected mixture, per-pattern or sum-of-percentiles", mode)
			}
			if !(floor >= 0 && floor < 100) {
				return usageError("--floor is %v, expected per cent of the requests of every pattern, 0 for none", floor)
			}
			m, err := readApplication(app)
			if err != nil {
				return err
			}
			list, err := readObjectives(objectives)
			if err != nil {
				return err
			}
			a, err := newAllocation(m, list, chosen, floor/100)
			if err != nil {
				return err
			}
			if report != "" {
				page, err := a.report()
				if err != nil {
					return err
				}
				if err := writeFile(report, page); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "report written to %s\n", report)
			}
			if err := a.print(cmd.OutOrStdout(), output.value); err != nil {
				return err
			}
			return a.negative()
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&app, "app", "", "application file")
	flags.StringSliceVar(&objectives, "objective", nil, "YAML files with LatencyObjectives, separated by commas")
	flags.StringVar(&mode, "mode", "mixture", "whose percentile it is: mixture, per-pattern, sum-of-percentiles")
	flags.Float64Var(&floor, "floor", 50, "with mixture: per cent of the requests of every pattern that have to be within the target, too")
	flags.StringVar(&report, "report", "", "HTML file to write, with plots of the distributions and of each service's part")
	output.register(cmd, "table", "json", "csv")
	return cmd
}

// readObjectives reads LatencyObjectives, and checks what the API server would.
func readObjectives(files []string) ([]v1alpha1.LatencyObjective, error) {
	var list []v1alpha1.LatencyObjective
	for _, path := range files {
		b, err := readFile(path)
		if err != nil {
			return nil, err
		}
		reader := utilyaml.NewYAMLReader(newLineReader(b))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			if len(bytes.Trim(document, "- \r\n")) == 0 {
				continue
			}
			var o v1alpha1.LatencyObjective
			if err := yaml.UnmarshalStrict(document, &o); err != nil {
				return nil, fmt.Errorf("%s: reading a LatencyObjective: %w", path, err)
			}
			if err := checkObjective(&o); err != nil {
				return nil, fmt.Errorf("%s: LatencyObjective %q: %w", path, o.Name, err)
			}
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no LatencyObjective in %s", strings.Join(files, ", "))
	}
	return list, nil
}

func checkObjective(o *v1alpha1.LatencyObjective) error {
	target := o.Spec.Target.Duration
	switch {
	case o.Kind != "LatencyObjective" || o.APIVersion != v1alpha1.SchemeGroupVersion.String():
		return fmt.Errorf("apiVersion is %q and kind %q, expected %s and LatencyObjective", o.APIVersion, o.Kind, v1alpha1.SchemeGroupVersion)
	case o.Name == "":
		return errors.New("metadata.name is empty, expected a name")
	case !(o.Spec.Percentile >= 50 && o.Spec.Percentile <= 99.99):
		return fmt.Errorf("spec.percentile is %v, expected 50 to 99.99", o.Spec.Percentile)
	case target < time.Millisecond || target > 10*time.Minute:
		return fmt.Errorf("spec.target is %v, expected 1ms to 10m, such as 200ms", target)
	}
	return nil
}
