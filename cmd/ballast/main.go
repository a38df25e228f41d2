// Command ballast is the command-line tool of Ballast: it fits, asks and publishes models, and runs the demonstration and the local
// control plane that it stands on. Installed as kubectl-ballast it is a kubectl plugin.
//
// Data goes to standard output, progress and messages to standard error. Exit codes: 0 done, 1 a negative result, 2 wrong use,
// 3 failed.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/allocate"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cluster"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/demo"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/graph"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/interference"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/node"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/place"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, cli.Root(verbs()...), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// verbs are what the tool can do, a package each.
func verbs() []*cobra.Command {
	return []*cobra.Command{
		interference.Command(), place.Command(), demo.Command(), cluster.Command(), node.Command(), graph.Command(), allocate.Command(),
	}
}
