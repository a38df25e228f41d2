// Package node is the verb node: it shows how a machine's caches and memory bandwidth are divided, and plans or undoes it.
package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/directory"
)

// defaultTree is where Linux mounts resctrl.
const defaultTree = "/sys/fs/resctrl"

// Command makes the verb.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "node",
		Short: "A machine's partitions: what it can divide, how it is divided, who uses what",
		Long: `Look at how a machine's caches and memory bandwidth are divided (resctrl), and plan or undo it.

A tree is the mount of a live machine, /sys/fs/resctrl, or a plain copy of one. A copy is changed as the kernel
would change the tree.`,
		Example: `  ballast node inspect
  ballast node plan --root copy/ --isolation wish.yaml
  ballast node usage --before first/ --after second/ --interval 1s -o csv`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newInspectCommand(), newPlanCommand(), newUsageCommand(), newRestoreCommand())
	return cmd
}

func newInspectCommand() *cobra.Command {
	var root string
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "What a machine can divide, its control groups, and what could not be read",
		Long: `Show what a machine can divide, its control groups with their values, and what could not be read.
Where there is no resctrl, a sentence says why, and the exit code is 1; so it is where there is nothing to divide.`,
		Example: `  ballast node inspect
  ballast node inspect --root copy/ -o json`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tree, inventory, err := readTree(root)
			if err != nil {
				return err
			}
			err = errors.Join(printInventory(cmd.OutOrStdout(), output, inventory), tree.Close())
			if err == nil && len(inventory.Capacity.Resources) == 0 {
				err = cli.Negative("%s: nothing to divide, neither caches nor memory bandwidth", root)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&root, "root", defaultTree, "resctrl tree, or a copy of one")
	output.Register(cmd, "table", "json")
	return cmd
}

// readTree opens and reads a tree. Its absence is a negative result.
func readTree(root string) (*directory.Tree, resctrl.Inventory, error) {
	tree, err := directory.Open(root)
	if err != nil {
		return nil, resctrl.Inventory{}, cli.Negative("%w%s", err, thisMachine(root))
	}
	inventory, err := resctrl.Read(tree)
	if errors.Is(err, resctrl.ErrNotResctrl) {
		err = cli.Negative("%s: %w%s", root, err, thisMachine(root))
	}
	if err != nil {
		return nil, resctrl.Inventory{}, errors.Join(err, tree.Close())
	}
	return tree, inventory, nil
}

// thisMachine says, of the place where Linux mounts resctrl, why there may be none. Of other folders it says nothing: they may be copies of
// another machine's tree.
func thisMachine(root string) string {
	if filepath.Clean(root) != defaultTree {
		return ""
	}
	return ". This machine: " + resctrl.Support(isolator.ProcOf("/proc"))
}

func newPlanCommand() *cobra.Command {
	var root, file string
	var apply, moveTasks bool
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Plan the steps from a machine's groups to wanted partitions",
		Long: `Plan the steps from a machine's groups to the partitions of a NodeIsolation object, and show them.
With --apply they are taken, each is read back, and a failure is undone. The exit code is 1 if the machine cannot be
divided like that.`,
		Example: `  ballast node plan --isolation wish.yaml
  ballast node plan --root copy/ --isolation wish.yaml --apply
  ballast node plan --isolation wish.yaml -o json | jq '.notes[]'`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cli.Need(cmd, "isolation"); err != nil {
				return err
			}
			spec, err := readIsolation(file)
			if err != nil {
				return err
			}
			return planTree(cmd, output, root, isolator.Wanted(spec), moveTasks, apply)
		},
	}
	output.Register(cmd, "text", "json")
	cmd.Flags().StringVar(&root, "root", defaultTree, "resctrl tree, or a copy of one")
	cmd.Flags().StringVar(&file, "isolation", "", "file with a NodeIsolation object, YAML or JSON")
	cmd.Flags().BoolVar(&apply, "apply", false, "take the steps")
	cmd.Flags().BoolVar(&moveTasks, "move-tasks", false, "move threads of groups that go to the default group; else such groups stay")
	return cmd
}

