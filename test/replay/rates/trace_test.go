package rates

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/hotel"
)

func TestTraces(t *testing.T) {
	for _, name := range []string{"diurnal", "nasa", "constant", "synthetic"} {
		t.Run(name, func(t *testing.T) {
			trace, err := New(name, DataFolder(), 10, 3)
			if errors.Is(err, os.ErrNotExist) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			minutes := trace.PerMinute()
			if len(trace.PerSecond) != 10*daySeconds || len(minutes) != 10*daySeconds/minute {
				t.Errorf("%d s and %d minutes, expected ten days", len(trace.PerSecond), len(minutes))
			}
			if m := Mean(minutes); m < 0.4*hotel.MeanRate || m > 1.15*hotel.MeanRate {
				t.Errorf("%.0f requests a second in the mean, expected about %v or, for a record, less", m, hotel.MeanRate)
			}
			if highest := slices.Max(minutes); highest > 2*hotel.MeanRate {
				t.Errorf("a minute of %.0f requests a second, expected at most twice the mean", highest)
			}
		})
	}
}

func TestSeedsOfTraces(t *testing.T) {
	a, _ := New("synthetic", "", 1, 1)
	b, _ := New("synthetic", "", 1, 2)
	again, _ := New("synthetic", "", 1, 1)
	if slices.Equal(a.PerSecond, b.PerSecond) || !slices.Equal(a.PerSecond, again.PerSecond) {
		t.Error("a seed must decide the trace, and another seed another")
	}
	if _, err := New("weekly", "", 1, 1); err == nil {
		t.Error("an unknown trace was made")
	}
}
