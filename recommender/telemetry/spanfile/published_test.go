package spanfile

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
	"github.com/ballast-k8s/ballast/predictor/callgraph/overview"
)

// published returns the files of a public data set that match, in BALLAST_DATA or in shared/data beside the repository.
func published(t testing.TB, glob string) []string {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = "../../../../shared/data"
	}
	files, err := filepath.Glob(filepath.Join(root, glob))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no data at %s; set BALLAST_DATA to the folder that holds it", glob)
	}
	return files
}

func readAll(t testing.TB, path string) []byte {
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

// critical is the time on the critical path by service and operation, in CRISP's words, microseconds.
func critical(set *Set, spans []callgraph.Span) map[string]float64 {
	tree, _ := callgraph.Build(spans)
	sums := map[string]float64{}
	for _, c := range tree.Calls(tree.Root()) {
		if c.Critical > 0 {
			sums[fmt.Sprintf("[%s] %s", set.Services[c.Service], c.Operation)] += float64(c.Critical) / 1000
		}
	}
	return sums
}

// crispExpected reads the times that CRISP expects of itself, which its files carry under "testing".
func crispExpected(t *testing.T, data []byte) map[string]float64 {
	t.Helper()
	var file struct {
		Testing json.RawMessage `json:"testing"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	var list []map[string]float64
	var one struct {
		OpTimeExclusive map[string]float64 `json:"opTimeExclusive"`
	}
	if json.Unmarshal(file.Testing, &list) == nil {
		return list[0]
	}
	if err := json.Unmarshal(file.Testing, &one); err != nil {
		t.Fatal(err)
	}
	return one.OpTimeExclusive
}

// crispOtherwise are the files of which our rules make something else than CRISP's, in microseconds.
var crispOtherwise = map[string]map[string]float64{
	// A child of another service that ends after its parent, but would fit into it: the clocks differ, so it is moved and not cut off.
	"7.json": {"[S2] O2": 90, "[S3] O3": 10},
	// Siblings that overlap by less than the tolerance: the overlap counts once, for the later one. CRISP counts it for both, and takes
	// it from the parent.
	"10.json": {"[S1] O1": 402, "[S2] O2": 199, "[S3] O3": 99, "[S4] O4": 300},
	"19.json": {"[S1] O1": 10, "[S2] O2": 195, "[S3] O3": 95, "[S4] O4": 300},
	"20.json": {"[S1] O1": 10, "[S2] O2": 195, "[S3] O3": 95, "[S4] O4": 300},
	"21.json": {"[S1] O1": 10, "[S2] O2": 195, "[S3] O3": 95, "[S4] O4": 300},
}

// Every file of CRISP's tests is read, err1 and err2 too, whose errors are tags of spans. The critical path has the times that CRISP
// expects, but for crispOtherwise. With the last bytes cut off every file is rejected.
func TestCRISP(t *testing.T) {
	files := published(t, "crisp-jaeger/*.json")
	if len(files) != 27 {
		t.Errorf("%d files, want 27", len(files))
	}
	for _, path := range files {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			data := readAll(t, path)
			set := New(DefaultLimits())
			if err := set.Read(path, data); err != nil || set.Dropped != (Dropped{}) || len(set.Traces) != 1 {
				t.Fatalf("%d traces, dropped %+v, %v", len(set.Traces), set.Dropped, err)
			}
			want, otherwise := crispOtherwise[name]
			if !otherwise {
				want = crispExpected(t, data)
				maps.DeleteFunc(want, func(_ string, v float64) bool { return v == 0 })
			}
			if got := critical(set, set.Traces[0]); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			broken := bytes.TrimSpace(data)
			if err := New(DefaultLimits()).Read(path, broken[:len(broken)-1]); err == nil || !strings.Contains(err.Error(), "it ends early") {
				t.Errorf("cut off: %v", err)
			}
		})
	}
}

func nezha(t testing.TB, application string) *Set {
	t.Helper()
	set := New(DefaultLimits())
	for _, path := range published(t, "nezha/"+application+"/traces/*.csv.gz") {
		if err := set.Read(path, readAll(t, path)); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

// Real traces make few patterns, and parts that add up. The numbers are what the rules give on these files: a change of the rules
// shows here.
func TestNezha(t *testing.T) {
	tests := []struct {
		application              string
		traces, patterns, kept   int
		services                 int
		covered                  float64 // least share of the 20 most frequent patterns
		duplicates, moved, reach int
	}{
		{"onlineboutique", 10068, 14, 11, 10, 1, 0, 427, 6276},
		{"trainticket", 2109, 45, 20, 28, 0.89, 136, 5924, 219},
	}
	for _, test := range tests {
		t.Run(test.application, func(t *testing.T) {
			set := nezha(t, test.application)
			sums := overview.New()
			var duration int64
			for _, spans := range set.Traces {
				sums.Add(spans)
				tree, _ := callgraph.Build(spans)
				for _, entry := range tree.Requests() {
					duration += tree.Sweep(entry).Duration
				}
			}
			if sums.Traces != test.traces || sums.Requests != test.traces || len(sums.Book.Patterns) != test.patterns {
				t.Errorf("%d traces, %d requests, %d patterns", sums.Traces, sums.Requests, len(sums.Book.Patterns))
			}
			top := sums.Book.Shares(0, 20)
			if covered := 1 - float64(top[len(top)-1].Requests)/float64(sums.Requests); covered < test.covered {
				t.Errorf("the 20 most frequent patterns cover %.3f", covered)
			}
			shares := sums.Book.Shares(graphpattern.LeastShare, graphpattern.MostPatterns)
			kept := make([]int, len(shares)-1)
			for i := range kept {
				kept[i] = shares[i].Pattern
			}
			names := sums.Book.Names(kept, set.Services)
			if slices.Sort(names); len(kept) != test.kept || len(slices.Compact(names)) != test.kept {
				t.Errorf("%d patterns kept, names %q", len(kept), names)
			}
			var sum int64
			for _, s := range sums.Services() {
				sum += s.Critical + s.Network
			}
			if sum != sums.Duration || sums.Duration != duration || len(set.Services) != test.services {
				t.Errorf("%d services have %d of %d", len(set.Services), sum, duration)
			}
			if want := (callgraph.Repairs{Duplicates: test.duplicates, Shifted: test.moved, Clamped: test.reach}); sums.Repairs != want {
				t.Errorf("repairs %+v, want %+v", sums.Repairs, want)
			}
		})
	}
}

// The forecast of pattern shares is closer to the next minute than the last minute is.
func TestNezhaForecast(t *testing.T) {
	for _, application := range []string{"onlineboutique", "trainticket"} {
		t.Run(application, func(t *testing.T) {
			book, ours, last := graphpattern.New(), graphpattern.Forecast{}, map[int]float64{}
			var errorOfOurs, errorOfLast float64
			files := published(t, "nezha/"+application+"/traces/*.csv.gz")
			set := New(DefaultLimits())
			for i, path := range files {
				before := len(set.Traces)
				if err := set.Read(path, readAll(t, path)); err != nil {
					t.Fatal(err)
				}
				counts := map[int]int{}
				for _, spans := range set.Traces[before:] {
					tree, _ := callgraph.Build(spans)
					counts[book.Add(tree.Calls(tree.Root()))]++
				}
				now := map[int]float64{}
				for p, n := range counts {
					now[p] = float64(n) / float64(len(set.Traces)-before)
				}
				if i > 0 {
					forecast := ours.Shares()
					for p := range book.Patterns {
						errorOfOurs += math.Abs(forecast[p]-now[p]) / 2
						errorOfLast += math.Abs(last[p]-now[p]) / 2
					}
				}
				ours.Observe(counts)
				last = now
			}
			n := float64(len(files) - 1)
			t.Logf("total variation %.4f, of the last minute %.4f", errorOfOurs/n, errorOfLast/n)
			if errorOfOurs > 0.9*errorOfLast {
				t.Errorf("total variation %.4f, of the last minute %.4f", errorOfOurs/n, errorOfLast/n)
			}
		})
	}
}

// BenchmarkNezha puts the traces of an application in order, divides them and finds their patterns, 1,000 at a time.
func BenchmarkNezha(b *testing.B) {
	for _, application := range []string{"onlineboutique", "trainticket"} {
		b.Run(application, func(b *testing.B) {
			set := nezha(b, application)
			b.ReportAllocs()
			for b.Loop() {
				sums := overview.New()
				for i := range 1000 {
					sums.Add(set.Traces[i])
				}
			}
		})
	}
}
