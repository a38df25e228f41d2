// Package demo is the verb demo: stock Kubernetes and Ballast side by side on a real control plane.
package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/simulator/closedloop"
	"github.com/ballast-k8s/ballast/simulator/demo"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/report"
)

// The parts of the demonstration.
const (
	partPlacement = "placement"
	partLoop      = "loop"
	partAll       = "all"
)

// options are the flags of ballast demo.
type options struct {
	data, out, tools, scheduler, recommender, part string

	nodes   []int
	seed    uint64
	speedup float64
}

// Command makes the verb.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run stock Kubernetes and Ballast side by side on a real control plane, and compare",
		Long: `Start a real control plane on this machine (no root, no container runtime, loopback only) with simulated nodes, and
compare stock Kubernetes with Ballast in two parts. Ends with tables and writes an HTML report.

placement  The same 200 containers are placed twice through the real API server, by the stock kube-scheduler and by
           ballast-scheduler.
loop       An application of eight services runs for an hour under a latency objective, in two arms at once: placed by
           kube-scheduler and sized by the Vertical Pod Autoscaler's own recommender, and placed by ballast-scheduler and sized by
           ballast-recommender. All periods of both are divided by --speedup, so that the hour takes a minute. Ballast's nodes have
           ballast-node on an emulated resctrl tree each; the report shows how they are divided, and who shares what.

With data (--data, a folder that holds metis/ and rates/) the first part learns from published measurements and is judged by the
published simulator, and the second gets a published trace of requests; without, both are generated. Nothing is left running,
whether it ends well, fails or is interrupted.`,
		Example: `  ballast demo
  ballast demo --data ./data --nodes 27,81,200 --seed 7 --out /tmp/report
  ballast demo --part loop --speedup 20`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	cmd.Flags().StringVar(&o.data, "data", "", "folder with measured mixes and rates (default $BALLAST_DATA, else ../shared/data, else none)")
	cmd.Flags().StringVar(&o.out, "out", "out", "folder for the report")
	cmd.Flags().StringVar(&o.tools, "tools", "", "folder with the control plane's binaries (default: the nearest .tools/bin)")
	cmd.Flags().StringVar(&o.scheduler, "scheduler", "", "ballast-scheduler binary (default: beside this one)")
	cmd.Flags().StringVar(&o.recommender, "recommender", "", "ballast-recommender binary (default: beside this one)")
	cmd.Flags().StringVar(&o.part, "part", partAll, "placement, loop or all")
	cmd.Flags().IntSliceVar(&o.nodes, "nodes", []int{27, 81}, "sizes of the first part's machine park, ascending")
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "seed of the order of arrival, of the requests and of what is generated")
	cmd.Flags().Float64Var(&o.speedup, "speedup", closedloop.MaxSpeedup,
		fmt.Sprintf("seconds of the second part's hour in a second, from 1 to %d", closedloop.MaxSpeedup))
	return cmd
}

// demonstration is what a command line asks for.
type demonstration struct {
	progress  func(step string, done, total int)
	placement *demo.Config // nil if it is not wanted
	inputs    *demo.Inputs
	loop      *closedloop.Config // nil if it is not wanted
	logs      string             // folder that the components' logs are left in where the loop was not closed
}

func (o *options) run(cmd *cobra.Command) error {
	if err := o.check(); err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { // before minutes of work, not after
		return fmt.Errorf("making the report's folder: %w", err)
	}
	bar := cli.NewProgress(cmd.ErrOrStderr())
	d := demonstration{progress: bar.Show, logs: filepath.Join(o.out, "logs")}
	if err := o.prepare(cmd, &d); err != nil {
		return err
	}
	result, err := d.run(cmd.Context(), o.tools)
	bar.Close()
	if err != nil {
		return err
	}
	if err := o.show(cmd.OutOrStdout(), result); err != nil {
		return err
	}
	if result.Loop != nil {
		if err := result.Loop.Verify(); err != nil {
			return fmt.Errorf("%w\nThe components' logs are in %s", err, d.logs)
		}
	}
	return nil
}

// check refuses wrong use.
func (o *options) check() error {
	for i, n := range o.nodes {
		if n < 1 || n > 5000 || i > 0 && n <= o.nodes[i-1] {
			return cli.Usage("--nodes %v: expected ascending numbers from 1 to 5000", o.nodes)
		}
	}
	if !slices.Contains([]string{partPlacement, partLoop, partAll}, o.part) {
		return cli.Usage("--part %q: expected placement, loop or all", o.part)
	}
	if !(o.speedup >= 1 && o.speedup <= closedloop.MaxSpeedup) {
		return cli.Usage("--speedup %v: expected a number from 1 to %d", o.speedup, closedloop.MaxSpeedup)
	}
	return nil
}

