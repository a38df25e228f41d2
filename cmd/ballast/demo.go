package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/demo"
	"github.com/ballast-k8s/ballast/simulator/report"
)

// demoOptions are the flags of ballast demo.
type demoOptions struct {
	data, out, tools, scheduler string
	nodes                       []int
	seed                        uint64
}

func newDemoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Place a real batch with the stock scheduler and with Ballast, and compare",
		Long: `Start a real control plane on this machine (no root, no container runtime, loopback only), place the same
200 containers on simulated nodes twice through the real API server, with the stock kube-scheduler and with
ballast-scheduler, and compare. Ends with a table and writes an HTML report.

With measured mixes (--data, a folder that holds metis/) the model learns from published measurements and the
placement is judged by the published simulator; without, an analytic model of cache and bandwidth takes the
place of both. Nothing is left running, whether it ends well, fails or is interrupted.`,
		Example: `  ballast demo
  ballast demo --data ./data --nodes 27,81,200 --seed 7 --out /tmp/report`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	cmd.Flags().StringVar(&o.data, "data", "", "folder with measured mixes (default $BALLAST_DATA, else ../shared/data, else none)")
	cmd.Flags().StringVar(&o.out, "out", "out", "folder for the report")
	cmd.Flags().StringVar(&o.tools, "tools", "", "folder with the control plane's binaries (default: the nearest .tools/bin)")
	cmd.Flags().StringVar(&o.scheduler, "scheduler", "", "ballast-scheduler binary (default: beside this one)")
	cmd.Flags().IntSliceVar(&o.nodes, "nodes", []int{27, 81}, "sizes of the machine park, ascending")
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "seed of the order of arrival")
	return cmd
}

func (o *demoOptions) run(cmd *cobra.Command) error {
	for i, n := range o.nodes {
		if n < 1 || n > 5000 || i > 0 && n <= o.nodes[i-1] {
			return usageError("--nodes %v: expected ascending numbers from 1 to 5000", o.nodes)
		}
	}
	scheduler, err := o.schedulerPath()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil { // before minutes of work, not after
		return fmt.Errorf("making the report's folder: %w", err)
	}
	inputs, err := o.inputs()
	if err != nil {
		return err
	}
	for _, note := range inputs.Notes {
		cmd.PrintErrln("note: " + note)
	}
	bar := newProgress(cmd.ErrOrStderr())
	result, err := demo.Run(cmd.Context(), demo.Config{
		Scheduler: scheduler, ToolDir: o.tools, Nodes: o.nodes, Seed: o.seed, Progress: bar.show,
	}, inputs)
	bar.close()
	if errors.Is(err, demo.ErrTooFewNodes) {
		return usageError("--nodes: %w", err)
	}
	if err != nil {
		return err
	}
	if err := result.Print(cmd.OutOrStdout()); err != nil {
		return err
	}
	return o.write(cmd, result)
}

// write leaves the report and the numbers behind it in the output folder.
func (o *demoOptions) write(cmd *cobra.Command, result *demo.Result) error {
	numbers, err := json.MarshalIndent(result, "", " ")
	if err != nil {
		return fmt.Errorf("encoding the result: %w", err)
	}
	var page bytes.Buffer
	if err := report.Write(&page, result); err != nil {
		return err
	}
	html := filepath.Join(o.out, "report.html")
	if err := errors.Join(writeFile(filepath.Join(o.out, "demo.json"), numbers), writeFile(html, page.Bytes())); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\nReport: %s (open it in a browser); numbers: %s\n", html, filepath.Join(o.out, "demo.json"))
	return nil
}

// schedulerPath finds ballast-scheduler.
func (o *demoOptions) schedulerPath() (string, error) {
	path := o.scheduler
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("finding ballast-scheduler: %w; give --scheduler", err)
		}
		path = filepath.Join(filepath.Dir(self), "ballast-scheduler")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("finding ballast-scheduler: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("finding ballast-scheduler: %w; run `make build`, or give --scheduler", err)
	}
	return path, nil
}

// inputs are the published measurements where they are found, else generated ones. A folder that was asked for must be there.
func (o *demoOptions) inputs() (*demo.Inputs, error) {
	folder, asked := o.data, o.data != ""
	if !asked {
		folder = os.Getenv("BALLAST_DATA")
		asked = folder != ""
	}
	if !asked {
		folder = filepath.Join("..", "shared", "data")
		if _, err := os.Stat(filepath.Join(folder, "metis")); errors.Is(err, fs.ErrNotExist) {
			return demo.GeneratedInputs(o.seed)
		}
	}
	tables := make([]*interference.Table, 0, 4)
	for _, file := range []string{"mixes.csv.gz", "pairs.csv", "batch_set_200.csv", "forest.csv.gz"} {
		t, err := readMixes(filepath.Join(folder, "metis", file))
		if err != nil {
			return nil, fmt.Errorf("reading measured mixes: %w", err)
		}
		tables = append(tables, t)
	}
	return demo.MetisInputs(tables[0], tables[1], tables[2], tables[3])
}
