// Package cli is what the verbs of the command-line tool share: how a command line is run and which exit code it ends with, the flags and
// output formats that all of them have, files that are read and written whole, and progress on standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/version"
)

// Root is the tool with its verbs.
func Root(verbs ...*cobra.Command) *cobra.Command {
	root := &cobra.Command{
		Use:   "ballast",
		Short: "Keep latency-sensitive applications on time with the least CPU",
		Long: `Ballast learns how an application's latency depends on where its pods run, how much CPU
they hold and who shares the node, and uses that model to schedule, to size and to isolate.`,
		Example: `  ballast demo
  ballast interference fit --mixes mixes.csv --out model.json
  ballast cluster up --nodes 27`,
		Version:           version.Get().GitVersion,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return Usage("unknown command %q", args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl-") {
		root.Use = "ballast"
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl ballast"}
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return Coded(err, ExitUsage) })
	root.AddCommand(verbs...)
	return root
}

// Run executes one command line and returns the exit code. What went wrong is on stderr.
func Run(ctx context.Context, root *cobra.Command, args []string, stdout, stderr io.Writer) int {
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitDone
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "ballast: interrupted; everything that was started is stopped")
		return ExitFailed
	}
	fmt.Fprintf(stderr, "ballast: %v\n", err)
	code := Code(err)
	if code == ExitUsage {
		fmt.Fprintf(stderr, "See '%s --help'.\n", command.CommandPath())
	}
	return code
}

// NoArguments refuses positional arguments as wrong use.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 && cmd.HasSubCommands() {
		return Usage("unknown command %q for %q", args[0], cmd.CommandPath())
	}
	if len(args) > 0 {
		return Usage("unexpected argument %q", args[0])
	}
	return nil
}

// Need refuses a command line without the named flags.
func Need(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if f := cmd.Flags().Lookup(name); f == nil || !f.Changed {
			return Usage("--%s is required", name)
		}
	}
	return nil
}
