package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/online"
)

// fitOnto teaches a model file the mixes of other files.
func fitOnto(modelPath string, paths []string, at time.Time) (*adapt.Learned, error) {
	model, err := readModel(modelPath)
	if err != nil {
		return nil, err
	}
	ds, _, err := poolFiles(paths)
	if err != nil {
		return nil, err
	}
	learned, err := adapt.Learn(model, ds, at, online.HalfLife)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", modelPath, err)
	}
	known := slices.DeleteFunc(slices.Clone(ds.Notes), func(note string) bool { return slices.Contains(ds.Thin, note) })
	learned.Notes = append(known, learned.Notes...)
	return learned, nil
}

// printLearned says what the measurements did to each class.
func printLearned(w io.Writer, classes []adapt.Class) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "class\twhat\tpredictions moved\t90 % interval")
	known := "nothing that the model did not have"
	if slices.ContainsFunc(classes, func(c adapt.Class) bool { return c.New }) {
		known = "measured beside the new"
	}
	for _, c := range classes {
		what, moved, interval := "not measured", "-", "-"
		switch {
		case c.New:
			what = fmt.Sprintf("new, completed from %d mixes", c.Probes)
		case c.Drift != "":
			what = "changed, being learned anew"
		case c.Updates > 0 && c.Clipped > 0:
			what = fmt.Sprintf("%d measurements, %d of them doubtful", c.Updates, c.Clipped)
		case c.Updates > 0:
			what = fmt.Sprintf("%d measurements", c.Updates)
		case c.After > 0:
			what = known
		}
		if c.After > 0 {
			interval = fmt.Sprintf("±%.0f %%", 100*c.After)
		}
		if c.Before > 0 {
			moved = fmt.Sprintf("%.1f %%", 100*c.Moved)
			interval = fmt.Sprintf("±%.1f %% (was ±%.1f %%)", 100*c.After, 100*c.Before)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", c.Name, what, moved, interval)
	}
	return tw.Flush()
}

// writeLearned writes the model and says what was learned.
func writeLearned(out io.Writer, path string, learned *adapt.Learned) error {
	b, err := interference.Encode(learned.Model.Document())
	if err != nil {
		return err
	}
	if err := writeFile(path, b); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: version %s, %d classes\n", path, learned.Model.Version(), len(learned.Classes))
	return printLearned(out, learned.Classes)
}
