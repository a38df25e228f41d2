package place

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// maxBatch bounds the containers of one class in a batch.
const maxBatch = 1_000_000

// batch is one line of a batch file.
type batch struct {
	name    string
	classes []string
	counts  []int
}

// readBatch reads a line of a batch file; row counts lines of data from 0.
func readBatch(path string, row int) (*batch, error) {
	text, err := cli.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: reading the header: %w; expected CSV with columns n_<class>", path, err)
	}
	b := &batch{name: path}
	var columns []int
	for at, name := range header {
		class, ok := strings.CutPrefix(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")), "n_")
		if !ok {
			continue
		}
		if class == "" || slices.Contains(b.classes, class) {
			return nil, fmt.Errorf("%s: column %q: expected n_<class>, each class once", path, name)
		}
		b.classes, columns = append(b.classes, class), append(columns, at)
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("%s: no column n_<class>; expected one for each workload class, with the containers to place", path)
	}
	for at := 0; ; at++ {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil, cli.Usage("--row is %d, but %s has %d rows, counted from 0", row, path, at)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if at < row {
			continue
		}
		line, _ := r.FieldPos(0)
		return b, b.parse(record, columns, line)
	}
}

func (b *batch) parse(record []string, columns []int, line int) error {
	for k, at := range columns {
		text := strings.TrimSpace(record[at])
		n, err := strconv.Atoi(cmp.Or(text, "0"))
		if err != nil || n < 0 || n > maxBatch {
			return fmt.Errorf("%s:%d: column n_%s: %q is not a number of containers, expected a whole number from 0 to %d",
				b.name, line, b.classes[k], text, maxBatch)
		}
		b.counts = append(b.counts, n)
	}
	return nil
}

// list names numbers of containers by class.
func (b *batch) list(counts []int) string {
	var parts []string
	for i, n := range counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, b.classes[i]))
		}
	}
	return strings.Join(parts, ", ")
}

// problem is the batch on equal, empty nodes.
func (b *batch) problem(model *interference.Model, nodes, slots int) (configlp.Problem, error) {
	type column struct{ at, class int }
	columns := make([]column, len(b.classes))
	p, known := configlp.Problem{}, model.Document().Classes
	group := configlp.Group{Nodes: nodes, Free: []int64{int64(slots)}, Upper: make([]float64, len(b.classes))}
	for i, name := range b.classes {
		class, ok := model.ClassIndex(name)
		if !ok {
			return p, fmt.Errorf("%s: column n_%s: the model has no class %q; it knows %s", b.name, name, name, strings.Join(model.Classes(), ", "))
		}
		columns[i] = column{i, class}
		group.Upper[i] = known[class].Max // no prediction is higher
		p.Items = append(p.Items, configlp.Item{Count: b.counts[i], Size: []int64{1}})
	}
	slices.SortFunc(columns, func(x, y column) int { return cmp.Compare(x.class, y.class) }) // as a Mix is
	mix := make(interference.Mix, 0, len(columns))
	group.Value = func(counts []int) float64 {
		mix = mix[:0]
		for _, c := range columns {
			if n := counts[c.at]; n > 0 {
				mix = append(mix, interference.Load{Class: c.class, Units: float64(n)})
			}
		}
		return nodeValue(model, mix)
	}
	p.Groups = []configlp.Group{group}
	return p, nil
}

func sumOf(xs []int) int {
	s := 0
	for _, x := range xs {
		s += x
	}
	return s
}
