package stockvpa

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/test/replay/fleet"
	"github.com/ballast-k8s/ballast/test/replay/rates"
)

func TestVersionIsThatOfTheModule(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "k8s.io/autoscaler/vertical-pod-autoscaler " + Version; !strings.Contains(string(raw), want) {
		t.Errorf("go.mod has no %q, which the report line says", want)
	}
}

func TestUpdaterRule(t *testing.T) {
	f := fleet.New(fleet.Guessed())
	keep := make([]Bounds, len(f.Services))
	for i := range keep {
		now := fleet.Millicores(f.Services[i].RequestCores)
		keep[i] = Bounds{Target: now * 95 / 100, Lower: now / 2, Upper: now * 2, Memory: fleet.StartBytes, MemoryLower: 1, MemoryUpper: 1e12}
	}
	rule := NewUpdater()
	if err := rule.Act(0, f, keep); err != nil {
		t.Fatal(err)
	}
	if f.Resizes != 0 {
		t.Errorf("%d resizes of pods off by 5 %% within their bounds", f.Resizes)
	}
	keep[0].Lower, keep[0].Target = 2000, 2100 // the front end, 3 replicas
	for round := 1; round <= 4; round++ {
		if err := rule.Act(float64(60*round), f, keep); err != nil {
			t.Fatal(err)
		}
		if want := min(round, 3); f.Resizes != want {
			t.Errorf("%d resizes after round %d, expected %d", f.Resizes, round, want)
		}
	}
	// All pods are older than 12 h: within the bounds, 20 % suffice.
	keep[1].Target = keep[1].Target * 8 / 10
	if err := rule.Act(300, f, keep); err != nil {
		t.Fatal(err)
	}
	if f.Resizes != 4 {
		t.Errorf("%d resizes, expected a fourth of an old pod that is off by more than a tenth", f.Resizes)
	}
}

func TestAtOnceRule(t *testing.T) {
	f := fleet.New(fleet.Guessed())
	by := make([]Bounds, len(f.Services))
	for round, want := range []int{20, 20, 20, 20, 20, 40} { // all 20 pods at once, then not for five minutes
		for i := range by {
			by[i] = Bounds{Target: int64(100 + round), Memory: fleet.StartBytes}
		}
		if err := (AtOnce{}).Act(float64(60*round), f, by); err != nil {
			t.Fatal(err)
		}
		if f.Resizes != want {
			t.Errorf("%d resizes after round %d, expected %d", f.Resizes, round, want)
		}
	}
}

func TestComputedUse(t *testing.T) {
	f := fleet.New(fleet.Guessed())
	u := NewUsage(f, 1)
	const n = 2000
	for _, pod := range []int{0, 5, 12} {
		var x []float64
		for range n {
			x = append(x, u.At(hotel.MeanRate, pod))
		}
		want := f.Services[f.Pods[pod].Service].MeanCores
		m := rates.Mean(x)
		var square float64
		for _, v := range x {
			square += (v - m) * (v - m) / (n - 1)
		}
		// 315/3 calls a second, 6300 a minute: sqrt(2/6300) = 1.8 %.
		if math.Abs(m-want) > 0.005*want || math.Abs(math.Sqrt(square)/m-0.0178) > 0.002 {
			t.Errorf("pod %d uses %.4f ± %.4f cores, expected %.4f ± 1.78 %%", pod, m, math.Sqrt(square), want)
		}
	}
}
