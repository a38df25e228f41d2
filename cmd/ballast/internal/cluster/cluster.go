// Package cluster is the verb cluster: a real control plane on this machine with simulated nodes, which a background process, the
// supervisor, owns from its start to its end.
package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// maxLocalNodes bounds --nodes: a thousand take 16 s and 0.7 GB, ten thousand would not fit a laptop.
const maxLocalNodes = 5000

// upOptions are the flags of `ballast cluster up`.
type upOptions struct {
	nodes      int
	cpu        string
	memory     string
	scheduler  string
	port       int
	tools      string
	foreground bool
	supervise  bool
}

// Command makes the verb.
func Command() *cobra.Command {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	return newCommand(self)
}

// newCommand makes the command; supervisor is the command line of this program, under which `up` starts itself again in the
// background.
func newCommand(supervisor ...string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "A local Kubernetes control plane with simulated nodes",
		Long: `Run a real Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager) on this machine, without
root and without containers. The nodes are simulated by KWOK: pods are scheduled and become Running, but
nothing executes. The programs are those that 'make tools' builds.`,
		Example: `  ballast cluster up --nodes 27
  export KUBECONFIG=$(ballast cluster status -o json | jq -r .kubeconfig)
  ballast cluster down`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newUpCommand(supervisor), newStatusCommand(), newDownCommand())
	return cmd
}

func newUpCommand(supervisor []string) *cobra.Command {
	var options upOptions
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the local control plane",
		Long: `Start the local control plane and return when it is ready; it keeps running in the background until
'ballast cluster down'. One runs at a time for each user and temporary folder (TMPDIR).
With --foreground it ends with Ctrl-C.`,
		Example: `  ballast cluster up --nodes 81 --cpu 16 --memory 64Gi
  ballast cluster up --scheduler none --apiserver-port 6443
  ballast cluster up --foreground`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := options.validate(); err != nil {
				return err
			}
			switch {
			case options.supervise:
				return superviseInBackground(cmd.Context(), options)
			case options.foreground:
				return superviseInForeground(cmd.Context(), options, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return startSupervisor(cmd, supervisor, options)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&options.nodes, "nodes", 3, fmt.Sprintf("number of simulated nodes, 0 to %d", maxLocalNodes))
	flags.StringVar(&options.cpu, "cpu", "16", "CPU of each node")
	flags.StringVar(&options.memory, "memory", "64Gi", "memory of each node")
	flags.StringVar(&options.scheduler, "scheduler", "stock", "scheduler to run: stock, or none if you start your own")
	flags.IntVar(&options.port, "apiserver-port", 0, "port of the API server on 127.0.0.1; 0 takes a free one")
	flags.StringVar(&options.tools, "tools", "", "folder of the control-plane binaries (default $BALLAST_TOOLS, else .tools/bin here or above)")
	flags.BoolVar(&options.foreground, "foreground", false, "stay in the foreground until Ctrl-C")
	flags.BoolVar(&options.supervise, "supervise", false, "be the background process of up")
	_ = flags.MarkHidden("supervise") // it exists
	return cmd
}

// validate checks the flags and returns the capacity of a node.
func (o upOptions) validate() (corev1.ResourceList, error) {
	if o.nodes < 0 || o.nodes > maxLocalNodes {
		return nil, cli.Usage("--nodes must be between 0 and %d, got %d", maxLocalNodes, o.nodes)
	}
	if o.port < 0 || o.port > 65535 {
		return nil, cli.Usage("--apiserver-port must be between 0 and 65535, got %d", o.port)
	}
	if !slices.Contains([]string{"stock", "none"}, o.scheduler) {
		return nil, cli.Usage("--scheduler must be stock or none, got %q", o.scheduler)
	}
	capacity := corev1.ResourceList{}
	for _, q := range []struct {
		name  corev1.ResourceName
		value string
	}{{corev1.ResourceCPU, o.cpu}, {corev1.ResourceMemory, o.memory}} {
		quantity, err := resource.ParseQuantity(q.value)
		if err != nil || quantity.Sign() <= 0 {
			return nil, cli.Usage("--%s must be a positive quantity such as 16 or 64Gi, got %q", q.name, q.value)
		}
		capacity[q.name] = quantity
	}
	return capacity, nil
}

func newStatusCommand() *cobra.Command {
	var output cli.Format
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show whether a local control plane runs, and where (exit code 1 if none does)",
		Example: `  ballast cluster status
  ballast cluster status -o json`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home := findClusterHome()
			status, err := home.status(cmd.Context())
			if err != nil {
				return err
			}
			if output.String() == "json" {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				if err := encoder.Encode(status); err != nil {
					return fmt.Errorf("writing the status: %w", err)
				}
			} else if status.Running {
				status.print(cmd.OutOrStdout())
			}
			if !status.Running {
				return cli.Negative("no local cluster is running%s: start one with `ballast cluster up`", status.ended())
			}
			return nil
		},
	}
	output.Register(cmd, "table", "json")
	return cmd
}

func newDownCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "down",
		Short:   "Stop the local control plane and remove everything it left",
		Example: `  ballast cluster down`,
		Args:    cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home := findClusterHome()
			begin := time.Now()
			stopped, err := home.stop(cmd.Context())
			if err != nil {
				return err
			}
			if !stopped {
				fmt.Fprintln(cmd.ErrOrStderr(), "no local cluster was running")
				return nil
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "local cluster stopped in %.1fs\n", time.Since(begin).Seconds())
			return nil
		},
	}
}