// prepare finds what the parts need.
func (o *options) prepare(cmd *cobra.Command, d *demonstration) error {
	scheduler, err := program(o.scheduler, "scheduler")
	if err != nil {
		return err
	}
	if o.part != partLoop {
		if d.inputs, err = o.inputs(); err != nil {
			return err
		}
		for _, note := range d.inputs.Notes {
			cmd.PrintErrln("note: " + note)
		}
		d.placement = &demo.Config{Scheduler: scheduler, Nodes: o.nodes, Seed: o.seed, Progress: d.progress}
		if err := d.placement.Check(d.inputs); errors.Is(err, demo.ErrTooFewNodes) {
			return cli.Usage("--nodes: %w", err)
		}
	}
	if o.part == partPlacement {
		return nil
	}
	d.loop = &closedloop.Config{Scheduler: scheduler, Speedup: o.speedup, Seed: o.seed, Progress: d.progress}
	if d.loop.Recommender, err = program(o.recommender, "recommender"); err != nil {
		return err
	}
	d.loop.Load, err = o.load()
	return err
}

// run runs the parts on one control plane. Whatever happens, nothing is left running and the control plane's folder is removed.
func (d *demonstration) run(ctx context.Context, tools string) (result *report.Result, err error) {
	cluster, err := localcluster.Start(ctx, localcluster.Config{
		ToolDir: tools, Progress: func(e localcluster.Event) { d.progress("starting "+e.Step, e.Done, e.Total) },
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if stopErr := cluster.Stop(); stopErr != nil && err == nil {
			err = stopErr
		}
	}()
	result = &report.Result{}
	var loop *closedloop.Loop
	if d.loop != nil {
		if loop, err = closedloop.Prepare(ctx, cluster, *d.loop); err != nil {
			return nil, err
		}
	}
	if d.placement != nil {
		if result.Placement, err = demo.Run(ctx, cluster, *d.placement, d.inputs); err != nil {
			return nil, err
		}
	}
	if loop != nil {
		if result.Loop, err = loop.Run(ctx); err != nil {
			return nil, err
		}
		if result.Loop.Verify() != nil {
			return result, d.keepLogs(cluster)
		}
	}
	return result, nil
}

// keepLogs leaves the components' logs beside the report: the control plane's folder is about to be removed, and they say why.
func (d *demonstration) keepLogs(cluster *localcluster.Cluster) error {
	if err := os.RemoveAll(d.logs); err != nil {
		return fmt.Errorf("removing an earlier run's logs: %w", err)
	}
	if err := os.CopyFS(d.logs, os.DirFS(filepath.Join(cluster.Dir(), "logs"))); err != nil {
		return fmt.Errorf("keeping the components' logs: %w", err)
	}
	return nil
}

// show prints the tables and leaves the report and the numbers behind it in the output folder.
func (o *options) show(out io.Writer, result *report.Result) error {
	if result.Placement != nil {
		if err := result.Placement.Print(out); err != nil {
			return err
		}
	}
	if result.Loop != nil {
		if err := result.Loop.Print(out); err != nil {
			return err
		}
	}
	numbers, err := json.MarshalIndent(result, "", " ")
	if err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	var page bytes.Buffer
	if err := report.Write(&page, result); err != nil {
		return err
	}
	html := filepath.Join(o.out, "report.html")
	if err := errors.Join(cli.WriteFile(filepath.Join(o.out, "demo.json"), numbers), cli.WriteFile(html, page.Bytes())); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nReport: %s (open it in a browser); numbers: %s\n", html, filepath.Join(o.out, "demo.json"))
	return nil
}

// program finds ballast-scheduler or ballast-recommender.
func program(path, which string) (string, error) {
	name := "ballast-" + which
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("finding %s: %w; give --%s", name, err, which)
		}
		path = filepath.Join(filepath.Dir(self), name)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", name, err)
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("finding %s: %w; run `make build`, or give --%s", name, err, which)
	}
	return path, nil
}

// load is the published noisy trace where it is found, else a generated one.
func (o *options) load() (closedloop.Load, error) {
	folder, err := o.folder("rates")
	if err != nil || folder == "" {
		return closedloop.GeneratedLoad(o.seed), err
	}
	b, err := cli.ReadFile(filepath.Join(folder, "autothrottle", "noisy.txt"))
	if err != nil {
		return closedloop.Load{}, fmt.Errorf("reading rates of requests: %w", err)
	}
	return closedloop.ReadLoad("autothrottle's noisy.txt", strings.NewReader(string(b)))
}
