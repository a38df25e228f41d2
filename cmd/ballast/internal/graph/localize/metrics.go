package localize

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

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/recommender/localize"
)

// metricsColumns are those of a metrics file, in any order and among others. One of the last two may be missing.
var metricsColumns = []string{"time", "service", "utilisation", "throttled"}

// usageSum adds up CPU figures of a service.
type usageSum struct{ utilisation, measured, throttled, counted float64 }

// readMetrics reads CPU figures into both recordings and reports whether there is a file of them. Services that send no spans are left
// out.
func (c *comparison) readMetrics(path string) (bool, error) {
	if path == "" {
		return false, nil
	}
	sums := map[*recording][]usageSum{}
	for _, r := range []*recording{&c.now, &c.before} {
		sums[r] = make([]usageSum, len(c.set.Services))
	}
	if err := readMetricsFile(path, func(fields []string) error { return c.addMetrics(sums, fields) }); err != nil {
		return false, err
	}
	for r, list := range sums {
		known := 0.0
		for _, s := range list {
			r.usage = append(r.usage, localize.Usage{Utilisation: s.utilisation / s.measured, Throttled: s.throttled / s.counted})
			known += s.measured + s.counted
		}
		if known == 0 {
			return false, fmt.Errorf("reading %s: no line for the services of the spans in the time of the requests, or none in that of the baseline", path)
		}
	}
	return true, nil
}

// readMetricsFile hands on the lines, their fields in the order of metricsColumns, empty where there is none.
func readMetricsFile(path string, line func(fields []string) error) error {
	b, err := cli.ReadFile(path)
	if err != nil {
		return err
	}
	in := csv.NewReader(bytes.NewReader(b))
	header, err := in.Read()
	columns := make([]int, len(metricsColumns))
	for i, name := range metricsColumns {
		columns[i] = slices.Index(header, name)
	}
	if err != nil || columns[0] < 0 || columns[1] < 0 || columns[2] < 0 && columns[3] < 0 {
		return fmt.Errorf("reading %s: the header is %q, expected %s", path, strings.Join(header, ","), strings.Join(metricsColumns, ","))
	}
	fields := make([]string, len(columns))
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		for i, k := range columns {
			if fields[i] = ""; k >= 0 {
				fields[i] = row[k]
			}
		}
		if err := line(fields); err != nil {
			at, _ := in.FieldPos(0)
			return fmt.Errorf("reading %s, line %d: %w", path, at, err)
		}
	}
}

// addMetrics takes in a line.
func (c *comparison) addMetrics(sums map[*recording][]usageSum, row []string) error {
	at, err := instant("time", row[0], math.NaN())
	if err != nil {
		return err
	}
	var figures [2]float64
	for i := range figures {
		figures[i] = math.NaN()
		text := row[2+i]
		if text == "" {
			continue
		}
		if figures[i], err = strconv.ParseFloat(text, 64); err != nil || !(figures[i] >= 0) || math.IsInf(figures[i], 0) {
			return fmt.Errorf("%s is %q, expected a number from 0, or nothing", metricsColumns[2+i], text)
		}
	}
	service := slices.Index(c.set.Services, row[1])
	for r, list := range sums {
		if service < 0 || !(at >= r.starts[0] && at <= r.starts[len(r.starts)-1]) {
			continue
		}
		if s := &list[service]; !math.IsNaN(figures[0]) {
			s.utilisation += figures[0]
			s.measured++
		}
		if s := &list[service]; !math.IsNaN(figures[1]) {
			s.throttled += figures[1]
			s.counted++
		}
	}
	return nil
}
