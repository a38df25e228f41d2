package park

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/plant"
	"github.com/ballast-k8s/ballast/simulator/plant/cpushare"
)

var (
	_ Interference = plant.Truth(nil)
	_ Interference = halving{}
)

// halving is a truth in which every further pod halves the speed of all, and which knows mixes of 1 to 3 pods only.
type halving struct{}

func (halving) Classes() []string { return []string{"x"} }

func (halving) Performance(counts []int) ([]float64, error) {
	if counts[0] < 1 || counts[0] > 3 {
		return nil, errors.New("no such mix")
	}
	return []float64{math.Pow(0.5, float64(counts[0]-1))}, nil
}

func newPark(t *testing.T) *Park {
	t.Helper()
	p, err := New([]MachineSpec{{"m", 4}, {"n", 4}, {"o", 4}}, halving{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Three machines, one job each, of 3, 1 and 2 s: they end in the order of time. A second pod on n at 0.5 s halves its speed: 0.5 s of
// work are left and take 1 s, until 1.5 s.
func TestEventsOfAllMachinesInOrder(t *testing.T) {
	t.Parallel()
	p := newPark(t)
	for i, name := range []string{"m", "n", "o"} {
		id, err := p.Place(0, name, "x", cpushare.Settings{RequestCores: 1})
		if err != nil || id != i {
			t.Fatalf("pod %d: %v", id, err)
		}
		p.Start(0, id, []float64{3, 1, 2}[i], int32(id)) //nolint:gosec // small
	}
	if _, err := p.Place(0.5, "n", "x", cpushare.Settings{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		at float64
		id int32
	}{{1.5, 1}, {2, 2}, {3, 0}} {
		at := p.Next()
		if id, ended := p.Fire(); !ended || id != want.id || math.Abs(at-want.at) > 1e-12 {
			t.Errorf("job %d ended at %v, want %d at %v", id, at, want.id, want.at)
		}
	}
	if !math.IsInf(p.Next(), 1) {
		t.Errorf("next is %v when all is done", p.Next())
	}
	if m := p.Machines(4)[1]; m.Pods != 2 || math.Abs(m.BusySeconds-1.5) > 1e-12 || m.ContendedSeconds != 0 {
		t.Errorf("machine n is %+v", m)
	}
}

// What cannot be is refused and changes nothing; a removal that leaves an unknown mix is carried out and reported.
func TestMixes(t *testing.T) {
	t.Parallel()
	p := newPark(t)
	for range 3 {
		if _, err := p.Place(0, "m", "x", cpushare.Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	for want, err := range map[string]error{
		"no such mix":         second(p.Place(0, "m", "x", cpushare.Settings{})),
		`field Machine is "z`: second(p.Place(0, "z", "x", cpushare.Settings{})),
		`class is "y"`:        second(p.Place(0, "m", "y", cpushare.Settings{})),
		"RequestCores":        second(p.Place(0, "n", "x", cpushare.Settings{RequestCores: -1})),
		"factor is 0":         p.SetFactor(0, 0, 0),
		"LimitCores":          p.Resize(0, 0, 1, math.NaN()),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %s", err, want)
		}
	}
	if _, _, _, speed := p.Placement(0); speed != 0.25 {
		t.Errorf("speed is %v among three, want 0.25", speed)
	}
	if p.Room(0, "m") != nil || p.Room(0, "n") != nil || p.Room(0, "z") == nil {
		t.Error("room is misjudged")
	}
	for id := range 2 {
		if err := p.Remove(1, id); err != nil {
			t.Fatal(err)
		}
	}
	if _, class, _, speed := p.Placement(2); speed != 1 || class != "x" {
		t.Errorf("the last pod, of class %s, has speed %v, want 1", class, speed)
	}
	if err := p.Remove(1, 2); err == nil || p.Machines(1)[0].Pods != 0 {
		t.Errorf("removing the last: %v, %+v", err, p.Machines(1)[0])
	}
}

func second(_ int, err error) error { return err }
