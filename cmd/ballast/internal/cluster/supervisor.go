package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

// supervisor owns a local cluster from its start to its end.
type supervisor struct {
	home    *clusterHome
	options upOptions
	// show is told of every step; ready is called once the cluster can be used, and its error ends the cluster.
	show  func(step string, done, total int)
	ready func(clusterRecord) error
}

// superviseInForeground runs a cluster until ctx ends, which is the ordinary end here.
func superviseInForeground(ctx context.Context, options upOptions, stdout, stderr io.Writer) error {
	display := cli.NewProgress(stderr)
	s := supervisor{home: findClusterHome(), options: options, show: display.Show}
	s.ready = func(record clusterRecord) error {
		display.Close()
		announce(stdout, stderr, record, options.nodes)
		_, err := fmt.Fprintln(stderr, "Ctrl-C stops it.")
		return err
	}
	defer display.Close()
	err := s.run(ctx)
	if err == nil {
		fmt.Fprintln(stderr, "local cluster stopped")
	}
	return err
}

// announce says where the cluster is. Only the line that a shell can evaluate goes to standard output.
func announce(stdout, stderr io.Writer, record clusterRecord, nodes int) {
	fmt.Fprintf(stderr, "local cluster ready: %d simulated nodes, %s scheduler, %s\n", nodes, record.Scheduler, record.Server)
	fmt.Fprintf(stderr, "logs in %s; stop it with: ballast cluster down\n", filepath.Join(record.Folder, "logs"))
	fmt.Fprintf(stdout, "export KUBECONFIG=%s\n", record.Kubeconfig)
}

// run holds the lock, starts the cluster, waits for its end and cleans up. It returns nil if ctx ended an otherwise healthy
// cluster.
func (s *supervisor) run(ctx context.Context) error {
	release, err := s.home.lock()
	if errors.Is(err, errRuns) {
		return s.home.runsAlready()
	}
	if err != nil {
		return err
	}
	defer release()
	if err := s.home.clear(); err != nil {
		return err
	}
	record := clusterRecord{PID: os.Getpid(), Started: time.Now().Truncate(time.Second), Scheduler: s.options.scheduler}
	if err := s.home.write(record); err != nil {
		return err
	}
	broken, err := s.live(ctx, &record)
	if broken {
		// What is left is a note for `ballast cluster status`.
		return errors.Join(err, s.home.clear(), s.home.write(clusterRecord{Error: err.Error()}))
	}
	return errors.Join(err, s.home.remove())
}

// live runs the cluster. It reports whether a cluster that was ready broke.
func (s *supervisor) live(ctx context.Context, record *clusterRecord) (broken bool, err error) {
	cluster, err := localcluster.Start(ctx, localcluster.Config{
		ToolDir: s.options.tools, TempDir: s.home.dir, APIServerPort: s.options.port,
		Progress: func(e localcluster.Event) { s.show(e.Step, e.Done, e.Total) },
	})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	scheduler, err := s.populate(ctx, cluster)
	if err != nil {
		return false, err
	}
	if err := s.publish(cluster, record); err != nil {
		return false, err
	}
	select {
	case <-ctx.Done():
		return false, nil
	case <-cluster.Done():
		err = cluster.Err()
	case <-schedulerDone(scheduler):
		err = scheduler.Err()
	}
	if ctx.Err() != nil {
		return false, nil // ctx ended the cluster, and the scheduler with it
	}
	return true, err
}

// schedulerDone is the scheduler's end; without a scheduler it never comes.
func schedulerDone(scheduler *localcluster.Child) <-chan struct{} {
	if scheduler == nil {
		return nil
	}
	return scheduler.Done()
}

// publish writes down where the cluster is and tells whoever waits for it.
func (s *supervisor) publish(cluster *localcluster.Cluster, record *clusterRecord) error {
	kubeconfig, err := os.ReadFile(cluster.AdminKubeconfig())
	if err != nil {
		return fmt.Errorf("reading the local cluster's kubeconfig: %w", err)
	}
	// The same path for every cluster of a user, so that a shell that has exported it need not export again.
	if err := os.WriteFile(s.home.kubeconfig(), kubeconfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	record.Server, record.Folder, record.Kubeconfig = cluster.Server(), cluster.Dir(), s.home.kubeconfig()
	if err := s.home.write(*record); err != nil {
		return err
	}
	return s.ready(*record)
}

// populate adds the nodes and the scheduler, which is nil if none is wanted.
func (s *supervisor) populate(ctx context.Context, cluster *localcluster.Cluster) (*localcluster.Child, error) {
	capacity, err := s.options.validate()
	if err != nil {
		return nil, err
	}
	if s.options.nodes > 0 {
		if err := cluster.AddNodes(ctx, "node", s.options.nodes, localcluster.NodeShape{Capacity: capacity}); err != nil {
			return nil, err
		}
	}
	if s.options.scheduler == "none" {
		return nil, nil // none is wanted, and nothing failed
	}
	s.show("kube-scheduler", 0, 0)
	return runStockScheduler(ctx, cluster)
}

// runStockScheduler runs kube-scheduler with its defaults, under the identity that Kubernetes defines for it.
func runStockScheduler(ctx context.Context, cluster *localcluster.Cluster) (*localcluster.Child, error) {
	kubeconfig, err := cluster.UserKubeconfig("system:kube-scheduler")
	if err != nil {
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	return cluster.Run(ctx, localcluster.Process{
		Name: "kube-scheduler", Path: filepath.Join(cluster.ToolDir(), "kube-scheduler"),
		Args: []string{
			"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
			"--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(port), "--leader-elect=false",
			"--kube-api-qps=1000", "--kube-api-burst=2000", // the default limits it to 50 pods a second
		},
		Ready: localcluster.Healthz(fmt.Sprintf("https://127.0.0.1:%d/healthz", port)),
	})
}

// runsAlready is the answer to a second `up`.
func (h *clusterHome) runsAlready() error {
	record, err := h.read()
	if err != nil || record.Server == "" {
		return cli.Negative("a local cluster is starting already: wait for it, or stop it with `ballast cluster down`")
	}
	return cli.Negative("a local cluster is running already, since %s: use it with\nexport KUBECONFIG=%s\nor stop it with `ballast cluster down`",
		record.Started.Format(time.RFC3339), record.Kubeconfig)
}
