// Package traffic is a simple model of what programs do to a machine's caches and memory, so that the counters of an emulated resctrl
// tree answer to masks and bandwidth limits: a program fills the ways that it may use as far as others leave them, needs the more bandwidth
// the less of its data it finds there, and gets what its group's limit and the memory allow. It is enough to test controllers against; it
// says nothing of how fast a program runs.
//
// The form is chosen for its few parameters, not fitted to a machine: occupancy approaches its target with time constant Tau, the target
// is a fair share of the ways, and misses fall in proportion to the share of the footprint that is cached.
package traffic

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// Tau is the time constant of occupancy, an assumption: some seconds are what caches of tens of MiB take to change hands.
const Tau = 2 * time.Second

// Load is a program, or several alike, on one cache.
type Load struct {
	Name   string // distinguishes it from other loads
	Group  string // directory of its group, control or monitoring
	Domain int    // id of the cache
	// DemandMBps is what it would move to and from memory without any cache, in MB/s (10^6 bytes).
	DemandMBps float64
	Footprint  float64 // bytes that it comes back to
	Streaming  float64 // 0 to 1: the part of its accesses that no cache helps
	Local      float64 // 0 to 1: the part of its traffic that stays on the local socket
}

// Limits are what a group may use in a domain.
type Limits struct {
	Group string  // the control group: all its loads in a domain share MBps
	Mask  uint32  // ways
	MBps  float64 // +Inf is no limit
}

// Cache is a cache of the machine and the memory behind it.
type Cache struct {
	WayBytes float64
	PeakMBps float64 // of memory, for all together; +Inf if that does not matter
}

// Used is what a load has.
type Used struct {
	Occupancy float64 // bytes in the cache
	MBps      float64 // to and from memory
}

// Model is the state: what each load has filled. The zero value is a machine with empty caches.
type Model struct{ occupancy map[key]float64 }

// key is a load in a group: when it moves, what it filled before stays with the old group until it is displaced.
type key struct {
	load, group string
	domain      int
}

// Step lets time pass and returns what each load has at its end, in the order of the loads. limits tells what a load's group may use now.
// Numbers that are not finite or below 0 count as 0.
func (m *Model) Step(dt time.Duration, cache Cache, loads []Load, limits func(Load) Limits) []Used {
	if m.occupancy == nil {
		m.occupancy = map[key]float64{}
	}
	allowed := make([]Limits, len(loads))
	for i, l := range loads {
		allowed[i] = limits(l)
	}
	moved := 1 - math.Exp(-max(dt, 0).Seconds()/Tau.Seconds())
	targets := map[key]float64{}
	for i, bytes := range shares(cache.WayBytes, loads, allowed) {
		targets[keyOf(loads[i])] += bytes
	}
	for at := range targets {
		if _, known := m.occupancy[at]; !known {
			m.occupancy[at] = 0
		}
	}
	for at, have := range m.occupancy {
		now := have + moved*(targets[at]-have)
		if _, wanted := targets[at]; !wanted && now < 1 {
			delete(m.occupancy, at)
			continue
		}
		m.occupancy[at] = now
	}
	used := make([]Used, len(loads))
	for i, l := range loads {
		used[i].Occupancy = m.occupancy[keyOf(l)]
		used[i].MBps = sane(l.DemandMBps) * l.misses(used[i].Occupancy)
	}
	limitGroups(loads, allowed, used)
	limitMemory(cache.PeakMBps, loads, used)
	return used
}

// Occupancy is what all loads have filled for a group in a domain, those that have left it included.
func (m *Model) Occupancy(group string, domain int) float64 {
	var parts []float64
	for at, bytes := range m.occupancy {
		if at.group == group && at.domain == domain {
			parts = append(parts, bytes)
		}
	}
	slices.Sort(parts) // the same sum whatever the order of the map
	sum := 0.0
	for _, bytes := range parts {
		sum += bytes
	}
	return sum
}

func keyOf(l Load) key { return key{l.Name, l.Group, l.Domain} }

func sane(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) || x < 0 {
		return 0
	}
	return x
}

// misses is the part of accesses that go to memory.
func (l Load) misses(occupancy float64) float64 {
	streaming := min(sane(l.Streaming), 1)
	if sane(l.Footprint) == 0 {
		return streaming
	}
	return streaming + (1-streaming)*(1-min(occupancy/l.Footprint, 1))
}

// limitGroups scales the loads of each control group and domain down to the group's limit.
func limitGroups(loads []Load, allowed []Limits, used []Used) {
	type place struct {
		group  string
		domain int
	}
	total := map[place]float64{}
	for i, l := range loads {
		total[place{allowed[i].Group, l.Domain}] += used[i].MBps
	}
	for i, l := range loads {
		if sum := total[place{allowed[i].Group, l.Domain}]; sum > allowed[i].MBps {
			used[i].MBps *= max(allowed[i].MBps, 0) / sum
		}
	}
}

// limitMemory scales the loads of each domain down to what its memory can do.
func limitMemory(peak float64, loads []Load, used []Used) {
	total := map[int]float64{}
	for i, l := range loads {
		total[l.Domain] += used[i].MBps
	}
	for i, l := range loads {
		if sum := total[l.Domain]; sum > peak {
			used[i].MBps *= max(peak, 0) / sum
		}
	}
}

// rounds bounds the filling of ways. Each round fills a way or satisfies a load, or halves what is left to give.
const rounds = 64

// shares fills the ways of each domain: round by round, a way gives what it has left in equal parts to the loads that may use it and still
// want more, each of which wants equal parts of its ways. Nobody gets more than his footprint.
func shares(wayBytes float64, loads []Load, allowed []Limits) []float64 {
	got := make([]float64, len(loads))
	left := map[int]*[32]float64{}
	for _, l := range loads {
		if left[l.Domain] == nil {
			left[l.Domain] = new([32]float64)
			for way := range left[l.Domain] {
				left[l.Domain][way] = sane(wayBytes)
			}
		}
	}
	for range rounds {
		given := make([]float64, len(loads))
		for domain, ways := range left {
			for way := range ways {
				fillWay(domain, way, &ways[way], loads, allowed, got, given)
			}
		}
		for i := range got {
			got[i] += given[i]
		}
	}
	return got
}

// fillWay gives of one way.
func fillWay(domain, way int, left *float64, loads []Load, allowed []Limits, got, given []float64) {
	var owners []int
	for i, l := range loads {
		if l.Domain == domain && allowed[i].Mask>>way&1 != 0 && sane(l.Footprint)-got[i] > 1 {
			owners = append(owners, i)
		}
	}
	part := *left / float64(max(len(owners), 1))
	for _, i := range owners {
		want := (loads[i].Footprint - got[i]) / float64(bits.OnesCount32(allowed[i].Mask))
		bytes := min(part, want)
		given[i] += bytes
		*left -= bytes
	}
}
