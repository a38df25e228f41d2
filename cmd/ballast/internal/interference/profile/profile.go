// Package profile is the verb interference profile: it says which mixes to measure next, and has an operator's command measure them.
package profile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/profile"
	"github.com/ballast-k8s/ballast/predictor/interference/profile/newclass"
)

// options are the flags of `ballast interference profile`.
type options struct {
	model, newClass   string
	slots, next       int
	pods              map[string]string
	measure, mixesOut string
	timeout           time.Duration
	output            cli.Format
}

// adviceSeed makes the advice the same for the same model, so that a campaign that was interrupted goes on where it stopped.
const adviceSeed = 1

// Command makes the verb.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Say which mixes to measure next, and measure them",
		Long: `Say which few mixes of workload classes to measure next, so that placement decides better.

A mix is worth measuring if placement would use it and its value is not known well, or if it tells what classes
do in the mixes that placement would use. Batches of pods are placed under values drawn from what the model
believes; the mixes proposed leave the values of what is then used least unsure. The gain of a mix is by how much
the mean performance of a placed pod is expected to rise if it is measured, in percentage points (1 = a container
performs as it does alone, so 1 point is 0.01 of that). It rests on what the model believes, and is large where
the model extrapolates.

All classes of the model are expected in like numbers; --pods gives others, and leaves out what it does not name. Of more
than 8 classes, those 8 are looked at whose pairs are known least.

--new NAME proposes the first mixes in which to measure a class that the model does not know: alone, which fixes the
scale, and up to 4 more, chosen for how well fit --onto is expected to know the class from them.

--measure COMMAND measures: a shell runs COMMAND once for each proposed mix, one after the other, with the mix in
the environment variable BALLAST_MIX ("isr=1,redis=2") and in "$@" (isr=1 redis=2). COMMAND starts these containers
on one node, waits until they have settled, and writes a line <class>=<performance> for each class of the mix to its
standard output: the performance of one container, 1 = what it does alone on the node, 0 = the measurement failed.
Anything else is an error, as is an exit code other than 0. After each mix a line is added to the mixes file --mixes-out;
mixes that are in it already are not measured again, so that the same command line goes on after an interruption.
Then fit the model anew with that file.

With -o csv the mixes are printed as a mixes file whose perf_ columns are empty, to be filled in by other means.
The exit code is 1 if there is nothing left to measure.`,
		Example: `  ballast interference profile --model model.json
  ballast interference profile --model model.json --next 10 --pods redis=40,isr=10,mms=10 -o csv > todo.csv
  ballast interference profile --model model.json --measure './run-mix.sh "$@"' --mixes-out measured.csv
  ballast interference profile --model model.json --new search`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "model"); err != nil {
				return err
			}
			return o.run(cmd)
		},
	}
	cmd.Flags().StringVar(&o.model, "model", "", "model file, as ballast interference fit writes it")
	cmd.Flags().IntVar(&o.slots, "slots", 8, "containers that fit on a node")
	cmd.Flags().IntVar(&o.next, "next", 5, "how many mixes to propose")
	cmd.Flags().StringToStringVar(&o.pods, "pods", nil, "pods expected of each class, class=number,... (default as many of each)")
	cmd.Flags().StringVar(&o.newClass, "new", "", "name of a class that the model does not know, to propose its first mixes")
	cmd.Flags().StringVar(&o.measure, "measure", "", "shell command that measures one mix")
	cmd.Flags().StringVar(&o.mixesOut, "mixes-out", "", "mixes file to add the measurements to")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 30*time.Minute, "how long --measure may take for one mix")
	o.output.Register(cmd, "table", "json", "csv")
	return cmd
}

