package judge

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Bound is what no placement of one batch surpasses.
type Bound struct {
	// Throughput is the largest mean performance under the measured truth: the optimum of the configuration LP.
	Throughput float64
	// Violation is the least weighted violation of Medea's constraints.
	Violation float64
}

// Batches are sets of containers to place.
type Batches struct {
	// Classes are the class names in the order of the counts.
	Classes []string
	// Counts is the number of containers by batch and class.
	Counts [][]int
}

// ReadBatches reads a batch file: column batch, counting from 0, and columns n_<class>.
func ReadBatches(name string, r io.Reader) (*Batches, error) {
	records, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(records) < 2 || records[0][0] != "batch" {
		return nil, fmt.Errorf("%s:1: expected the columns batch and n_<class>, and a batch a line", name)
	}
	b := new(Batches)
	for _, column := range records[0][1:] {
		class, ok := strings.CutPrefix(column, "n_")
		if !ok || class == "" {
			return nil, fmt.Errorf("%s:1: column %q, expected n_<class>", name, column)
		}
		b.Classes = append(b.Classes, class)
	}
	for i, record := range records[1:] {
		numbers, err := whole(record)
		if err != nil || numbers[0] != i {
			return nil, fmt.Errorf("%s:%d: %q, expected batch %d and numbers of containers", name, i+2, record, i)
		}
		b.Counts = append(b.Counts, numbers[1:])
	}
	return b, nil
}

func whole(record []string) ([]int, error) {
	numbers := make([]int, len(record))
	for i, text := range record {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is not a number of containers", text)
		}
		numbers[i] = n
	}
	return numbers, nil
}

// ReadBounds reads lp_bounds.csv: by scenario, as nodes/containers, the bounds of batch 0, 1, 2 and so on.
func ReadBounds(name string, r io.Reader) (map[string][]Bound, error) {
	reader := csv.NewReader(r)
	reader.FieldsPerRecord = 4
	records, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	bounds := map[string][]Bound{}
	for i, record := range records {
		if i == 0 {
			continue // the header
		}
		scenario := record[0]
		batch, err1 := strconv.Atoi(record[1])
		throughput, err2 := strconv.ParseFloat(record[2], 64)
		violation, err3 := strconv.ParseFloat(record[3], 64)
		if err1 != nil || err2 != nil || err3 != nil || batch != len(bounds[scenario]) {
			return nil, fmt.Errorf("%s:%d: %q, expected scenario, batch %d, bound and violation", name, i+1, record, len(bounds[scenario]))
		}
		bounds[scenario] = append(bounds[scenario], Bound{Throughput: throughput, Violation: violation})
	}
	return bounds, nil
}
