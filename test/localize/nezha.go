// Package localize holds the evidence on package recommender/localize: faults of published data sets, localised.
package localize

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
	product "github.com/ballast-k8s/ballast/recommender/localize"
	"github.com/ballast-k8s/ballast/recommender/telemetry/spanfile"
)

// folder is a folder of the published data: in BALLAST_DATA, or in shared/data beside the repository. Without it the test is skipped.
func folder(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(root, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("published data not found: %v; set BALLAST_DATA to the folder that holds %s", err, name)
	}
	return path
}

// content reads a file, decompressed if its name ends in .gz.
func content(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil && strings.HasSuffix(path, ".gz") {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(data)); err == nil {
			data, err = io.ReadAll(z)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// table reads a CSV file and returns its lines by the names in the header.
func table(t testing.TB, path string) []map[string]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(content(t, path))).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var list []map[string]string
	for _, row := range rows[1:] {
		one := make(map[string]string, len(row))
		for i, name := range rows[0] {
			one[name] = row[i]
		}
		list = append(list, one)
	}
	return list
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	if text == "" {
		text = "NaN"
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// fault is one injection of Nezha. Times are Unix seconds.
type fault struct {
	time    float64
	service string
	kind    string
}

// arriving is a request and when it began.
type arriving struct {
	time   float64
	minute int // number of the file
	product.Request
}

// measurement is a minute's metrics of a service, by its end.
type measurement struct {
	time, utilisation float64
}

// application is one of Nezha's two.
type application struct {
	name     string
	services []string
	faults   []fault
	requests []arriving // by time
	usage    [][]measurement
}

// loadNezha reads an application.
func loadNezha(t testing.TB, name string) *application {
	t.Helper()
	root := folder(t, "nezha/"+name)
	a := &application{name: name}
	for _, row := range table(t, filepath.Join(root, "faults.csv")) {
		a.faults = append(a.faults, fault{number(t, row["inject_unix_s"]), row["service"], row["type"]})
	}
	set, book := spanfile.New(spanfile.DefaultLimits()), graphpattern.New()
	seen := map[string]bool{} // two files overlap
	for minute, row := range table(t, filepath.Join(root, "index.csv")) {
		before := len(set.Traces)
		path := filepath.Join(root, "traces", strings.ReplaceAll(row["minute_utc"], ":", "_")+"_"+row["kind"]+".csv.gz")
		if err := set.Read(path, content(t, path)); err != nil {
			t.Fatal(err)
		}
		base := number(t, row["base_unix_s"])
		for _, spans := range set.Traces[before:] {
			tree, _ := callgraph.Build(spans)
			calls := tree.Calls(tree.Root())
			one := arriving{base + float64(calls[0].Start)/1e9, minute, product.Request{Pattern: book.Add(calls), Edges: callgraph.Edges(calls)}}
			key := fmt.Sprintf("%.6f %d %d", one.time, calls[0].End, len(spans))
			if !seen[key] {
				seen[key] = true
				a.requests = append(a.requests, one)
			}
		}
	}
	a.services = set.Services
	slices.SortStableFunc(a.requests, func(x, y arriving) int {
		switch {
		case x.time < y.time:
			return -1
		case x.time > y.time:
			return 1
		}
		return 0
	})
	a.loadUsage(t, filepath.Join(root, "metrics.csv.gz"))
	return a
}

// loadUsage reads the metrics. The times of adservice are 200,000,000 s late in the source.
func (a *application) loadUsage(t testing.TB, path string) {
	t.Helper()
	a.usage = make([][]measurement, len(a.services))
	for _, row := range table(t, path) {
		at := slices.Index(a.services, row["service"])
		if at < 0 {
			continue
		}
		time := number(t, row["TimeStamp"])
		if time > 1.8e9 {
			time -= 200_000_000
		}
		a.usage[at] = append(a.usage[at], measurement{time, number(t, row["CpuUsageRate(%)"]) / 100})
	}
}