// validate refuses wrong use.
func (o *options) validate(cmd *cobra.Command) error {
	next, pods := cmd.Flags().Changed("next"), cmd.Flags().Changed("pods")
	switch {
	case o.slots < 1 || o.slots > profile.MaxSlots:
		return cli.Usage("--slots is %d, expected 1 to %d", o.slots, profile.MaxSlots)
	case o.next < 1 || o.next > profile.MaxNext:
		return cli.Usage("--next is %d, expected 1 to %d", o.next, profile.MaxNext)
	case o.newClass != "" && (next || pods):
		return cli.Usage("--new proposes the first mixes of one class; leave --next and --pods out")
	case o.newClass != "" && strings.ContainsAny(o.newClass, "=,\n\r\""):
		return cli.Usage("--new %q: a class name holds no comma, equals sign, quote or line break", o.newClass)
	case (o.measure == "") != (o.mixesOut == ""):
		return cli.Usage("--measure and --mixes-out go together: where the measurements are kept, and what makes them")
	case strings.HasSuffix(o.mixesOut, ".gz"):
		return cli.Usage("--mixes-out %s: measurements are added line by line, expected a file that is not compressed", o.mixesOut)
	case o.timeout <= 0:
		return cli.Usage("--timeout is %v, expected a duration above 0", o.timeout)
	}
	return nil
}

func (o *options) run(cmd *cobra.Command) error {
	if err := o.validate(cmd); err != nil {
		return err
	}
	model, err := cli.ReadModel(o.model)
	if err != nil {
		return err
	}
	advice, err := o.advise(model)
	if err != nil {
		return err
	}
	if err := advice.print(cmd.OutOrStdout(), o.output); err != nil {
		return err
	}
	advice.summarise(cmd.ErrOrStderr())
	if len(advice.Mixes) == 0 {
		return cli.Negative("nothing is left to measure: every mix of up to %d containers of %s is known as well as it can be",
			o.slots, strings.Join(advice.Classes, ", "))
	}
	if o.measure == "" {
		return nil
	}
	return o.measureAll(cmd.Context(), cmd, advice, model.Document().Setting)
}

// measureAll measures what was proposed and is not in the mixes file yet.
func (o *options) measureAll(ctx context.Context, cmd *cobra.Command, advice *adviceView, setting string) error {
	file, err := openMixesOut(o.mixesOut, advice.columns, setting)
	if err != nil {
		return err
	}
	command := mixCommand{shell: o.measure, timeout: o.timeout, stderr: cmd.ErrOrStderr()}
	n := len(advice.Mixes)
	for i := range advice.Mixes {
		mix := advice.Mixes[i].Containers
		if file.has(mix) {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: %s is in %s already\n", i+1, n, mix, o.mixesOut)
			continue
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: measuring %s\n", i+1, n, mix)
		started := time.Now()
		performance, err := command.run(ctx, mix)
		if err != nil {
			return fmt.Errorf("measuring %s: %w; what was measured before is in %s, and the same command line goes on from there",
				mix, err, o.mixesOut)
		}
		if err := file.add(mix, performance); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d: %s after %.1f s\n", i+1, n, performance, time.Since(started).Seconds())
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%d mixes are in %s: fit the model anew with it\n", n, o.mixesOut)
	return nil
}

// advise asks the model.
func (o *options) advise(model *interference.Model) (*adviceView, error) {
	if o.newClass != "" {
		if _, known := model.ClassIndex(o.newClass); known {
			return nil, cli.Usage("--new %s: the model knows this class already; leave --new out to see what to measure next", o.newClass)
		}
		probes, err := newclass.Probes(model, o.newClass, o.slots)
		if err != nil {
			return nil, err
		}
		return probeAdvice(model, o.newClass, probes), nil
	}
	pods, err := o.expected(model)
	if err != nil {
		return nil, err
	}
	a, err := profile.Propose(model, profile.Options{Slots: o.slots, Next: o.next, Pods: pods}, rand.New(rand.NewPCG(adviceSeed, 0)))
	if err != nil {
		return nil, err
	}
	return newAdviceView(model, a), nil
}

// expected is --pods by class; nil without.
func (o *options) expected(model *interference.Model) ([]float64, error) {
	if len(o.pods) == 0 {
		return nil, nil
	}
	pods := make([]float64, len(model.Classes()))
	var all float64
	for name, text := range o.pods {
		class, ok := model.ClassIndex(name)
		if !ok {
			return nil, cli.Usage("--pods %s=%s: the model has no class %q; it knows %s", name, text, name, strings.Join(model.Classes(), ", "))
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 0 && n <= 1e6) {
			return nil, cli.Usage("--pods %s=%s: expected a number of pods from 0 to 1000000", name, text)
		}
		pods[class] = n
		all += n
	}
	if all == 0 {
		return nil, cli.Usage("--pods: no pods of any class, expected some")
	}
	return pods, nil
}
