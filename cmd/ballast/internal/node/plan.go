package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/directory"
)

func newPlanCommand() *cobra.Command {
	var root, file string
	var apply, moveTasks bool
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Plan the steps from a machine's groups to wanted partitions",
		Long: `Plan the steps from a machine's groups to the partitions of a NodeIsolation object, and show them.
With --apply they are taken, each is read back, and a failure is undone. The exit code is 1 if the machine cannot be
divided like that, and 3 for an object that the API server would refuse.`,
		Example: `  ballast node plan --isolation wish.yaml
  ballast node plan --root copy/ --isolation wish.yaml --apply
  ballast node plan --isolation wish.yaml -o json | jq '.notes[]'`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "isolation"); err != nil {
				return err
			}
			spec, err := readIsolation(cmd.Context(), file)
			if err != nil {
				return err
			}
			return onTree(root, func(tree *directory.Tree, is resctrl.Inventory) error {
				plan, err := planned(root, is, spec, moveTasks)
				if err == nil {
					err = printPlan(cmd.OutOrStdout(), output, plan, "")
				}
				if err != nil || !apply {
					return err
				}
				return carryOut(cmd, tree, plan)
			})
		},
	}
	output.Register(cmd, "text", "json")
	cmd.Flags().StringVar(&root, "root", defaultTree, "resctrl tree, or a copy of one")
	cmd.Flags().StringVar(&file, "isolation", "", "file with a NodeIsolation object, YAML or JSON")
	cmd.Flags().BoolVar(&apply, "apply", false, "take the steps")
	cmd.Flags().BoolVar(&moveTasks, "move-tasks", false, "move threads of groups that go to the default group; else such groups stay")
	return cmd
}

// onTree does something with a tree that is read.
func onTree(root string, do func(*directory.Tree, resctrl.Inventory) error) error {
	tree, is, err := readTree(root)
	if err != nil {
		return err
	}
	return errors.Join(do(tree, is), tree.Close())
}

// planned is the plan to a spec. A machine that cannot be divided so is a negative result.
func planned(root string, is resctrl.Inventory, spec v1alpha1.NodeIsolationSpec, moveTasks bool) (partition.Plan, error) {
	plan, err := partition.New(isolator.WithPeak(is.Capacity, spec.Control), is.State, isolator.Wanted(spec), moveTasks)
	if err != nil {
		return plan, cli.Coded(err, cli.ExitNegative)
	}
	for _, o := range plan.Operations {
		path := filepath.Join(root, o.Group)
		if _, err := os.Lstat(path); o.Action == partition.Create && err == nil {
			return plan, cli.Negative("%s is in the way of the group of that name, and is none: move it away", path)
		}
	}
	return plan, nil
}

// carryOut takes the steps of a plan.
func carryOut(cmd *cobra.Command, tree *directory.Tree, plan partition.Plan) error {
	if len(plan.Operations) == 0 {
		return nil
	}
	if err := resctrl.Apply(tree, plan); err != nil {
		return err
	}
	cmd.PrintErrln("done, and read back")
	return nil
}

func newRestoreCommand() *cobra.Command {
	var root string
	var moveTasks, dryRun bool
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Remove the control groups that Ballast made",
		Long: `Remove the control groups that Ballast made, those named ballast-*. It never touches others, nor the default
group, whose values Ballast does not change. Stop ballast-node before, or empty the spec of the node's NodeIsolation
object: else it makes them again. Groups that hold threads stay, and the exit code is 1, unless --move-tasks moves
these to the default group first.`,
		Example: `  ballast node restore --dry-run --move-tasks
  ballast node restore --move-tasks`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onTree(root, func(tree *directory.Tree, is resctrl.Inventory) error {
				plan, err := planned(root, is, v1alpha1.NodeIsolationSpec{}, moveTasks)
				if err != nil {
					return err
				}
				n, stay := staying(plan)
				if err := printPlan(cmd.OutOrStdout(), output, plan, stay); err != nil {
					return err
				}
				if !dryRun {
					if err := carryOut(cmd, tree, plan); err != nil {
						return err
					}
				}
				if n > 0 {
					return cli.Negative("%s is not restored: %s", root, stay)
				}
				return nil
			})
		},
	}
	output.Register(cmd, "text", "json")
	cmd.Flags().StringVar(&root, "root", defaultTree, "resctrl tree, or a copy of one")
	cmd.Flags().BoolVar(&moveTasks, "move-tasks", false, "move threads of groups that go to the default group; else such groups stay")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the steps and take none")
	return cmd
}

// staying are the groups of ours that there are after a restoration, which hold threads, in a sentence; empty: none.
func staying(plan partition.Plan) (n int, sentence string) {
	for _, g := range plan.After.Groups {
		if schemata.Owned(g.Name) {
			n++
		}
	}
	switch n {
	case 0:
		return 0, ""
	case 1:
		return n, "1 group stays, as it holds threads; --move-tasks moves them to the default group first"
	}
	return n, fmt.Sprintf("%d groups stay, as they hold threads; --move-tasks moves these to the default group first", n)
}
