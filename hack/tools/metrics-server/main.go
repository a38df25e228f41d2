// Command metrics-server is the upstream metrics-server v0.9.0 whose --metric-resolution may be less than ten seconds.
//
// Upstream refuses less, because a real kubelet measures its containers about every ten seconds, so that shorter periods would read
// the same value twice. Ballast's demonstrations divide every period of a cluster by one printed factor, and their simulated
// kubelets measure whenever they are asked: production's 15 s are 250 ms at the usual factor of 60. Everything else is upstream's:
// the flags, their checks, the server. Two of its constants are not periods of the resolution and stay undivided: the requests of
// one round are spread over 8 ms for each node, at most 4 s, and pods younger than one resolution have no shortcut below 10 s, so that
// their usage appears after two rounds.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"

	"sigs.k8s.io/metrics-server/cmd/metrics-server/app/options"
)

const (
	// upstreamFloor is the least resolution that upstream's validation lets pass.
	upstreamFloor = 10 * time.Second
	// floor is ours: about what a round over ten nodes takes on loopback.
	floor = 100 * time.Millisecond
)

func main() {
	os.Exit(cli.Run(newCommand()))
}

// newCommand returns the command with upstream's flags.
func newCommand() *cobra.Command {
	o := options.NewOptions()
	cmd := &cobra.Command{
		Use:  "metrics-server",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return run(o) },
	}
	for _, flags := range o.Flags().FlagSets {
		cmd.Flags().AddFlagSet(flags)
	}
	cmd.Flags().Lookup("metric-resolution").Usage = fmt.Sprintf("The resolution at which metrics-server will retain metrics, at least %s.", floor)
	return cmd
}

// run checks the options and serves until the process is told to end.
func run(o *options.Options) error {
	if err := validate(o); err != nil {
		return err
	}
	config, err := o.ServerConfig()
	if err != nil {
		return err
	}
	s, err := config.Complete()
	if err != nil {
		return err
	}
	return s.RunUntil(server.SetupSignalHandler())
}

// validate is upstream's check with a lower floor for the resolution.
func validate(o *options.Options) error {
	resolution, timeout := o.MetricResolution, o.KubeletClient.KubeletRequestTimeout
	if resolution < floor {
		return fmt.Errorf("--metric-resolution is %s: it must be at least %s", resolution, floor)
	}
	if timeout > resolution*9/10 {
		return fmt.Errorf("--kubelet-request-timeout is %s: it must be at most nine tenths of --metric-resolution, which is %s", timeout, resolution)
	}
	o.MetricResolution = max(resolution, upstreamFloor) // the rest of the checks, without the one for the floor
	defer func() { o.MetricResolution = resolution }()
	for _, err := range o.Validate() {
		return err
	}
	return nil
}
