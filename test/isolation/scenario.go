package isolation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// Event changes the conditions at a time in seconds.
type Event struct {
	At         float64
	Conditions plant.Conditions
}

// Scenario is a machine, what runs on it and what happens.
type Scenario struct {
	Name     string
	Family   plant.Family
	Seed     uint64
	Knobs    plant.Knobs
	Machine  plant.Machine
	Services []plant.Service
	Jobs     []plant.Job
	Timeline []Event
	Seconds  float64
	// Onset is when the disturbance comes, 0 where there is none; Constant is from when to the end nothing changes any more.
	Onset, Constant float64
	// Culprit is the job that disturbs, and Kind how; -1 for none.
	Culprit int
	Kind    plant.Kind
}

// Names of the scenarios.
var Names = []string{"cpu", "cache", "stream", "hot", "load", "phase", "flap", "quiet"}

// Times in seconds: the disturbance comes, stays for ten minutes, the first two of which are for settling.
const (
	onset    = 120
	settling = 120
	stay     = 600
	hour     = 3600
)

// attempts at drawing a scenario in which the disturbance matters and can be met.
const attempts = 200

// New draws a scenario.
func New(name string, family plant.Family, seed uint64, knobs plant.Knobs) (*Scenario, error) {
	for attempt := range uint64(attempts) {
		draw := drawSeed(name, seed, attempt)
		s := &Scenario{Name: name, Family: family, Seed: seed, Knobs: knobs, Seconds: onset + stay, Onset: onset, Constant: onset + settling, Culprit: -1}
		drawn := plant.Draw(family, draw, knobs)
		s.Machine, s.Services = drawn.Machine, drawn.Services
		random := family.Random(draw, 64)
		s.addMild(draw)
		if err := s.happen(draw, random); err != nil {
			return nil, err
		}
		if ok, err := s.aim(random); ok || err != nil {
			return s, err
		}
	}
	return nil, fmt.Errorf("scenario %s of seed %d (%v): none of %d draws can be met and needs control", name, seed, family, attempts)
}

// drawSeed makes a seed for each scenario, seed and attempt, so that they do not share machines.
func drawSeed(name string, seed, attempt uint64) uint64 {
	return uint64(slices.Index(Names, name)+1)<<40 | seed<<12 | attempt
}

// addMild adds the jobs that disturb nobody.
func (s *Scenario) addMild(seed uint64) {
	for i := range 2 {
		s.Jobs = append(s.Jobs, plant.Job{
			Name: fmt.Sprintf("mild-%d", i), Threads: 2, Weight: batchWeight,
			Phases: []plant.Phase{plant.DrawPhase(s.Family, seed+uint64(i)*1000, plant.Mild, &s.Machine)},
		})
	}
}

// batchWeight is a batch pod's share against requested cores: BestEffort weighs 2/1024.
const batchWeight = 2.0 / 1024

// happen lays out jobs and timeline.
func (s *Scenario) happen(seed uint64, random *rand.Rand) error {
	low, high := 0.35+0.1*random.Float64(), 0.6+0.15*random.Float64()
	switch s.Name {
	case "cpu", "cache", "stream", "hot":
		kinds := map[string]plant.Kind{"cpu": plant.CPUBound, "cache": plant.CacheHungry, "stream": plant.Streaming, "hot": plant.HotCode}
		s.addCulprit(seed, kinds[s.Name])
		s.Timeline = []Event{{0, s.conditions(high, plant.Absent)}, {onset, s.conditions(high, len(s.Jobs[s.Culprit].Phases)-1)}}
	case "load":
		s.addCulprit(seed, disturber(random))
		s.Timeline = []Event{{0, s.conditions(low, 0)}, {onset, s.conditions(high, 0)}}
	case "phase":
		s.addCulprit(seed, disturber(random))
		mild := plant.DrawPhase(s.Family, seed, plant.Mild, &s.Machine)
		s.Jobs[s.Culprit].Phases = append([]plant.Phase{mild}, s.Jobs[s.Culprit].Phases...)
		s.Jobs[s.Culprit].Threads = math.Min(s.Jobs[s.Culprit].Threads, math.Floor(s.Machine.Cores/2)) // no contention for cores before
		s.Timeline = []Event{{0, s.conditions(high, 0)}, {onset, s.conditions(high, 1)}}
	case "flap":
		s.addCulprit(seed, disturber(random))
		s.Jobs[s.Culprit].Phases[0].OnSeconds, s.Jobs[s.Culprit].Phases[0].OffSeconds = 30, 30
		s.Timeline = []Event{{0, s.conditions(high, plant.Absent)}, {onset, s.conditions(high, 0)}}
	case "quiet":
		s.Seconds, s.Onset, s.Constant = hour, settling, settling
		for at := 0.0; at < hour; at += 300 {
			s.Timeline = append(s.Timeline, Event{at, s.conditions(0.3+0.4*random.Float64(), plant.Absent)})
		}
	default:
		return fmt.Errorf("scenario %q; expected one of %v", s.Name, Names)
	}
	return nil
}

