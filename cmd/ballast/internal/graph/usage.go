package graph

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
	"time"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/application/learn"
)

// usageColumns are the columns of a usage file.
var usageColumns = []string{"time", "service", "pods", "cpu_m", "obtainable_m"}

// readUsage reads a usage file. Services without spans are left out; that none is known is an error.
func readUsage(path string, services []string) ([]learn.Usage, error) {
	b, err := cli.ReadFile(path)
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(bytes.NewReader(b))
	header, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: CSV: %w", path, err)
	}
	at := make([]int, len(usageColumns))
	for i, name := range usageColumns {
		if at[i] = slices.IndexFunc(header, func(h string) bool { return strings.TrimSpace(h) == name }); at[i] < 0 {
			return nil, fmt.Errorf("%s: no column %s in the header %q; a usage file has %s", path, name, strings.Join(header, ","),
				strings.Join(usageColumns, ","))
		}
	}
	var rows []learn.Usage
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: CSV: %w", path, err)
		}
		u, err := usageLine(record, at)
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("%s:%d: %w", path, line, err)
		}
		if slices.Contains(services, u.Service) {
			rows = append(rows, u)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no line of a service that has spans; these are %.200s", path, strings.Join(services, ", "))
	}
	return rows, nil
}

// usageLine reads a line.
func usageLine(record []string, at []int) (u learn.Usage, err error) {
	u.Service = record[at[1]]
	if u.Time, err = seconds(record[at[0]]); err != nil {
		return u, err
	}
	for i, field := range []*float64{&u.Pods, &u.Used, &u.Cores} {
		column := usageColumns[i+2]
		if *field, err = strconv.ParseFloat(record[at[i+2]], 64); err != nil || !(*field >= 0) || math.IsInf(*field, 1) {
			return u, fmt.Errorf("%s is %q, expected a number of at least 0", column, record[at[i+2]])
		}
	}
	u.Used, u.Cores = u.Used/1000, u.Cores/1000
	return u, nil
}

// seconds reads a time: unix seconds or RFC 3339.
func seconds(text string) (float64, error) {
	if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return f, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("time is %q, expected unix seconds or RFC 3339, such as 2026-11-21T09:30:00Z", text)
	}
	return float64(t.UnixNano()) / 1e9, nil
}
