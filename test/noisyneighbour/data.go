// Package noisyneighbour holds the evidence on package plugins/node/attribution from measurements of others: noisy periods of virtual
// machines, contention seen from CPU use alone, and latency under cache classes. The data stand outside the project; without them the
// tests are skipped.
package noisyneighbour

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// rows reads a CSV file of the published data, in BALLAST_DATA or in shared/data beside the repository, without its header.
func rows(t testing.TB, path ...string) [][]string {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	name := filepath.Join(append([]string{root}, path...)...)
	data, err := os.ReadFile(name)
	if err != nil {
		t.Skipf("published data not found: %v; set BALLAST_DATA to the folder that holds %s", err, path[0])
	}
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if data, err = io.ReadAll(z); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	list, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(list) < 2 {
		t.Fatalf("%s: %d lines, %v", name, len(list), err)
	}
	return list[1:]
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// measurement is a benchmark's value at a time.
type measurement struct {
	at    time.Time
	value float64
}

// benchmark reads the measurements of a benchmark by virtual machine, by time.
func benchmark(t testing.TB, size, file string) map[string][]measurement {
	t.Helper()
	list := map[string][]measurement{}
	for _, row := range rows(t, "azure-vm-noise", size, file+".csv.gz") {
		at, err := time.Parse(time.DateTime, row[2])
		if err != nil {
			t.Fatal(err)
		}
		list[row[3]] = append(list[row[3]], measurement{at, number(t, row[0])})
	}
	for _, l := range list {
		slices.SortFunc(l, func(a, b measurement) int { return a.at.Compare(b.at) })
	}
	return list
}

// quantile of values, by linear interpolation.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	x := q * float64(len(sorted)-1)
	i := min(int(x), len(sorted)-1)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + (x-float64(i))*(sorted[j]-sorted[i])
}

func median(values []float64) float64 { return quantile(values, 0.5) }
