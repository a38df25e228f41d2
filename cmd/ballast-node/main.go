// Command ballast-node is the agent of a node: it divides caches and memory bandwidth as the node's NodeIsolation object wants it, reads
// what containers use, and reports both. See package plugins/node for what it does and manifests/node for how to run it.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/plugins/node"
	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
	"github.com/ballast-k8s/ballast/serving"
)

// defaultPort is next to the recommender's.
const defaultPort = 8943

// silentPeriods is after how many periods without a finished round the process is not healthy.
const silentPeriods = 6

func main() { os.Exit(cli.Run(newCommand())) }

// options are the command line.
type options struct {
	agent      node.Options
	kubeconfig string
	endpoint   serving.Endpoint
}

func newCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:     "ballast-node",
		Short:   "The agent of a node: divides caches and memory bandwidth, and reads what containers use",
		Example: "  ballast-node --node-name=worker-1 --kubeconfig=$HOME/.kube/config --bind-address=127.0.0.1",
		Version: version.Get().GitVersion,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.agent.Node == "" {
				return errors.New("--node-name is required: in a pod, pass spec.nodeName to it, see manifests/node")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return run(ctx, o)
		},
	}
	cmd.SetContext(context.Background())
	flags := cmd.Flags()
	flags.StringVar(&o.agent.Node, "node-name", "", "name of the Node object")
	flags.StringVar(&o.agent.Resctrl, "resctrl-root", "/sys/fs/resctrl", "root of the resctrl tree, which need not exist")
	flags.StringVar(&o.agent.Cgroup, "cgroup-root", "/sys/fs/cgroup", "folder of the cgroup mounts")
	flags.StringVar(&o.agent.Proc, "proc-root", "/proc", "proc of the machine's process namespace")
	flags.StringVar(&o.agent.ContainerLogs, "container-log-root", "/var/log/containers",
		"folder of the kubelet's links to the logs of containers: their names say which container is which, and none is followed")
	flags.StringVar(&o.agent.NRI, "nri-socket", "", "socket of the container runtime's plugin interface, such as "+placement.DefaultSocket+
		": CPU limits of batch containers are written by it; none: there are none")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that names the API server; none: the pod's own ServiceAccount")
	flags.IPVar(&o.endpoint.Address, "bind-address", net.IPv4zero, "address for /healthz and /metrics (HTTPS)")
	flags.IntVar(&o.endpoint.Port, "secure-port", defaultPort, "port for /healthz and /metrics (HTTPS); 0: none")
	flags.StringVar(&o.endpoint.CertFile, "tls-cert-file", "", "file with the certificate to show; none: one of its own making")
	flags.StringVar(&o.endpoint.KeyFile, "tls-private-key-file", "", "file with the certificate's key")
	return cmd
}

// run is the agent until the context ends.
func run(ctx context.Context, o options) error {
	klog.FromContext(ctx).Info("Starting ballast-node", "version", version.Get().GitVersion, "node", o.agent.Node,
		"resctrl", o.agent.Resctrl, "cgroup", o.agent.Cgroup, "proc", o.agent.Proc, "containerLogs", o.agent.ContainerLogs, "nri", o.agent.NRI)
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	if o.agent.Kube, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	if o.agent.Objects, err = dynamic.NewForConfig(config); err != nil {
		return err
	}
	live := serving.NewLiveness(clock.RealClock{}, silentPeriods*node.Period)
	o.agent.Clock, o.agent.Alive, o.agent.Cores = clock.RealClock{}, live.Alive, cores(o.agent.Proc, perf.Online)
	if o.agent.Cores == 0 {
		klog.FromContext(ctx).Info("How many CPUs the machine has is not known: the local loop limits no CPU", "proc", o.agent.Proc)
	}
	agent := node.New(o.agent)
	registry := prometheus.NewRegistry()
	registry.MustRegister(agent.Collectors()...)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	mux := http.NewServeMux()
	mux.Handle("/healthz", live)
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	answering, stopServing := context.WithCancel(ctx)
	defer stopServing()
	stopped, err := serving.Serve(answering, o.endpoint, o.kubeconfig, mux)
	if err != nil {
		return fmt.Errorf("serving health and metrics: %w", err)
	}
	err = agent.Run(ctx)
	stopServing()
	<-stopped
	return err
}
