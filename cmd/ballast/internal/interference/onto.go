package interference

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/online"
)

// fitOnto teaches a model file the mixes of other files.
func fitOnto(modelPath string, paths []string, at time.Time) (*adapt.Learned, error) {
	model, err := cli.ReadModel(modelPath)
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
	for _, note := range notAlone(ds) {
		if !slices.Contains(known, note) {
			known = append(known, note)
		}
	}
	learned.Notes = append(known, learned.Notes...)
	return learned, nil
}

// aloneNear is how far from 1 the performance of a class alone may be without a word, as a factor. It is nearer than where a fit of many mixes
// notes it (Pool): of a class with a handful of mixes all figures are off by as much, and single measurements by 2 to 4 % in the median.
const aloneNear = 1.1

// notAlone notes the classes whose performance alone is not the 1 that it is by definition: they changed, or were divided by something else.
func notAlone(ds *interference.Dataset) []string {
	var notes []string
	for _, o := range ds.Observations {
		if len(o.Mix) != 1 || o.Mix[0].Units != 1 || o.Setting != "" {
			continue
		}
		if mean, ok := o.Cells[0].Mean(); ok && math.Abs(mean) > math.Log(aloneNear) {
			name := ds.Classes[o.Mix[0].Class]
			notes = append(notes, fmt.Sprintf("class %s alone has performance %.3g, not 1: is perf_%s normalised by what it does alone?", name, math.Exp(mean), name))
		}
	}
	return notes
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
	if err := cli.WriteFile(path, b); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: version %s, %d classes\n", path, learned.Model.Version(), len(learned.Classes))
	return printLearned(out, learned.Classes)
}
