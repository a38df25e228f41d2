package newclass

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// What the proposals are worth on Metis' measurements is tested where the class is completed from them: complete.TestLeaveOneClassOutOfMetis.

// synthetic is the model of classes a0, a1 and so on whose pairs were measured at random performances.
func synthetic(t testing.TB, classes int) *interference.Model {
	t.Helper()
	random := rand.New(rand.NewPCG(4, 1))
	ds := &interference.Dataset{}
	for i := range classes {
		ds.Classes = append(ds.Classes, fmt.Sprintf("a%d", i))
		alone := interference.Observation{Mix: interference.Mix{{Class: i, Units: 1}}, Cells: []interference.Cell{{Logs: []float64{0}}}}
		ds.Observations = append(ds.Observations, alone)
		for j := range i {
			pair := interference.Observation{Mix: interference.Mix{{Class: j, Units: 1}, {Class: i, Units: 1}}}
			for range pair.Mix {
				pair.Cells = append(pair.Cells, interference.Cell{Logs: []float64{-random.Float64()}})
			}
			ds.Observations = append(ds.Observations, pair)
		}
	}
	m, err := interference.Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func checkProbes(t *testing.T, probes []Probe, classes, slots int) {
	t.Helper()
	first := &probes[0]
	if len(probes) > 1+MaxProbes || first.Units != 1 || len(first.Beside) != 0 || first.Tells != 0 || slots > 2 && len(probes) < 3 {
		t.Errorf("%d classes, %d slots: %+v, want up to %d after the first, alone", classes, slots, probes, MaxProbes)
	}
	var tells float64
	for i := range probes {
		p := &probes[i]
		all := checkMix(t, p, classes)
		if all > float64(slots) || p.Reason == "" || i > 0 && (p.Tells <= 0 || all < 2) {
			t.Errorf("%d classes, %d slots: probe %d is %+v", classes, slots, i, p)
		}
		if slices.ContainsFunc(probes[:i], func(before Probe) bool { return before.Units == p.Units && before.Beside.Equal(p.Beside) }) {
			t.Errorf("%d classes, %d slots: %+v is proposed twice", classes, slots, p)
		}
		tells += p.Tells
	}
	if tells > 1+1e-9 || slots > 2 && tells < 0.3 {
		t.Errorf("%d classes, %d slots: the probes settle %.2f of what is unsure", classes, slots, tells)
	}
}

// checkMix returns the containers of a probe.
func checkMix(t *testing.T, p *Probe, classes int) float64 {
	t.Helper()
	all := p.Units
	for k, l := range p.Beside {
		all += l.Units
		if l.Class < 0 || l.Class >= classes || l.Units < 1 || k > 0 && l.Class <= p.Beside[k-1].Class {
			t.Errorf("%d classes: %+v, want classes in ascending order, each with a container", classes, p)
		}
	}
	return all
}

func TestProbes(t *testing.T) {
	t.Parallel()
	for _, classes := range []int{1, 2, 7, 20} {
		m := synthetic(t, classes)
		for _, slots := range []int{1, 2, 3, 8, 110} {
			probes, err := Probes(m, "new", slots)
			if err != nil {
				t.Fatal(err)
			}
			checkProbes(t, probes, classes, slots)
		}
	}
	m := synthetic(t, 2)
	if _, err := Probes(m, "a1", 8); err == nil || !strings.Contains(err.Error(), "knows class a1 already") {
		t.Errorf("a known class: %v", err)
	}
	if _, err := Probes(m, "new", 0); err == nil || !strings.Contains(err.Error(), "slots is 0") {
		t.Errorf("no slots: %v", err)
	}
}

// Of k known classes on s ≤ 8 slots: with one container of the new class set apart, up to s − 1 more of k + 1 classes, C(k+s, s−1) mixes,
// less the class alone. On 9 slots eighths are 1, 2, … 7 and 9 containers. On 16 they are 2, 4, … 16: with one known class the two hold up
// to 8 parts, the new one at least one, 36 mixes, and as many of single containers, of which those with even numbers, 10 of up to 4
// pairs, are among the first; less the class alone. Of twenty classes eight are looked at.
func TestCandidates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ classes, slots, want int }{
		{7, 8, 6434}, // C(15, 7) − 1
		{2, 3, 9},    // C(5, 2) − 1
		{2, 1, 0},
		{1, 9, 35}, // C(9, 7) − 1
		{1, 16, 36 + 36 - 10 - 1},
		{20, 8, 11439}, // C(16, 7) − 1
	} {
		got := candidates(synthetic(t, c.classes), c.slots)
		if len(got) != c.want {
			t.Errorf("%d classes, %d slots: %d candidates, want %d", c.classes, c.slots, len(got), c.want)
		}
		most := 0.0
		for i, mix := range got {
			all := 0.0
			for _, l := range mix {
				all += l.Units
			}
			most = max(most, all)
			if mix[len(mix)-1].Class != c.classes || all > float64(c.slots) || i > 0 && mix.Equal(got[i-1]) {
				t.Fatalf("%d classes, %d slots: candidate %v", c.classes, c.slots, mix)
			}
		}
		if c.slots > 1 && most != float64(c.slots) {
			t.Errorf("%d classes, %d slots: the fullest candidate holds %v", c.classes, c.slots, most)
		}
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	m := synthetic(t, 3)
	for want, beside := range map[string]interference.Mix{
		"how new presses on itself: settles 25 % of what is unsure of a class like the known ones": nil,
		"how new takes a1, and what it does to it: settles 25 %":                                   {{Class: 1, Units: 2}},
		"how new takes a0, a1 and a2 together, and what it does to each of them: settles 25 %":     {{Units: 1}, {Class: 1, Units: 1}, {Class: 2, Units: 1}},
	} {
		if got := reasonOf(m, &Probe{Units: 1, Beside: beside, Tells: 0.25}, "new"); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// BenchmarkProbes: 7 classes on 8 slots, and the largest case.
func BenchmarkProbes(b *testing.B) {
	for _, c := range []struct{ classes, slots int }{{7, 8}, {20, 110}} {
		m := synthetic(b, c.classes)
		b.Run(fmt.Sprintf("%d classes, %d slots", c.classes, c.slots), func(b *testing.B) {
			for b.Loop() {
				if _, err := Probes(m, "new", c.slots); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
