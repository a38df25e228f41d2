package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/manifests"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/plant"
)

// schedulerArm is one of the two schedulers compared.
type schedulerArm struct {
	title string
	// name is the pods' schedulerName; profile the manifest with the KubeSchedulerConfiguration, none for the defaults.
	name, profile string
}

// schedulers are the arms, in the order they run.
func schedulers() []schedulerArm {
	return []schedulerArm{
		{title: "stock", name: "default-scheduler"},
		{title: "Ballast", name: "ballast-scheduler", profile: "scheduler/profile-second.yaml"},
	}
}

// arm starts a scheduler, lets it place the batch, reads the placement and removes pods and scheduler again.
func (d *demonstration) arm(ctx context.Context, s schedulerArm) (*Arm, error) {
	child, probe, err := d.startScheduler(ctx, s)
	if err != nil {
		return nil, err
	}
	defer child.Stop()
	seconds, err := d.placeBatch(ctx, s, child)
	if err != nil {
		return nil, err
	}
	placement, err := d.placement(ctx)
	if err != nil {
		return nil, err
	}
	arm := &Arm{Name: s.title, Placement: placement, PodsPerSecond: float64(len(d.order)) / seconds}
	if arm.DecisionsPerSecond, err = probe.decisionsPerSecond(ctx); err != nil {
		return nil, err
	}
	if s.profile != "" {
		if err := d.assertScored(ctx, probe); err != nil {
			return nil, err
		}
		if arm.Reasons, err = d.reasons(ctx); err != nil {
			return nil, err
		}
	}
	if arm.Verdict, err = plant.Judge(d.in.Truth, placement); err != nil {
		return nil, err
	}
	arm.Predicted = d.predicted(placement)
	return arm, d.removePods(ctx)
}

// assertScored makes sure that the plugin compared nodes for nearly every pod; else the arm shows the stock scheduler twice. The last
// pods of a full park may find a single feasible node, where kube-scheduler does not score.
func (d *demonstration) assertScored(ctx context.Context, p *probe) error {
	const least = 0.9
	n, err := p.scored(ctx)
	if err != nil {
		return err
	}
	if float64(n) < least*float64(len(d.order)) {
		return fmt.Errorf("InterferenceFit scored only %d of %d pods", n, len(d.order))
	}
	return nil
}

// predicted is the mean performance the model expects of a placement.
func (d *demonstration) predicted(placement [][]int) float64 {
	var value float64
	n := 0
	for _, counts := range placement {
		var mix interference.Mix
		for class, count := range counts {
			index, ok := d.in.Model.ClassIndex(d.in.Truth.Classes()[class])
			if count > 0 && ok {
				mix = mix.Add(nil, index, float64(count))
			}
			n += count
		}
		value += d.in.Model.Value(mix, nil)
	}
	return value / float64(n)
}

// startScheduler runs a scheduler under its own identity and waits until it is healthy and, for ours, has loaded the model.
func (d *demonstration) startScheduler(ctx context.Context, s schedulerArm) (*localcluster.Child, *probe, error) {
	d.cfg.Progress("starting the "+s.title+" scheduler", 0, 0)
	path := filepath.Join(d.cluster.ToolDir(), "kube-scheduler")
	identify := func() (string, error) { return d.cluster.UserKubeconfig("system:kube-scheduler") }
	if s.profile != "" {
		path = d.cfg.Scheduler
		identify = func() (string, error) {
			return d.cluster.ServiceAccountKubeconfig(ctx, "ballast-system", "ballast-scheduler")
		}
	}
	kubeconfig, err := identify()
	if err != nil {
		return nil, nil, err
	}
	config, err := d.configuration(s, kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	port, err := d.cluster.FreePort()
	if err != nil {
		return nil, nil, err
	}
	probe, err := newProbe(d.cluster.AdminConfig(), port)
	if err != nil {
		return nil, nil, err
	}
	child, err := d.cluster.Run(ctx, localcluster.Process{
		Name: s.name, Path: path,
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
	return child, probe, err
}

// configuration writes the scheduler's configuration: the manifest as it is shipped, but for the connection and leader election.
// Both schedulers get the same client limits, above what either needs, so that neither waits for its own throttle of 50 pods/s.
func (d *demonstration) configuration(s schedulerArm, kubeconfig string) (string, error) {
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
	path := filepath.Join(d.cluster.Dir(), s.name+".yaml")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return "", fmt.Errorf("writing the scheduler's configuration: %w", err)
	}
	return path, nil
}
