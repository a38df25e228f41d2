package mixes

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Table is a file of mixes as read: one row a measurement, nothing merged.
type Table struct {
	// Name is the file's name, for messages.
	Name string
	// Classes are the class names in the order of the n_ columns.
	Classes []string
	Rows    []Row
}

// Row is one measurement of one mix.
type Row struct {
	// Line is the line of the file.
	Line int
	// Campaign tells rows apart that were normalised differently; empty without such a column.
	Campaign string
	// Setting names the machine shape and partitioning of the node; empty without such a column.
	Setting string
	// Counts are the containers of each class; Performance the performance of one container, NaN where the class is absent or
	// its measurement failed.
	Counts, Performance []float64
}

// Bounds of what is believed: a node of a thousand containers, and of one container a thousand times its performance alone or a
// thousandth. Beyond, it is another unit, and the fit loses its digits.
const (
	// MaxClasses bounds what a data set, and so a model, may hold.
	MaxClasses = 200
	maxUnits   = 1000
	// MaxPerformance is the largest performance, of 1 = alone on a node, that is taken for one.
	MaxPerformance = 1000
)

// columns are the positions of a mixes file's columns.
type columns struct {
	classes            []string
	count, performance []int // by class; performance -1 where the file has no such column
	campaign, setting  int   // -1 without
}

// ReadMixes reads a mixes file: CSV with a header, columns n_<class> and perf_<class> (and campaign, and setting) in any order; other columns
// are ignored. perf is empty or 0 where a class is absent or its measurement failed. Without perf columns every performance is
// NaN. Errors name the file, the line and the column.
func ReadMixes(name string, r io.Reader) (*Table, error) { return read(name, r, true) }

// ReadLoads reads a mixes file as questions: performances are NaN, whatever its perf_ columns hold.
func ReadLoads(name string, r io.Reader) (*Table, error) { return read(name, r, false) }

func read(name string, r io.Reader, measured bool) (*Table, error) {
	reader := csv.NewReader(r)
	reader.ReuseRecord = true
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: reading the header: %w; expected columns n_<class> and perf_<class>", name, err)
	}
	cols, err := parseHeader(header, measured)
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", name, err)
	}
	t := &Table{Name: name, Classes: cols.classes}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := reader.FieldPos(0)
		row, err := cols.parse(record)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		row.Line = line
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) == 0 {
		return nil, fmt.Errorf("%s: no rows below the header, expected one mix a line", name)
	}
	return t, nil
}

func parseHeader(header []string, measured bool) (columns, error) {
	cols := columns{campaign: -1, setting: -1}
	position := make(map[string]int, len(header))
	for i, h := range header {
		h = strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))
		if _, dup := position[h]; dup {
			return cols, fmt.Errorf("column %q stands twice", h)
		}
		position[h] = i
		if class, ok := strings.CutPrefix(h, "n_"); ok && class != "" {
			cols.classes = append(cols.classes, class)
			cols.count = append(cols.count, i)
		}
	}
	if len(cols.classes) == 0 {
		return cols, fmt.Errorf("no column n_<class> among %q; expected n_<class> and perf_<class> for each workload class", header)
	}
	if len(cols.classes) > MaxClasses {
		return cols, fmt.Errorf("%d classes, expected at most %d", len(cols.classes), MaxClasses)
	}
	found := 0
	for _, class := range cols.classes {
		i, ok := position["perf_"+class]
		if ok = ok && measured; ok {
			found++
		} else {
			i = -1
		}
		cols.performance = append(cols.performance, i)
	}
	if found > 0 && found < len(cols.classes) {
		for k, i := range cols.performance {
			if i < 0 {
				return cols, fmt.Errorf("column n_%s has no column perf_%[1]s", cols.classes[k])
			}
		}
	}
	if i, ok := position["campaign"]; ok {
		cols.campaign = i
	}
	if i, ok := position["setting"]; ok {
		cols.setting = i
	}
	return cols, nil
}

func (cols *columns) parse(record []string) (Row, error) {
	n := len(cols.classes)
	row := Row{Counts: make([]float64, n), Performance: make([]float64, n)}
	if cols.campaign >= 0 {
		row.Campaign = strings.Clone(record[cols.campaign])
	}
	if cols.setting >= 0 {
		row.Setting = strings.Clone(record[cols.setting])
	}
	for k, class := range cols.classes {
		text := strings.TrimSpace(record[cols.count[k]])
		count, err := strconv.ParseFloat(text, 64)
		if err != nil || !(count >= 0 && count <= maxUnits) {
			return row, fmt.Errorf("column n_%s: %q is not a load, expected a number of containers from 0 to %d", class, text, maxUnits)
		}
		row.Counts[k], row.Performance[k] = count, math.NaN()
		if cols.performance[k] < 0 {
			continue
		}
		text = strings.TrimSpace(record[cols.performance[k]])
		if text == "" {
			continue
		}
		perf, err := strconv.ParseFloat(text, 64)
		if err != nil || !(perf == 0 || perf >= 1.0/MaxPerformance && perf <= MaxPerformance) {
			return row, fmt.Errorf("column perf_%s: %q is not a performance, expected a number from 0.001 to %d (1 = alone on a node), or 0 or nothing where it failed", class, text, MaxPerformance)
		}
		if perf > 0 && count == 0 {
			return row, fmt.Errorf("column perf_%s is %v but n_%[1]s is 0: a class that is absent has no performance", class, perf)
		}
		if perf > 0 { // 0 is a failed run, not a container that stood still
			row.Performance[k] = perf
		}
	}
	return row, nil
}
