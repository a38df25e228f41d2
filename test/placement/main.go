package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ballast-k8s/ballast/test/replay/rates"
)

// options are the flags.
type options struct {
	data, model, table, out string
	scenarios, only         string
	batches, seeds          int
}

func main() {
	var o options
	flag.StringVar(&o.data, "data", rates.DataFolder(), "folder with metis/")
	flag.StringVar(&o.model, "model", "", "interference model (default: fitted to the mixes of the data folder)")
	flag.StringVar(&o.table, "table", "", "CSV of all mixes that judges, n_<class> and perf_<class> (default: the paper's simulator, forest.csv.gz)")
	flag.StringVar(&o.scenarios, "scenarios", allScenarios, "nodes/containers, separated by commas")
	flag.StringVar(&o.only, "only", "", "regular expression of the contestants to run (default: all)")
	flag.IntVar(&o.batches, "batches", 30, "batches of each scenario, from the first")
	flag.IntVar(&o.seeds, "seeds", 1, "how often each batch is placed by those that leave something to chance")
	flag.StringVar(&o.out, "out", filepath.Join("out", "placement"), "folder for placement.csv (placements) and placement.json (tables)")
	flag.Parse()
	err := run(&o)
	switch {
	case errors.As(err, new(usageError)):
		fmt.Fprintln(os.Stderr, "placement:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "placement:", err)
		os.Exit(3)
	}
}

// usageError is a wrong flag.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func run(o *options) error {
	scenarios, err := parseScenarios(o.scenarios)
	if err != nil {
		return err
	}
	if o.batches < 1 || o.seeds < 1 {
		return usageError{fmt.Sprintf("-batches %d and -seeds %d, expected at least 1", o.batches, o.seeds)}
	}
	d, err := load(o)
	if err != nil {
		return err
	}
	all, err := d.contestants(o.only)
	if err != nil {
		return err
	}
	var results []result
	for _, s := range scenarios {
		some, err := d.compete(s, all, o, os.Stderr)
		if err != nil {
			return fmt.Errorf("scenario %s: %w", s, err)
		}
		results = append(results, some...)
	}
	rows := summarise(results)
	if err := show(os.Stdout, d.heading(o), rows); err != nil {
		return err
	}
	return save(o.out, d.heading(o), results, rows)
}
