package sharednode

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Family of seeds.
type Family int

// Families. Their random streams are disjoint, and HeldOut's ranges are wider by a quarter about their geometric middle: it has machines and
// workloads that Tuning has none of.
const (
	Tuning  Family = iota
	HeldOut        // for the record only, see the package's comment
)

// String names the family.
func (f Family) String() string {
	if f == HeldOut {
		return "held-out"
	}
	return "tuning"
}

// Random is the stream of a seed of the family, for a purpose; different purposes are independent.
func (f Family) Random(seed, purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(f+1)<<32|purpose))
}

// draw draws parameters.
type draw struct {
	random *rand.Rand
	widen  float64
}

// between is log-uniform.
func (d *draw) between(low, high float64) float64 {
	middle, half := math.Log(low*high)/2, math.Log(high/low)/2*d.widen
	return math.Exp(middle + (2*d.random.Float64()-1)*half)
}

// Knobs is what a drawn machine can do.
type Knobs int

// Kinds of machine.
const (
	AllKnobs      Knobs = iota // cache, memory bandwidth, monitoring, events
	CacheOnly                  // no memory bandwidth allocation
	OnlyCPU                    // no resctrl, but hardware events
	OnlyCPUNoPerf              // a virtual machine of a cloud: neither
)

// Drawn is a machine and its services.
type Drawn struct {
	Machine  Machine
	Services []Service
}

// Draw makes a machine with one to three services. Their targets are not set: they depend on what is to be met.
func Draw(family Family, seed uint64, knobs Knobs) Drawn {
	d := draw{random: family.Random(seed, 1), widen: 1}
	if family == HeldOut {
		d.widen = 1.25
	}
	m := d.machine(knobs)
	out := Drawn{Machine: m}
	count := 1 + d.random.IntN(3)
	for i := range count {
		out.Services = append(out.Services, d.service(fmt.Sprintf("service-%d", i), &m, count))
	}
	return out
}

// machine draws from what servers of 2017 to 2025 have per cache domain: 8 to 32 cores, 11 to 20 ways, 1 to 2.2 MB a way, 3.5 to 6 GB/s of
// memory a core, 75 to 110 ns.
func (d *draw) machine(knobs Knobs) Machine {
	cores := float64([]int{8, 12, 16, 24, 32}[d.random.IntN(5)])
	m := Machine{
		Cores: cores, GHz: d.between(2, 3.2), Ways: []int{11, 12, 15, 16, 20}[d.random.IntN(5)], MinWays: 1 + d.random.IntN(2),
		CoreMBps: d.between(9000, 15000), MemoryNs: d.between(75, 110), MBMin: 10, MBStep: 10, MBBend: d.between(0.7, 1.5),
		PowerDrop: d.between(0.08, 0.3), WakeSeconds: d.between(0.0003, 0.0015),
	}
	m.CacheMB = float64(m.Ways) * d.between(1, 2.2)
	m.PeakMBps = cores * d.between(3500, 6000)
	m.ToldMBps = m.PeakMBps * d.between(0.95, 1.03)
	m.Allocates, m.Throttles, m.Monitors, m.Events = knobs <= CacheOnly, knobs == AllKnobs, knobs <= CacheOnly, knobs <= OnlyCPU
	if !m.Monitors {
		m.ToldMBps = 0
	}
	return m
}

// service draws one of count services that take 35 to 60 % of the cores together at load 1.
func (d *draw) service(name string, m *Machine, count int) Service {
	curve := Curve{Shape: Shape(d.random.IntN(4)), High: d.between(4, 16), ScaleMB: m.CacheMB * d.between(0.1, 0.4) / float64(count)}
	curve.Low = curve.High * d.between(0.05, 0.3)
	if curve.Shape == Flat {
		curve.High = d.between(0.5, 4)
		curve.Low = curve.High
	}
	code := Code{CPI: d.between(0.5, 1.1), Misses: curve, Overlap: d.between(1.5, 4)}
	cores := m.Cores * d.between(0.35, 0.6) / float64(count)
	instructions := d.between(0.0004, 0.004) * m.GHz * 1e9 / code.CPI
	seconds := instructions * code.instructionSeconds(m.GHz, curve.At(m.CacheMB/float64(count)), m.MemoryNs)
	return Service{
		Name: name, Workers: math.Ceil(cores * 1.6), Weight: cores, Instructions: instructions, Variation: d.between(0.3, 1.5), Code: code,
		Wakeups: d.between(1, 3), PeakRate: cores / seconds,
	}
}

// Kind of batch work.
type Kind int

// Kinds: what each presses on.
const (
	Mild         Kind = iota // two threads on little cache: disturbs nobody
	CPUBound                 // all cores, next to no misses
	CacheHungry              // a large working set that it uses again
	Streaming                // memory bandwidth, no reuse
	HotCode                  // the clock
	kindsOfBatch             // how many there are
)

// String names the kind.
func (k Kind) String() string {
	if k < 0 {
		return "none"
	}
	return [...]string{"mild", "cpu", "cache", "stream", "hot"}[min(k, kindsOfBatch-1)]
}

// DrawPhase makes code of a kind for the machine.
func DrawPhase(family Family, seed uint64, kind Kind, m *Machine) Phase {
	d := draw{random: family.Random(seed, 16+uint64(kind)), widen: 1}
	p := Phase{Name: kind.String(), Code: Code{CPI: d.between(0.4, 0.8), Overlap: d.between(2, 4)}}
	switch kind {
	case Mild, CPUBound, HotCode, kindsOfBatch:
		high := d.between(0.05, 0.3)
		p.Code.Misses = Curve{Shape: Exponential, High: high, Low: high / 4, ScaleMB: m.CacheMB * d.between(0.01, 0.03)}
		if kind == HotCode {
			p.Code.Heat = 1
		}
	case CacheHungry:
		high := d.between(15, 35)
		p.Code.Misses = Curve{Shape: Shape(d.random.IntN(3)), High: high, Low: high / 10, ScaleMB: m.CacheMB * d.between(0.3, 0.7)}
	case Streaming:
		high := d.between(45, 90)
		p.Code.Misses = Curve{Shape: Flat, High: high, Low: high, ScaleMB: 1}
		p.Code.Overlap = d.between(7, 12)
	}
	return p
}

// DrawThreads is how many threads a job of a kind has on the machine.
func DrawThreads(family Family, seed uint64, kind Kind, m *Machine) float64 {
	d := draw{random: family.Random(seed, 32+uint64(kind)), widen: 1}
	switch kind {
	case Mild:
		return 2
	case CPUBound:
		return m.Cores
	case CacheHungry, Streaming, HotCode, kindsOfBatch:
	}
	return math.Ceil(m.Cores * d.between(0.5, 1))
}
