// Command ballast-recommender is a recommender of the Vertical Pod Autoscaler, named ballast. See package recommender for what it
// decides and for its configuration file, and manifests/recommender for how to run it.
package main

import (
	"context"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/version"

	"github.com/ballast-k8s/ballast/recommender"
)

// defaultPort is the stock recommender's.
const defaultPort = 8942

func main() { os.Exit(cli.Run(newCommand())) }

func newCommand() *cobra.Command {
	o := recommender.Options{Config: recommender.DefaultConfig()}
	var configFile string
	cmd := &cobra.Command{
		Use:     "ballast-recommender",
		Short:   "A recommender of the Vertical Pod Autoscaler, for VPA objects that name recommender ballast",
		Example: "  ballast-recommender --config=manifests/recommender/config.yaml --kubeconfig=$HOME/.kube/config --bind-address=127.0.0.1",
		Version: version.Get().GitVersion,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if configFile != "" {
				var err error
				if o.Config, err = recommender.ReadConfig(configFile); err != nil {
					return err
				}
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return recommender.Run(ctx, o)
		},
	}
	cmd.SetContext(context.Background())
	flags := cmd.Flags()
	flags.StringVar(&configFile, "config", "", "file with the configuration; none: the defaults")
	flags.StringVar(&o.Kubeconfig, "kubeconfig", "", "file that names the API server; none: the pod's own ServiceAccount")
	flags.IPVar(&o.Endpoint.Address, "bind-address", net.IPv4zero, "address for /healthz and /metrics, and for OTLP unless the configuration has another (HTTPS)")
	flags.IntVar(&o.Endpoint.Port, "secure-port", defaultPort, "port for /healthz and /metrics (HTTPS); 0: none")
	flags.StringVar(&o.Endpoint.CertFile, "tls-cert-file", "", "file with the certificate to show, for OTLP too; none: one of its own making")
	flags.StringVar(&o.Endpoint.KeyFile, "tls-private-key-file", "", "file with the certificate's key")
	return cmd
}
