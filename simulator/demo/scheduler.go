package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/manifests"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

// Scheduler is one of the two schedulers compared.
type Scheduler struct {
	// Title is what reports call it, Name the pods' schedulerName.
	Title, Name string
	// profile is the manifest with the KubeSchedulerConfiguration, none for the defaults.
	profile string
}

// Stock is kube-scheduler with its defaults.
func Stock() Scheduler { return Scheduler{Title: "stock", Name: "default-scheduler"} }

// Ballast is ballast-scheduler with its manifests. It needs Install.
func Ballast() Scheduler {
	return Scheduler{Title: "Ballast", Name: "ballast-scheduler", profile: "scheduler/profile-second.yaml"}
}

// RunningScheduler is a scheduler that was started.
type RunningScheduler struct {
	*localcluster.Child

	probe *probe
}

// Start runs the scheduler on a cluster under its own identity and waits until it is healthy and, for ours, has loaded the model. The
// binary is that of ballast-scheduler.
func (s Scheduler) Start(ctx context.Context, cluster *localcluster.Cluster, binary string) (*RunningScheduler, error) {
	path := filepath.Join(cluster.ToolDir(), "kube-scheduler")
	identify := func() (string, error) { return cluster.UserKubeconfig("system:kube-scheduler") }
	if s.profile != "" {
		path = binary
		identify = func() (string, error) {
			return cluster.ServiceAccountKubeconfig(ctx, "ballast-system", "ballast-scheduler")
		}
	}
	kubeconfig, err := identify()
	if err != nil {
		return nil, err
	}
	config, err := s.configuration(cluster.Dir(), kubeconfig)
	if err != nil {
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	probe, err := newProbe(cluster.AdminConfig(), port)
	if err != nil {
		return nil, err
	}
	child, err := cluster.Run(ctx, localcluster.Process{
		Name: s.Name, Path: path,
		Args: []string{
			"--config=" + config, "--bind-address=127.0.0.1", "--secure-port=" + strconv.Itoa(port),
			"--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig, "--v=2",
		},
		Ready: func(ctx context.Context) error {
			if s.profile == "" {
				return probe.healthy(ctx)
			}
			return probe.decides(ctx)
		},
	})
	return &RunningScheduler{child, probe}, err
}

// configuration writes the scheduler's configuration: the manifest as it is shipped, but for the connection and leader election.
// Both schedulers get the same client limits, above what either needs, so that neither waits for its own throttle of 50 pods/s.
func (s Scheduler) configuration(dir, kubeconfig string) (string, error) {
	config := map[string]any{"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration"}
	if s.profile != "" {
		b, err := manifests.FS.ReadFile(s.profile)
		if err != nil {
			return "", fmt.Errorf("reading built-in manifest: %w", err)
		}
		if err := yaml.Unmarshal(b, &config); err != nil {
			return "", fmt.Errorf("reading built-in manifest %s: %w", s.profile, err)
		}
	}
	config["clientConnection"] = map[string]any{"kubeconfig": kubeconfig, "qps": 1000, "burst": 2000}
	config["leaderElection"] = map[string]any{"leaderElect": false}
	b, err := yaml.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("encoding the scheduler's configuration: %w", err)
	}
	path := filepath.Join(dir, s.Name+".yaml")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return "", fmt.Errorf("writing the scheduler's configuration: %w", err)
	}
	return path, nil
}

// AssertScored makes sure that ballast-scheduler's plugin compared nodes for nearly every one of so many pods; else it only shows the
// stock scheduler. The last pods of a full park may find a single feasible node, where kube-scheduler does not score.
func (r *RunningScheduler) AssertScored(ctx context.Context, pods int) error {
	const least = 0.9
	n, err := r.probe.scored(ctx)
	if err != nil {
		return err
	}
	if float64(n) < least*float64(pods) {
		return fmt.Errorf("InterferenceFit scored only %d of %d pods", n, pods)
	}
	return nil
}
