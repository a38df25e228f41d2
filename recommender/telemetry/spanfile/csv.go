package spanfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// columns of a CSV file; the last two may be left out.
var columns = []string{"trace", "span", "parent", "service", "operation", "start_us", "duration_us", "kind", "error"}

const columnsNeeded = 7

func (b *batch) readCSV(data []byte) error {
	in := csv.NewReader(bytes.NewReader(data))
	in.ReuseRecord = true
	header, err := in.Read()
	if err != nil {
		return fmt.Errorf("CSV: %w", err)
	}
	at, err := positions(header)
	if err != nil {
		return err
	}
	b.exact = true
	field := make([]string, len(columns))
	for {
		row, err := in.Read()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("CSV: %w", err)
		}
		line, _ := in.FieldPos(0)
		for i, k := range at {
			if field[i] = ""; k >= 0 {
				field[i] = row[k]
			}
		}
		if err := b.addRow(field, line); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// positions are those of the columns in a header, negative for one that is not there.
func positions(header []string) ([]int, error) {
	at := make([]int, len(columns))
	for i, name := range columns {
		is := func(h string) bool { return strings.TrimSpace(h) == name }
		at[i] = slices.IndexFunc(header, is)
		switch {
		case at[i] < 0 && i < columnsNeeded:
			return nil, fmt.Errorf("CSV: no column %s in the header %q; a spans file has %s", name, strings.Join(header, ","),
				strings.Join(columns[:columnsNeeded], ","))
		case at[i] >= 0 && slices.ContainsFunc(header[at[i]+1:], is):
			return nil, fmt.Errorf("CSV: column %s is there twice in the header %q: which one holds?", name, strings.Join(header, ","))
		}
	}
	return at, nil
}

// addRow takes in a line, by columns.
func (b *batch) addRow(field []string, line int) error {
	r := record{trace: field[0], span: field[1], parent: field[2], service: field[3], operation: field[4]}
	switch r.parent {
	case "-1":
		r.parent = ""
	case "-2": // a parent of its own that nobody has
		r.parent = fmt.Sprintf("\x00%d", line)
	}
	start, err := microseconds("start_us", field[5])
	if err != nil {
		return err
	}
	duration, err := microseconds("duration_us", field[6])
	if err != nil {
		return err
	}
	r.setMicroseconds(start, duration)
	if field[7] != "" {
		if r.kind, r.hasKind = kindOf(field[7]); !r.hasKind {
			return fmt.Errorf("kind is %q, expected server, client, producer, consumer or internal", field[7])
		}
	}
	if field[8] != "" {
		if r.failed, err = strconv.ParseBool(field[8]); err != nil {
			return fmt.Errorf("error is %q, expected true or false", field[8])
		}
	}
	return b.add(&r)
}

// microseconds reads a time. What is out of range is kept apart from it, for add to count.
func microseconds(column, text string) (int64, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) {
		return 0, fmt.Errorf("%s is %q, expected microseconds", column, text)
	}
	return int64(max(math.MinInt64, min(f, math.MaxInt64/2))), nil
}
