package parse

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "\n", "none avg10=0.00 total=1\n", "some avg10=0.00\n", "some total=-1\n", "some avg10=101 total=1\n", "some avg10=NaN total=1\n",
		"some total=1 total=2\n",
	} {
		if p, err := PressureFile([]byte(text)); err == nil {
			t.Errorf("pressure %q: %+v", text, p)
		}
	}
	for _, text := range []string{"", "max", "1 2 3", "max 0", "x 1", "1 x"} {
		if v, err := Limit([]byte(text)); err == nil {
			t.Errorf("limit %q: %v", text, v)
		}
	}
	for text, want := range map[string]float64{"max 100000\n": 0, "150000 100000\n": 1.5} {
		if v, err := Limit([]byte(text)); err != nil || v != want {
			t.Errorf("limit %q: %v, %v", text, v, err)
		}
	}
	if v, ok := Keyed([]byte("a 1\nab 2\nb x\n"), "ab"); !ok || v != 2 {
		t.Errorf("ab: %d, %v", v, ok)
	}
	for _, name := range []string{"b", "c", "a 1"} {
		if v, ok := Keyed([]byte("a 1\nab 2\nb x\n"), name); ok {
			t.Errorf("%s: %d", name, v)
		}
	}
}

// TestPublishedPressure: recorded files of a machine; its IRQ file has a line for full only.
func TestPublishedPressure(t *testing.T) {
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "..", "shared", "data")
	}
	folder := filepath.Join(root, "proc-fixtures", "proc", "pressure")
	want := map[string]*Pressure{
		"cpu": {Some: &Stall{Total: 14036781 * time.Microsecond}, Full: &Stall{}},
		"irq": {Full: &Stall{Total: 8494 * time.Microsecond}},
		"io": {
			Some: &Stall{Avg10: 0.0018, Avg60: 0.0034, Avg300: 0.001, Total: 159886802 * time.Microsecond},
			Full: &Stall{Avg10: 0.0018, Avg60: 0.0034, Avg300: 0.001, Total: 159229614 * time.Microsecond},
		},
		"memory": {Some: &Stall{}, Full: &Stall{}},
	}
	for name, p := range want {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Skipf("recorded pressure not found: %v; set BALLAST_DATA to the folder that holds proc-fixtures/", err)
		}
		got, err := PressureFile(text)
		if d := cmp.Diff(p, got, cmpopts.EquateApprox(0, 1e-12)); err != nil || d != "" {
			t.Errorf("%s: %v, -want +got:\n%s\nfile:\n%s", name, err, d, text)
		}
	}
}

// FuzzParsers: whatever stands in a file, what is taken from it is in its range.
func FuzzParsers(f *testing.F) {
	for _, text := range []string{
		"some avg10=12.50 avg60=1.00 avg300=0.25 total=4000000\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=1000\n",
		"50000 100000\n", "1048576\n", "11\n12\n", "5000000 1000000 9\n", "low 0\nhigh 3\nmax 4\noom 2\noom_kill 1\noom_group_kill 0\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if p, err := PressureFile(text); err == nil {
			for _, s := range []*Stall{p.Some, p.Full} {
				if s != nil && (s.Total < 0 || !(s.Avg10 >= 0 && s.Avg10 <= 1)) {
					t.Errorf("%+v", *s)
				}
			}
		}
		if v, err := Limit(text); err == nil && !(v >= 0) {
			t.Errorf("limit %v", v)
		}
		if ids, err := IDs(nil, text); err == nil {
			for _, id := range ids {
				if id < 0 {
					t.Errorf("thread %d", id)
				}
			}
		}
		_, _, _ = Schedstat(text)
		_, _ = Number(text)
	})
}