// planTree plans, shows the plan, and carries it out if asked.
func planTree(cmd *cobra.Command, output cli.Format, root string, wanted []partition.Partition, moveTasks, apply bool) (err error) {
	tree, inventory, err := readTree(root)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	plan, err := partition.New(inventory.Capacity, inventory.State, wanted, moveTasks)
	if err != nil {
		return cli.Coded(err, cli.ExitNegative)
	}
	if err := printPlan(cmd.OutOrStdout(), output, plan); err != nil {
		return err
	}
	if !apply || len(plan.Operations) == 0 {
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
object: else it makes them again.`,
		Example: `  ballast node restore --dry-run
  ballast node restore --move-tasks`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return planTree(cmd, output, root, nil, moveTasks, !dryRun)
		},
	}
	output.Register(cmd, "text", "json")
	cmd.Flags().StringVar(&root, "root", defaultTree, "resctrl tree, or a copy of one")
	cmd.Flags().BoolVar(&moveTasks, "move-tasks", false, "move threads of groups that go to the default group; else such groups stay")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show the steps and take none")
	return cmd
}

func newUsageCommand() *cobra.Command {
	var root, before, after string
	var interval time.Duration
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "usage",
		Short: "Who fills how much cache and moves how much memory: occupancy and bandwidth of each group",
		Long: `Show the cache occupancy and memory bandwidth of each control and monitor group in each cache domain: of a
live machine over an interval, or from two copies of a tree that were taken so far apart. What the machine
could not say is missing, and never 0. As csv: rates only, and the default group without a name.`,
		Example: `  ballast node usage --interval 5s
  ballast node usage --before first/ --after second/ --interval 1s -o csv`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if interval <= 0 {
				return cli.Usage("--interval %s must be more than 0", interval)
			}
			if (before == "") != (after == "") {
				return cli.Usage("--before and --after belong together")
			}
			first, second, err := twoReadings(cmd.Context(), root, before, after, interval)
			if err != nil {
				return err
			}
			return printUsage(cmd.OutOrStdout(), output, usageRows(first, second, interval))
		},
	}
	cmd.Flags().StringVar(&root, "root", defaultTree, "live resctrl tree")
	cmd.Flags().StringVar(&before, "before", "", "copy of a tree, instead of a live one")
	cmd.Flags().StringVar(&after, "after", "", "copy of the same tree, taken later")
	cmd.Flags().DurationVar(&interval, "interval", time.Second, "time between the two readings")
	output.Register(cmd, "table", "csv", "json")
	return cmd
}

// twoReadings reads the counters of two copies, or twice those of a live tree.
func twoReadings(ctx context.Context, root, before, after string, interval time.Duration) (first, second []resctrl.Counters, err error) {
	if before != "" {
		if first, _, err = treeCounters(before); err != nil {
			return nil, nil, err
		}
		second, _, err = treeCounters(after)
		return first, second, err
	}
	first, live, err := treeCounters(root)
	if err != nil {
		return nil, nil, err
	}
	if !live { // nothing would have moved, which is not what the machine did
		return nil, nil, cli.Usage("%s is a copy, and a copy does not change: give --before and --after", root)
	}
	select {
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-time.After(interval):
	}
	second, _, err = treeCounters(root)
	return first, second, err
}

// treeCounters reads the counters of one tree, and says whether it is live or a copy. A tree without any is a negative result.
func treeCounters(root string) (out []resctrl.Counters, live bool, err error) {
	tree, _, err := readTree(root)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	if out, err = resctrl.ReadCounters(tree); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s: %w", root, err)
		}
		return nil, false, err
	}
	if len(out) == 0 {
		return nil, false, cli.Negative("%s: this machine counts neither occupancy nor bandwidth (no mon_data)", root)
	}
	return out, tree.Live(), nil
}
