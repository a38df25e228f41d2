package interference

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// answers are the predictions for the rows of a mixes file, in its order and with its classes.
type answers struct {
	Classes []string `json:"classes"`
	Rows    []answer `json:"rows"`
}

// answer is one row: counts and, where the class is present, its prediction.
type answer struct {
	Counts      []float64                  `json:"counts"`
	Predictions []*interference.Prediction `json:"predictions"`
}

// predictTable predicts every class of every row: in the setting given, else in the row's own.
func predictTable(model *interference.Model, table *interference.Table, setting string) (*answers, error) {
	index, err := indexOf(model, table)
	if err != nil {
		return nil, err
	}
	result := &answers{Classes: table.Classes}
	for _, row := range table.Rows {
		in := model
		if name := cmp.Or(setting, row.Setting); name != "" {
			var ok bool
			if in, ok = model.In(name); !ok {
				return nil, fmt.Errorf("%s:%d: column setting: the model knows nothing of %q, only of %s; measure mixes there, or predict all rows in one setting by --setting",
					table.Name, row.Line, name, strings.Join(settingsOf(model), ", "))
			}
		}
		counts := make([]float64, len(model.Classes()))
		for k, n := range row.Counts {
			if index[k] >= 0 {
				counts[index[k]] = n
			}
		}
		mix, err := interference.MixOf(counts)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", table.Name, row.Line, err)
		}
		a := answer{Counts: row.Counts, Predictions: make([]*interference.Prediction, len(row.Counts))}
		for k, n := range row.Counts {
			if n > 0 {
				p := in.Predict(mix, index[k])
				a.Predictions[k] = &p
			}
		}
		result.Rows = append(result.Rows, a)
	}
	return result, nil
}

// indexOf is the model's index of each class of a table; -1 of one that it does not know, which must be in no mix.
func indexOf(model *interference.Model, table *interference.Table) ([]int, error) {
	index := make([]int, len(table.Classes))
	for k, class := range table.Classes {
		i, ok := model.ClassIndex(class)
		if !ok {
			i = -1
			if slices.ContainsFunc(table.Rows, func(r interference.Row) bool { return r.Counts[k] > 0 }) {
				return nil, fmt.Errorf("%s: column n_%s: the model has no class %q; it knows %s", table.Name, class, class, strings.Join(model.Classes(), ", "))
			}
		}
		index[k] = i
	}
	return index, nil
}

// settingsOf names the settings that a model knows, its own first.
func settingsOf(model *interference.Model) []string {
	d := model.Document()
	names := []string{strconv.Quote(d.Setting)}
	for _, s := range d.Settings {
		names = append(names, strconv.Quote(s.Name))
	}
	return names
}

// print writes the answers as csv, json or an aligned table.
func (a *answers) print(w io.Writer, format cli.Format) error {
	switch format.String() {
	case "csv":
		return a.printCSV(w)
	case "json":
		return cli.JSON(w, a)
	default:
		return a.printTable(w)
	}
}

func (a *answers) printCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	var header []string
	for _, prefix := range []string{"n_", "perf_", "lo_", "hi_"} {
		for _, class := range a.Classes {
			header = append(header, prefix+class)
		}
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for _, row := range a.Rows {
		n := len(a.Classes)
		record := make([]string, 4*n)
		for k, count := range row.Counts {
			record[k] = strconv.FormatFloat(count, 'g', -1, 64)
			if p := row.Predictions[k]; p != nil {
				record[n+k], record[2*n+k], record[3*n+k] = decimal(p.Mean), decimal(p.Lo), decimal(p.Hi)
			}
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func decimal(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }

func (a *answers) printTable(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "mix\tclass\tcontainers\tperformance\t90 % interval\tevidence\t")
	for i, row := range a.Rows {
		for k, p := range row.Predictions {
			if p == nil {
				continue
			}
			evidence := "fitted"
			switch {
			case p.Measured:
				evidence = "measured"
			case p.Extrapolated:
				evidence = "extrapolated"
			}
			fmt.Fprintf(tw, "%d\t%s\t%g\t%.3f\t%.3f to %.3f\t%s\t\n", i+1, a.Classes[k], row.Counts[k], p.Mean, p.Lo, p.Hi, evidence)
		}
	}
	return tw.Flush()
}
