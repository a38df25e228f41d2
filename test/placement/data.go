package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/test/peers/judge"
	"github.com/ballast-k8s/ballast/test/peers/metis"
	"github.com/ballast-k8s/ballast/test/peers/rules"
)

// data is what a comparison is made on.
type data struct {
	folder string
	judge  *judge.Table
	bounds map[string][]judge.Bound
	rules  []rules.Rule
	nets   *metis.Nets
	model  *interference.Model
}

// load reads everything but the batches, which depend on the scenario.
func load(o *options) (*data, error) {
	d := &data{folder: filepath.Join(o.data, "metis")}
	table := o.table
	if table == "" {
		table = filepath.Join(d.folder, "forest.csv.gz")
	}
	err := open(table, func(r io.Reader) (err error) {
		d.judge, err = judge.ReadTable(table, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	for name, read := range map[string]func(r io.Reader) error{
		"lp_bounds.csv": func(r io.Reader) (err error) {
			d.bounds, err = judge.ReadBounds("lp_bounds.csv", r)
			return err
		},
		"interference_constraints.csv": func(r io.Reader) (err error) {
			d.rules, err = rules.Read("interference_constraints.csv", r, len(d.judge.Classes))
			return err
		},
		"subscheduler_weights.f32le": func(r io.Reader) (err error) {
			d.nets, err = metis.ReadNets(r)
			return err
		},
	} {
		if err := open(filepath.Join(d.folder, name), read); err != nil {
			return nil, err
		}
	}
	d.model, err = d.fit(o.model)
	return d, err
}

func open(path string, read func(r io.Reader) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%w; -data names the folder that holds metis/", err)
	}
	defer f.Close()
	return read(f)
}

// fit reads the model, or fits one to what may be learned from.
func (d *data) fit(file string) (*interference.Model, error) {
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		m, err := interference.Decode(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return m, nil
	}
	var tables []*interference.Table
	for _, name := range []string{"mixes.csv.gz", "pairs.csv"} {
		err := open(filepath.Join(d.folder, name), func(r io.Reader) error {
			if strings.HasSuffix(name, ".gz") {
				unzipped, err := gzip.NewReader(r)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				r = unzipped
			}
			t, err := interference.ReadMixes(name, r)
			tables = append(tables, t)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	ds, err := interference.Pool(tables...)
	if err != nil {
		return nil, err
	}
	return interference.Fit(ds, "mixes.csv.gz, pairs.csv")
}

// batches reads the first batches of so many containers.
func (d *data) batches(s scenario, most int) ([][]int, error) {
	name := fmt.Sprintf("batch_set_%d.csv", s.containers)
	var batches *judge.Batches
	err := open(filepath.Join(d.folder, name), func(r io.Reader) (err error) {
		batches, err = judge.ReadBatches(name, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !slices.Equal(batches.Classes, d.judge.Classes) {
		return nil, fmt.Errorf("%s has the classes %q, expected %q as the table that judges", name, batches.Classes, d.judge.Classes)
	}
	return batches.Counts[:min(most, len(batches.Counts))], nil
}

func (d *data) heading(o *options) string {
	by := "the paper's simulator (forest.csv.gz)"
	if o.table != "" {
		by = filepath.Base(o.table)
	}
	q := d.model.Document().Fit
	return fmt.Sprintf("Judged by %s. Model %s: %d mixes, error %.4f, R² %.4f on mixes left out. "+
		"Bounds are under the measured mixes, whoever judges.",
		by, d.model.Version(), q.Mixes, q.MeanAbsolutePercentageError, q.R2)
}
