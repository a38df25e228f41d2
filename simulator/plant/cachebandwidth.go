package plant

import (
	"fmt"
	"math"
)

// Machine is the shared part of a node.
type Machine struct {
	// Cores is what the containers share when they want more: whole cores, without hyper-threads.
	Cores float64
	// CacheMB is the last-level cache, BandwidthGBps what memory delivers at most.
	CacheMB, BandwidthGBps float64
	// Slots is the largest number of containers.
	Slots int
}

// Workload is how one container of a class uses the machine when it runs alone.
type Workload struct {
	Name string
	// Cores is the CPU it keeps busy.
	Cores float64
	// MemoryShare is the share of its time spent waiting for last-level cache and memory, in [0, 1).
	MemoryShare float64
	// AccessGBps is its traffic to the last-level cache.
	AccessGBps float64
	// WorkingSetMB is the cache at which its miss ratio has fallen to 1/e of the way from 1 to FloorMissRatio.
	WorkingSetMB, FloorMissRatio float64
	// Provider names a class whose presence on the node makes this one faster by the factor ProviderGain (a cache next door saves
	// the way over the network); empty for none.
	Provider     string
	ProviderGain float64
}

// CacheBandwidth is an analytic truth: a fixed point of cores, cache occupancy, memory latency and speed.
//
//	CPU      every container gets the share min(1, Cores/demand) of what it wants
//	cache    occupancy in proportion to the rate of misses that bring lines in (an LRU cache under independent references)
//	memory   latency grows as 1/(1−load), load = miss traffic/Bandwidth; a container that is slowed sends less traffic
//	time     1/performance = (1−MemoryShare)/cpu + MemoryShare·(miss·latency)/(miss alone·latency alone), divided by ProviderGain
//	         with the provider present
//
// Not the predictor's form on purpose: its effects neither add up in logarithms nor depend on presence alone.
type CacheBandwidth struct {
	machine   Machine
	workloads []Workload
	classes   []string
	provider  []int // index of the provider, -1 for none
	alone     []float64
}

var _ Truth = (*CacheBandwidth)(nil)

// NewCacheBandwidth checks the parameters.
func NewCacheBandwidth(machine Machine, workloads []Workload) (*CacheBandwidth, error) {
	if !(machine.Cores > 0) || !(machine.CacheMB > 0) || !(machine.BandwidthGBps > 0) || machine.Slots < 1 || len(workloads) == 0 {
		return nil, fmt.Errorf("machine %+v with %d workloads: cores, cache, bandwidth and slots are above 0 and there is a workload", machine, len(workloads))
	}
	c := &CacheBandwidth{machine: machine, workloads: workloads}
	index := map[string]int{}
	for i, w := range workloads {
		index[w.Name] = i
		c.classes = append(c.classes, w.Name)
		if !(w.Cores > 0) || w.MemoryShare < 0 || w.MemoryShare >= 1 || !(w.AccessGBps > 0) || !(w.WorkingSetMB > 0) ||
			w.FloorMissRatio <= 0 || w.FloorMissRatio > 1 {
			return nil, fmt.Errorf("workload %+v: cores, access and working set are above 0, memory share in [0, 1), floor miss ratio in (0, 1]", w)
		}
	}
	for _, w := range workloads {
		p, ok := index[w.Provider]
		if !ok {
			p = -1
		}
		c.provider = append(c.provider, p)
	}
	alone := make([]float64, len(workloads))
	for i := range workloads {
		counts := make([]int, len(workloads))
		counts[i] = 1
		_, delay := c.settle(counts, iterations)
		alone[i] = delay[i]
	}
	c.alone = alone
	return c, nil
}

// Classes implements Truth.
func (c *CacheBandwidth) Classes() []string { return c.classes }

// Slots implements Truth.
func (c *CacheBandwidth) Slots() int { return c.machine.Slots }

// Performance implements Truth. Every mix of up to Slots containers has one.
func (c *CacheBandwidth) Performance(counts []int) ([]float64, error) {
	if len(counts) != len(c.workloads) || total(counts) > c.machine.Slots {
		return nil, fmt.Errorf("mix %v: expected %d classes and at most %d containers", counts, len(c.workloads), c.machine.Slots)
	}
	performance, _ := c.settle(counts, iterations)
	for i, n := range counts {
		if p := c.provider[i]; n > 0 && p >= 0 && counts[p] > 0 {
			performance[i] *= c.workloads[i].ProviderGain
		}
	}
	return performance, nil
}

// iterations of the fixed point; twice as many change no performance by 1e-9 (tested over all mixes of the example).
const iterations = 150

// settle iterates the fixed point. It returns the performance of each present class without its provider's gain, and delay = miss
// ratio x memory latency. While c.alone is not yet known, performance is 1.
func (c *CacheBandwidth) settle(counts []int, rounds int) (performance, delay []float64) {
	n := len(counts)
	performance, delay = make([]float64, n), make([]float64, n)
	miss := make([]float64, n)
	var demand float64
	for i, k := range counts {
		miss[i] = c.workloads[i].FloorMissRatio
		demand += float64(k) * c.workloads[i].Cores
		if k > 0 {
			performance[i] = 1
		}
	}
	cpu := math.Min(1, c.machine.Cores/math.Max(demand, c.machine.Cores))
	for range rounds {
		var traffic float64
		for i, k := range counts {
			traffic += float64(k) * c.workloads[i].AccessGBps * miss[i] * performance[i]
		}
		const saturation = 0.98 // the queue in front of memory is bounded by the misses that cores keep outstanding
		latency := 1 / (1 - math.Min(traffic/c.machine.BandwidthGBps, saturation))
		for i, k := range counts {
			if k == 0 {
				continue
			}
			w := &c.workloads[i]
			occupancy := c.machine.CacheMB * w.AccessGBps * miss[i] * performance[i] / traffic // of one container
			target := w.FloorMissRatio + (1-w.FloorMissRatio)*math.Exp(-occupancy/w.WorkingSetMB)
			miss[i] += (target - miss[i]) / 4
			delay[i] = miss[i] * latency
			if c.alone != nil {
				speed := 1 / ((1-w.MemoryShare)/cpu + w.MemoryShare*delay[i]/c.alone[i])
				performance[i] += (speed - performance[i]) / 4
			}
		}
	}
	return performance, delay
}
