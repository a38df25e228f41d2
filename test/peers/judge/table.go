// Package judge says how good a placement is under a table of every mix's performance: measured, or predicted by the paper's own
// simulator. It also reads the published batches and bounds. A judge is no model: nothing may be fitted or tuned on it.
package judge

import (
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Table is the performance of one container of each class in every mix, 1 = alone on the node.
type Table struct {
	// Classes are the class names in the order of the counts.
	Classes []string
	mixes   map[uint64][]float64
}

// maxCount bounds a class's containers on a node, and maxClasses the classes: a mix is one number of 4 bits a class.
const (
	maxCount   = 15
	maxClasses = 16
)

// ReadTable reads a table in the format of mixes files (columns n_<class> and perf_<class>), compressed where the name ends in .gz.
// A mix that stands there several times has the mean of its measurements.
func ReadTable(name string, r io.Reader) (*Table, error) {
	if strings.HasSuffix(name, ".gz") {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r = unzipped
	}
	read, err := interference.ReadMixes(name, r)
	if err != nil {
		return nil, err
	}
	if len(read.Classes) > maxClasses {
		return nil, fmt.Errorf("%s: %d classes, expected at most %d", name, len(read.Classes), maxClasses)
	}
	t := &Table{Classes: read.Classes, mixes: make(map[uint64][]float64, len(read.Rows))}
	repeats := map[uint64][]float64{}
	for _, row := range read.Rows {
		counts := make([]int, len(row.Counts))
		for class, n := range row.Counts {
			if n > maxCount || n != math.Trunc(n) {
				return nil, fmt.Errorf("%s:%d: column n_%s is %v, expected a whole number from 0 to %d",
					name, row.Line, read.Classes[class], n, maxCount)
			}
			counts[class] = int(n)
		}
		k := key(counts)
		if t.mixes[k] == nil {
			t.mixes[k], repeats[k] = make([]float64, len(counts)), make([]float64, len(counts))
		}
		for class, p := range row.Performance {
			if !math.IsNaN(p) {
				t.mixes[k][class] += p
				repeats[k][class]++
			}
		}
	}
	for k, sums := range t.mixes {
		for class := range sums {
			sums[class] /= repeats[k][class] // NaN where nothing was measured
		}
	}
	return t, nil
}

func key(counts []int) uint64 {
	var k uint64
	for _, n := range counts {
		k = k<<4 | uint64(n)
	}
	return k
}

// Performance is the performance of one container of each class in the mix; NaN for a class that is absent. The caller may not change it.
func (t *Table) Performance(counts []int) ([]float64, error) {
	for _, n := range counts {
		if n < 0 || n > maxCount {
			return nil, fmt.Errorf("mix %v: expected 0 to %d containers of a class", counts, maxCount)
		}
	}
	performance, ok := t.mixes[key(counts)]
	if !ok || len(performance) != len(counts) {
		return nil, fmt.Errorf("mix %v of %v is not in the table", counts, t.Classes)
	}
	for class, n := range counts {
		if n > 0 && math.IsNaN(performance[class]) {
			return nil, fmt.Errorf("mix %v: the table has no performance of %s", counts, t.Classes[class])
		}
	}
	return performance, nil
}

// Value is the node's worth: the sum over its containers of their performance. NaN for a mix that the table does not have.
func (t *Table) Value(counts []int) float64 {
	sum, containers := 0.0, 0
	for _, n := range counts {
		containers += n
	}
	if containers == 0 {
		return 0
	}
	performance, err := t.Performance(counts)
	if err != nil {
		return math.NaN()
	}
	for class, n := range counts {
		if n > 0 {
			sum += float64(n) * performance[class]
		}
	}
	return sum
}