// disturber is a kind that is felt through cache or memory.
func disturber(random *rand.Rand) plant.Kind {
	return []plant.Kind{plant.CacheHungry, plant.Streaming}[random.IntN(2)]
}

func (s *Scenario) addCulprit(seed uint64, kind plant.Kind) {
	s.Culprit, s.Kind = len(s.Jobs), kind
	s.Jobs = append(s.Jobs, plant.Job{
		Name: kind.String(), Threads: plant.DrawThreads(s.Family, seed, kind, &s.Machine), Weight: batchWeight,
		Phases: []plant.Phase{plant.DrawPhase(s.Family, seed, kind, &s.Machine)},
	})
}

// conditions has all services at a load, the mild jobs present and the culprit, where there is one, in that phase.
func (s *Scenario) conditions(load float64, culprit int) plant.Conditions {
	c := plant.Conditions{}
	for range s.Services {
		c.Load = append(c.Load, load)
	}
	for j := range s.Jobs {
		phase := 0
		if j == s.Culprit {
			phase = culprit
		}
		c.Phase = append(c.Phase, phase)
	}
	return c
}

// Floor is the least CPU of batch work that a policy may be expected to leave: a twentieth of the machine.
func Floor(m *plant.Machine) float64 { return math.Max(0.5, m.Cores/20) }

// strictest is the setting that holds batch work down as far as it goes, short of stopping it.
func strictest(m *plant.Machine) plant.Setting { return m.Split(m.MinWays, m.MBMin, Floor(m)) }

// aim sets the targets, and says whether the scenario is one: the strictest setting leaves a slack of at least a quarter under all conditions,
// and without any setting some service is over its target in the end, but not before. In a quiet hour nobody ever is.
func (s *Scenario) aim(random *rand.Rand) (bool, error) {
	for i := range s.Services {
		s.Services[i].TargetSeconds = 1
	}
	least := make([]float64, len(s.Services)) // what targets must be above, from all conditions
	var free []float64
	before := make([]float64, len(s.Services))
	for e := range s.Timeline {
		steady, err := plant.NewSteady(s.Machine, s.Services, s.Jobs, s.Timeline[e].Conditions)
		if err != nil {
			return false, err
		}
		tight, _ := steady.At(strictest(&s.Machine))
		free, _ = steady.At(s.Machine.Free())
		for i := range least {
			least[i] = math.Max(least[i], tight[i])
			if e+1 < len(s.Timeline) || s.Culprit < 0 {
				before[i] = math.Max(before[i], free[i])
			}
		}
	}
	return s.target(random, least, before, free), nil
}

// target draws the targets between what can be met and what must fail.
func (s *Scenario) target(random *rand.Rand, least, before, free []float64) bool {
	const room, wide, fails = 1 / 0.75, 2.5, 0.9
	victim := false
	for i := range s.Services {
		low := least[i] * room
		if s.Name != "load" { // there the job is present from the beginning
			low = math.Max(low, before[i]*room)
		}
		high := least[i] * wide
		if s.Culprit >= 0 && free[i]*fails > low && (!victim || random.IntN(2) == 0) {
			high = math.Min(high, free[i]*fails)
			victim = true
		}
		high = math.Max(high, low)
		s.Services[i].TargetSeconds = low * math.Pow(high/low, random.Float64())
	}
	return victim == (s.Culprit >= 0)
}

// Last is the conditions that come to stay.
func (s *Scenario) Last() plant.Conditions { return s.Timeline[len(s.Timeline)-1].Conditions }

// warm is for how long a node has run before a scenario begins, in seconds.
const warm = 30

// Node starts the scenario's node, warm, with noise of its own seed for a purpose.
func (s *Scenario) Node(purpose uint64) (*plant.Node, error) {
	node, err := plant.New(s.Machine, s.Services, s.Jobs, s.Family.Random(s.Seed, purpose))
	if err != nil || len(s.Timeline) == 0 {
		return node, err
	}
	if err := node.Change(s.Timeline[0].Conditions); err != nil {
		return nil, err
	}
	node.Settle(warm)
	return node, nil
}

// What a scenario's seed makes noise for.
const (
	judged uint64 = iota + 3
	ofParties
	learnt
)
