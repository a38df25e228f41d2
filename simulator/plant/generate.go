package plant

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Example is a machine and seven workloads of a kind that share clusters: a key-value cache, a service that reads through it,
// two databases, two batch jobs of different appetite for bandwidth, and a web front end. The numbers are chosen, not measured:
// together they span what public co-location studies report (losses of 5 to 80 %, one provider effect of 2).
func Example() *CacheBandwidth {
	truth, err := NewCacheBandwidth(
		Machine{Cores: 13, CacheMB: 33, BandwidthGBps: 60, Slots: 8},
		[]Workload{
			{Name: "cache", Cores: 1.2, MemoryShare: 0.45, AccessGBps: 10, WorkingSetMB: 3, FloorMissRatio: 0.20},
			{Name: "reader", Cores: 1.4, MemoryShare: 0.10, AccessGBps: 4, WorkingSetMB: 2, FloorMissRatio: 0.20, Provider: "cache", ProviderGain: 2},
			{Name: "rowstore", Cores: 1.8, MemoryShare: 0.35, AccessGBps: 12, WorkingSetMB: 6, FloorMissRatio: 0.15},
			{Name: "columnstore", Cores: 2.0, MemoryShare: 0.40, AccessGBps: 22, WorkingSetMB: 9, FloorMissRatio: 0.35},
			{Name: "transcode", Cores: 2.0, MemoryShare: 0.15, AccessGBps: 9, WorkingSetMB: 4, FloorMissRatio: 0.25},
			{Name: "stream", Cores: 1.9, MemoryShare: 0.50, AccessGBps: 18, WorkingSetMB: 25, FloorMissRatio: 0.80},
			{Name: "web", Cores: 0.8, MemoryShare: 0.20, AccessGBps: 3, WorkingSetMB: 1.5, FloorMissRatio: 0.15},
		})
	if err != nil {
		panic("plant: the example's constants are invalid: " + err.Error())
	}
	return truth
}

// Sample is a measured mix: counts and the noisy performance of each class, 0 where absent.
type Sample struct {
	Counts      []int
	Performance []float64
}

// Measure returns what a profiling campaign would see of a truth: all mixes of one or two classes, as an operator measures them
// first, and random further mixes, every value with log-normal noise of the given standard deviation.
func Measure(truth Truth, random int, noise float64, rng *rand.Rand) ([]Sample, error) {
	classes, slots := len(truth.Classes()), truth.Slots()
	var chosen, rest [][]int
	for _, mix := range enumerate(classes, slots) {
		switch present := classesIn(mix); {
		case present == 0:
		case present <= 2:
			chosen = append(chosen, mix)
		default:
			rest = append(rest, mix)
		}
	}
	rng.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	chosen = append(chosen, rest[:min(random, len(rest))]...)
	samples := make([]Sample, 0, len(chosen))
	for _, mix := range chosen {
		performance, err := truth.Performance(mix)
		if err != nil {
			return nil, fmt.Errorf("measuring: %w", err)
		}
		seen := make([]float64, classes)
		for i, p := range performance {
			seen[i] = p * math.Exp(noise*rng.NormFloat64())
		}
		samples = append(samples, Sample{mix, seen})
	}
	return samples, nil
}

// Batch draws n containers, each of a class chosen at random.
func Batch(classes, n int, rng *rand.Rand) []int {
	batch := make([]int, classes)
	for range n {
		batch[rng.IntN(classes)]++
	}
	return batch
}

func classesIn(mix []int) int {
	present := 0
	for _, n := range mix {
		if n > 0 {
			present++
		}
	}
	return present
}
