package perf

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestBetween: hand-made readings of two CPUs, in nanoseconds and counts.
func TestBetween(t *testing.T) {
	r := func(enabled, running uint64, values ...uint64) reading {
		out := reading{enabled: enabled, running: running}
		copy(out.values[:], values)
		return out
	}
	for name, c := range map[string]struct {
		before, after []reading
		want          []float64 // cycles, instructions
		counted       float64
		unknown       bool
	}{
		// 300 + 50 cycles, 600 + 20 instructions.
		"all the time": {[]reading{r(10, 10, 100, 200), r(5, 5, 7, 8)}, []reading{r(20, 20, 400, 800), r(15, 15, 57, 28)}, []float64{350, 620}, 1, false},
		// The first CPU counted for 10 of 40: 300 × 4 = 1200 cycles and 600 × 4 = 2400 instructions. The second for all of its 10: 50 and 20.
		// In all 20 of 50.
		"takes turns": {[]reading{r(0, 0, 100, 200), r(5, 5, 7, 8)}, []reading{r(40, 10, 400, 800), r(15, 15, 57, 28)}, []float64{1250, 2420}, 0.4, false},
		// The second never ran in its 30; the first had 300 and 600 in 10. As busy in all 40: 1200 and 2400. Ran for 10 of 40.
		"one CPU unseen": {[]reading{r(0, 0, 100, 200), r(5, 5, 7, 8)}, []reading{r(10, 10, 400, 800), r(35, 5, 7, 8)}, []float64{1200, 2400}, 0.25, false},
		"never":          {[]reading{r(0, 0), r(5, 5, 7, 8)}, []reading{r(10, 0), r(35, 5, 7, 8)}, nil, 0, true},
		"did not run":    {[]reading{r(9, 9, 1, 1), r(5, 5, 7, 8)}, []reading{r(9, 9, 1, 1), r(5, 5, 7, 8)}, []float64{0, 0}, 1, false},
		// What goes back is not counted as 2^64 less something.
		"a count went back": {[]reading{r(0, 0, 100, 200), r(0, 0)}, []reading{r(10, 10, 50, 300), r(0, 0)}, []float64{0, 100}, 1, false},
		"time went back":    {[]reading{r(9, 9, 1, 1), r(5, 5, 7, 8)}, []reading{r(8, 8, 5, 5), r(6, 6, 9, 9)}, []float64{2, 1}, 1, false},
	} {
		got, known := between(c.before, c.after)
		if known == c.unknown {
			t.Errorf("%s: known %v", name, known)
		}
		if !known {
			continue
		}
		if d := cmp.Diff(c.want, got.values[:2]); d != "" || got.counted() != c.counted {
			t.Errorf("%s: counted %v, want %v; -want +got:\n%s", name, got.counted(), c.counted, d)
		}
	}
}

func TestDecode(t *testing.T) {
	words := func(w ...uint64) (b []byte) {
		for _, v := range w {
			b = binary.NativeEndian.AppendUint64(b, v)
		}
		return b
	}
	got, err := decode(words(2, 30, 20, 7, 8), 2)
	if want := (reading{30, 20, [quantities]uint64{7, 8}}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for want, b := range map[string][]byte{
		"end of file": nil, "gave 32 bytes, want 40": words(2, 1, 1, 1), "says that it has 3": words(3, 1, 1, 1, 1), "gave 39 bytes": words(2, 1, 1, 1, 1)[:39],
	} {
		if _, err := decode(b, 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", b, err, want)
		}
	}
}

// TestDerived: 6e9 cycles, 4e9 instructions, 8e6 misses and 1e9 stalled cycles in 2.5 s on CPUs: CPI 6/4 = 1.5, MPKI 8e6 × 1000 / 4e9 = 2,
// MSPKI 1e9 × 1000 / 4e9 = 250, 6e9 / 2.5e6 = 2400 MHz. In PRM's words: within 10 s it used 25 % of a core, and 6e9 / 10 / 10^4 / 25 = 2400.
func TestDerived(t *testing.T) {
	before := &Counts{Run: 3, Cycles: 1e9, Instructions: new(1e9), CacheMisses: new(1e6), StalledCycles: new(0.0)}
	after := &Counts{Run: 3, Cycles: 7e9, Instructions: new(5e9), CacheMisses: new(9e6), StalledCycles: new(1e9)}
	a, ok := Between(before, after)
	if !ok {
		t.Fatal("not comparable")
	}
	got := []*float64{a.CPI(), a.MPKI(), a.MSPKI(), a.Frequency(2500 * time.Millisecond)}
	if d := cmp.Diff([]*float64{new(1.5), new(2.0), new(250.0), new(2400.0)}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestDerivedAbsent: what is not known has no value, and what did not run no ratio.
func TestDerivedAbsent(t *testing.T) {
	full := func(run uint64, x float64) *Counts {
		return &Counts{Run: run, Cycles: x, Instructions: &x, CacheMisses: &x, StalledCycles: &x}
	}
	for name, pair := range map[string][2]*Counts{
		"none before": {nil, full(1, 1)}, "none after": {full(1, 1), nil}, "another run": {full(1, 1), full(2, 9)}, "backwards": {full(1, 9), full(1, 1)},
	} {
		if a, ok := Between(pair[0], pair[1]); ok {
			t.Errorf("%s: %+v", name, a)
		}
	}
	idle, _ := Between(full(1, 5), full(1, 5))
	if idle.CPI() != nil || idle.MPKI() != nil || idle.MSPKI() != nil || idle.Frequency(0) != nil {
		t.Errorf("ratios of nothing: %+v", idle)
	}
	few, _ := Between(&Counts{Run: 1, Cycles: 1, Instructions: new(0.0)}, &Counts{Run: 1, Cycles: 3, Instructions: new(2.0)})
	if few.MPKI() != nil || few.MSPKI() != nil || few.CPI() == nil || *few.CPI() != 1 {
		t.Errorf("without misses and stalls: %+v", few)
	}
	if a, ok := Between(full(1, 1), &Counts{Run: 1, Cycles: 9}); !ok || a.CPI() != nil || a.Instructions != nil {
		t.Errorf("instructions that are not there any more: %+v %v", a, ok)
	}
}

func TestCPUs(t *testing.T) {
	for text, want := range map[string][]int{"0\n": {0}, "0-3\n": {0, 1, 2, 3}, "0-1,4,6-7": {0, 1, 4, 6, 7}} {
		if got, err := parseCPUs(text); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "\n", "a", "3-1", "0-", "0,0", "2,1", "0-99999999", "-1", "0;1"} {
		if got, err := parseCPUs(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzCPUs: whatever the file says, the list is short and ascending.
func FuzzCPUs(f *testing.F) {
	for _, text := range []string{"0-3,8\n", "0", "", "16383", "5-4", "0-16383,16384"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cpus, err := parseCPUs(text)
		if err == nil && (len(cpus) == 0 || len(cpus) > maxCPU) {
			t.Fatal(len(cpus))
		}
		for i := 1; i < len(cpus); i++ {
			if cpus[i] <= cpus[i-1] {
				t.Fatal(cpus)
			}
		}
	})
}
