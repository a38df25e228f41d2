// Package node is the verb node: it shows how a machine's caches and memory bandwidth are divided, and plans or undoes it.
package node

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
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

// openTree opens a tree. Its absence is a negative result.
func openTree(root string) (*directory.Tree, error) {
	tree, err := directory.Open(root)
	if err != nil {
		return nil, cli.Negative("%w%s", err, thisMachine(root))
	}
	return tree, nil
}

// readTree opens and reads a tree. Its absence is a negative result.
func readTree(root string) (*directory.Tree, resctrl.Inventory, error) {
	tree, err := openTree(root)
	if err != nil {
		return nil, resctrl.Inventory{}, err
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
