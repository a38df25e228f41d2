package node

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

func newInspectCommand() *cobra.Command {
	var root string
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "inspect",
		Short: "What a machine can divide, its control groups, and what could not be read",
		Long: `Show what a machine can divide, its control groups with their values, and what could not be read.
Where there is no resctrl, a sentence says why, and the exit code is 1; so it is where there is nothing to divide or to
count. The fields of -o json are in docs/formats.md; what is not known is absent there, and - in the table.`,
		Example: `  ballast node inspect
  ballast node inspect --root copy/ -o json`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tree, inventory, err := readTree(root)
			if err != nil {
				return err
			}
			err = errors.Join(printInventory(cmd.OutOrStdout(), output, inventory), tree.Close())
			if err == nil && len(inventory.Capacity.Resources) == 0 && inventory.Capacity.Monitoring == nil {
				err = cli.Negative("%s: nothing to divide or to count, neither caches nor memory bandwidth", root)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&root, "root", defaultTree, "resctrl tree, or a copy of one")
	output.Register(cmd, "table", "json")
	return cmd
}

// printInventory shows what a machine can divide and how it is divided.
func printInventory(w io.Writer, format cli.Format, i resctrl.Inventory) error {
	if format.String() == "json" {
		return cli.JSON(w, inventoryOf(i))
	}
	fmt.Fprintln(w, classesSentence(i))
	if m := i.Capacity.Monitoring; m != nil {
		fmt.Fprintf(w, "It counts for %d groups apart: %s.\n", m.RMIDs, escaped(fmt.Sprint(m.Features)))
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\nRESOURCE\tDOMAINS\tCAN BE DIVIDED")
	for _, r := range i.Capacity.Resources {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", r.Name, schemata.Ranges(r.Domains), divisible(r))
	}
	fmt.Fprintln(tw, "\nGROUP\tTHREADS\tVALUES")
	for _, g := range i.State.Groups {
		name, threads := shown(g.Name), "-"
		if g.Name == schemata.DefaultGroup {
			name = "(default)"
		}
		if i.Knows(g.Name, "tasks") {
			threads = strconv.Itoa(g.Tasks)
		}
		for _, line := range i.Capacity.Describe(g.Schemata, nil) {
			fmt.Fprintf(tw, "%s\t%s\t%s\n", name, threads, line)
			name, threads = "", ""
		}
		if name != "" {
			fmt.Fprintf(tw, "%s\t%s\t\n", name, threads)
		}
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, u := range i.Unread {
		fmt.Fprintf(w, "Not read: %s\n", escaped(u))
	}
	return nil
}

func classesSentence(i resctrl.Inventory) string {
	if len(i.Capacity.Resources) == 0 {
		return "This machine divides neither caches nor memory bandwidth."
	}
	return fmt.Sprintf("This machine tells %d classes apart, of which %d are in use.", i.Capacity.Classes(), len(i.State.Groups))
}

func divisible(r schemata.Resource) string {
	if b := r.Bandwidth; b != nil {
		return fmt.Sprintf("%s, from %d in steps of %d; %d is no limit", b.Unit, b.Min, b.Step, b.Max)
	}
	text := fmt.Sprintf("%d ways, at least %d for each group", r.Cache.Ways(), r.Cache.Least())
	if r.Cache.Shareable != 0 {
		text += ", devices use ways " + schemata.WayRanges(r.Cache.Shareable)
	}
	if size := r.Cache.WayBytes[r.Domains[0]]; size > 0 {
		text += fmt.Sprintf(", %.2f MiB each", float64(size)/(1<<20))
	}
	return text
}
