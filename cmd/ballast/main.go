// Command ballast is the command-line tool of Ballast: it fits, asks and publishes models, and runs the demonstration and the local
// control plane that it stands on. Installed as kubectl-ballast it is a kubectl plugin.
//
// Data goes to standard output, progress and messages to standard error. Exit codes: 0 done, 1 a negative result, 2 wrong use,
// 3 failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/component-base/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitDone     = 0
	exitNegative = 1
	exitUsage    = 2
	exitFailed   = 3
)

// codedError is an error that decides the exit code.
type codedError struct {
	error
	code int
}

// Unwrap gives the cause.
func (e codedError) Unwrap() error { return e.error }

// usageError marks wrong use of the command line.
func usageError(format string, args ...any) error {
	return codedError{fmt.Errorf(format, args...), exitUsage}
}

// negative marks a negative result: the command did its work and the answer is no.
func negative(format string, args ...any) error {
	return codedError{fmt.Errorf(format, args...), exitNegative}
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(stderr, "ballast: interrupted; everything that was started is stopped")
		return exitFailed
	}
	fmt.Fprintf(stderr, "ballast: %v\n", err)
	coded := codedError{code: exitFailed}
	errors.As(err, &coded)
	if coded.code == exitUsage {
		fmt.Fprintf(stderr, "See '%s --help'.\n", command.CommandPath())
	}
	return coded.code
}

func newRootCommand() *cobra.Command {
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
				return usageError("unknown command %q", args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl-") {
		root.Use = "ballast"
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl ballast"}
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return codedError{err, exitUsage} })
	root.AddCommand(newInterferenceCommand(), newPlaceCommand(), newDemoCommand(), newClusterCommand(), newNodeCommand(), newGraphCommand(),
		newAllocateCommand())
	return root
}

// noArguments refuses positional arguments as wrong use.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError("unexpected argument %q", args[0])
	}
	return nil
}

// need refuses a command line without the named flags.
func need(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if f := cmd.Flags().Lookup(name); f == nil || !f.Changed {
			return usageError("--%s is required", name)
		}
	}
	return nil
}
