package isolation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// Times of a course of attribution in seconds: an hour to learn, at four loads in turn, then a quarter of an hour with the culprit, or an
// hour without.
const (
	learningHour = 3600
	loadSeconds  = 300
	injected     = 900
)

// Blame is what attribution came to.
type Blame struct {
	Kind plant.Kind
	Seed uint64
	// Slowdown is the truth of the victim that suffers most: time per unit of work over that before. Shares are each resource's part of its
	// logarithm.
	Slowdown float64
	Shares   map[attribution.Resource]float64
	// Found is whether the culprit was confirmed for some victim, After how many seconds; Named whether the resource was right, and Resource
	// what was said.
	Found, Named bool
	After        float64
	Resource     attribution.Resource
	// Wrong counts confirmed findings of a job that is innocent: without it the victim is faster by less than a twentieth. Probes those that began, Held the seconds of them.
	Wrong, Probes int
	Held          float64
	// Verdicts counts steps by what was said of the victim with the culprit there, before it was confirmed.
	Verdicts map[attribution.Resource]int
	Trials   []attribution.Trial
}

// Right is whether the culprit and its resource were found and nobody else was blamed.
func (b *Blame) Right() bool { return b.Found && b.Named && b.Wrong == 0 }

// Reasons are the shares in words.
func (b *Blame) Reasons() string {
	var out []string
	for _, r := range []attribution.Resource{attribution.LLC, attribution.MemoryBandwidth, attribution.CPU, attribution.Power} {
		out = append(out, fmt.Sprintf("%s %.2f", r, b.Shares[r]))
	}
	return strings.Join(out, ", ")
}

// enoughShare is the part of a slowdown from which on naming that resource is right: jobs press on more than one.
const enoughShare = 0.3

// draws until a culprit is felt: a job that presses on memory or on the clock alone is rare.
const draws = 4000

// Quiet is the kind of no culprit.
const Quiet plant.Kind = -1

// Inject lets attribution learn, sets a culprit of a kind loose on the node, and follows what it finds; with kind Quiet nobody comes.
func Inject(family plant.Family, seed uint64, kind plant.Kind, knobs plant.Knobs) (*Blame, error) {
	for attempt := range uint64(draws) {
		c, err := newCourse(family, seed<<12|attempt, kind, knobs)
		if err != nil {
			return nil, err
		}
		if c == nil {
			continue
		}
		c.blame.Seed = seed
		return &c.blame, c.run()
	}
	return nil, fmt.Errorf("no draw of seed %d (%v) has a culprit of kind %v that is felt", seed, family, kind)
}

// course is one injection.
type course struct {
	scenario *Scenario
	node     *plant.Node
	observer *Observer
	random   *rand.Rand
	levels   []float64
	current  plant.Conditions
	setting  plant.Setting // what holds but for probes
	victim   int
	blame    Blame
}

// newCourse draws one; nil where the culprit would not be felt.
func newCourse(family plant.Family, seed uint64, kind plant.Kind, knobs plant.Knobs) (*course, error) {
	drawn := plant.Draw(family, seed<<4|uint64(kind+1)|1<<60, knobs)
	s := &Scenario{Name: "attribution", Family: family, Seed: seed, Knobs: knobs, Machine: drawn.Machine, Services: drawn.Services, Culprit: -1, Kind: kind}
	for i := range s.Services {
		s.Services[i].TargetSeconds = 1 // nobody looks at it
	}
	s.addMild(seed)
	s.Jobs = append(s.Jobs, plant.Job{ // busy, and innocent
		Name: "busy", Threads: math.Ceil(s.Machine.Cores / 10), Weight: batchWeight,
		Phases: []plant.Phase{plant.DrawPhase(family, seed+1, plant.CPUBound, &s.Machine)},
	})
	c := &course{scenario: s, random: family.Random(seed, 128), blame: Blame{
		Kind: kind, Shares: map[attribution.Resource]float64{}, Verdicts: map[attribution.Resource]int{},
	}}
	for k := range 4 {
		c.levels = append(c.levels, 0.4+0.1*float64(k)+0.05*c.random.Float64())
	}
	if kind != plant.CPUBound && kind != Quiet {
		s.Machine.WakeSeconds /= 10 // a kernel that places threads well: it is something else that is contended for
	}
	if kind == plant.Streaming { // most of the memory channels are empty: some cores are enough to fill it
		const channels = 0.4
		s.Machine.PeakMBps *= channels
		s.Machine.ToldMBps *= channels
	}
	c.setting = s.Machine.Free()
	if kind == plant.Streaming && s.Machine.Allocates {
		c.setting = s.Machine.Split(s.Machine.MinWays, 100, math.Inf(1)) // else it is felt through the cache first
	}
	if kind != Quiet {
		s.addCulprit(seed, kind)
		if kind != plant.CPUBound {
			s.Jobs[s.Culprit].Threads = c.idleCores()
		}
		if felt, err := c.measure(); err != nil || !felt {
			return nil, err
		}
	}
	node, err := s.Node(judged)
	c.node, c.observer = node, NewObserver(s)
	return c, err
}

// idleCores is how many threads leave some cores idle, so that it is not the CPU that is contended for.
func (c *course) idleCores() float64 {
	const busy = 0.9
	s := c.scenario
	free := busy * s.Machine.Cores
	for i := range s.Services {
		free -= s.Services[i].Weight * c.levels[injectedLevel]
	}
	for j := range s.Jobs {
		if j != s.Culprit {
			free -= s.Jobs[j].Threads
		}
	}
	return math.Max(1, math.Floor(free))
}

// injectedLevel is the index of the load at which the culprit comes.
const injectedLevel = 2

// resourceOf is what a kind of batch work presses on.
var resourceOf = map[plant.Kind]attribution.Resource{
	plant.CPUBound: attribution.CPU, plant.CacheHungry: attribution.LLC, plant.Streaming: attribution.MemoryBandwidth, plant.HotCode: attribution.Power,
}

// measure finds by the plant, noise off, whom the culprit slows down most and over what. It is felt where that is enough, and mostly over the
// resource of its kind.
func (c *course) measure() (bool, error) {
	const least, leastHot, most = 1.25, 1.2, 0.5
	before, err := c.costs(c.scenario.conditions(c.levels[injectedLevel], plant.Absent))
	if err != nil {
		return false, err
	}
	after, err := c.costs(c.scenario.conditions(c.levels[injectedLevel], 0))
	if err != nil {
		return false, err
	}
	for i := range before {
		shares := contributions(&before[i], &after[i])
		var total float64
		for _, x := range shares {
			total += x
		}
		if slowdown := math.Exp(total); slowdown > c.blame.Slowdown {
			c.blame.Slowdown, c.victim = slowdown, i
			for r, x := range shares {
				c.blame.Shares[r] = x / total
			}
		}
	}
	enough := least
	if c.blame.Kind == plant.HotCode {
		enough = leastHot
	}
	return c.blame.Slowdown >= enough && c.blame.Shares[resourceOf[c.blame.Kind]] >= most, nil
}

// costs are what the services' work costs in the steady state of some conditions, without noise.
func (c *course) costs(conditions plant.Conditions) ([]plant.Cost, error) {
	node, err := plant.New(c.scenario.Machine, c.scenario.Services, c.scenario.Jobs, nil)
	if err != nil {
		return nil, err
	}
	if err := node.Change(conditions); err != nil {
		return nil, err
	}
	node.Apply(c.setting)
	for range 40 {
		node.Advance(0.5)
	}
	costs := make([]plant.Cost, len(c.scenario.Services))
	for i := range costs {
		costs[i] = node.Cost(i)
	}
	return costs, nil
}

// innocent is whether a job's leaving makes a service faster by less than a twentieth, under the conditions of now.
func (c *course) innocent(service, job string) (bool, error) {
	const least = 1.05
	without := plant.Conditions{Load: c.current.Load, Phase: slices.Clone(c.current.Phase), Misses: c.current.Misses}
	for j := range c.scenario.Jobs {
		if c.scenario.Jobs[j].Name == job {
			without.Phase[j] = plant.Absent
		}
	}
	with, err := c.costs(c.current)
	if err != nil {
		return false, err
	}
	freed, err := c.costs(without)
	if err != nil {
		return false, err
	}
	for i := range with {
		if c.scenario.Services[i].Name == service {
			var total float64
			for _, x := range contributions(&freed[i], &with[i]) {
				total += x
			}
			return math.Exp(total) < least, nil
		}
	}
	return true, nil
}

// contributions takes the logarithm of a slowdown apart: first the clock, then more misses at the cost of before, then the cost of each,
// then the wait for cores.
func contributions(before, after *plant.Cost) map[attribution.Resource]float64 {
	clock := after.OwnSeconds - before.OwnSeconds
	misses := before.MissSeconds * (after.Misses/math.Max(before.Misses, 1e-9) - 1)
	latency := after.MissSeconds - before.MissSeconds - misses
	whole := clock + misses + latency
	base := before.OwnSeconds + before.MissSeconds
	scale := 0.0
	if whole != 0 {
		scale = math.Log1p(whole/base) / whole
	}
	return map[attribution.Resource]float64{
		attribution.Power: clock * scale, attribution.LLC: misses * scale, attribution.MemoryBandwidth: latency * scale,
		attribution.CPU: math.Log((1 + after.Delay) / (1 + before.Delay)),
	}
}

func (c *course) run() error {
	end := learningHour + injected
	if c.blame.Kind == Quiet {
		end = 2 * learningHour
	}
	held := -1
	known := map[string]bool{}
	for step := range int(float64(end) / plant.Step) {
		now := float64(step) * plant.Step
		if step%int(loadSeconds/plant.Step) == 0 {
			c.current = c.conditions(now)
			if err := c.node.Change(c.current); err != nil {
				return err
			}
		}
		c.node.Advance(plant.Step)
		before := c.observer.seconds
		c.observer.Observe(c.node.Read(), true)
		setting := c.setting
		setting.JobCPU = c.observer.Quotas(len(c.scenario.Jobs))
		c.node.Apply(setting)
		if c.observer.held >= 0 {
			c.blame.Held += plant.Step
			if held < 0 {
				c.blame.Probes++
			}
		}
		held = c.observer.held
		if c.observer.seconds != before && c.observer.seconds%2 == 0 {
			if err := c.follow(now, known); err != nil {
				return err
			}
		}
	}
	c.blame.Trials = c.observer.state.Tried
	return nil
}

// ownEpisode is the factor of a service's misses while it is slow by its own doing.
const ownEpisode = 1.5

// conditions change each five minutes while it learns and in a quiet hour, when mild jobs come and go, too, and in that hour every fourth time a
// service is slow by its own doing. The culprit comes at a load that was learnt, and with it a mild job that had been away: new, too, and innocent.
func (c *course) conditions(now float64) plant.Conditions {
	part := int(now / loadSeconds)
	if now >= learningHour && c.blame.Kind != Quiet {
		return c.scenario.conditions(c.levels[injectedLevel], 0)
	}
	out := c.scenario.conditions(c.levels[part%len(c.levels)], plant.Absent)
	if part%3 == 2 {
		out.Phase[c.random.IntN(2)] = plant.Absent
	}
	if c.blame.Kind != Quiet && now >= learningHour-loadSeconds {
		out.Phase[0] = plant.Absent
	}
	if now >= learningHour && part%4 == 1 {
		for range c.scenario.Services {
			out.Misses = append(out.Misses, 1)
		}
		out.Misses[c.random.IntN(len(out.Misses))] = ownEpisode
	}
	return out
}

// follow looks at what was said and found.
func (c *course) follow(now float64, known map[string]bool) error {
	if now >= learningHour && !c.blame.Found {
		c.blame.Verdicts[c.observer.Resource(c.scenario.Services[c.victim].Name)]++
	}
	for _, f := range c.observer.state.Findings {
		if f.State != attribution.Confirmed || f.Culprit == nil {
			continue
		}
		id := f.Victim.Pod + " " + f.Culprit.Pod
		if known[id] {
			continue
		}
		known[id] = true
		if c.scenario.Culprit < 0 || f.Culprit.Pod != c.scenario.Jobs[c.scenario.Culprit].Name {
			innocent, err := c.innocent(f.Victim.Pod, f.Culprit.Pod)
			if err != nil {
				return err
			}
			if innocent {
				c.blame.Wrong++
			}
			continue
		}
		if !c.blame.Found {
			c.blame.Found, c.blame.After, c.blame.Resource = true, now-learningHour, f.Resource
			c.blame.Named = c.right(f.Resource)
		}
	}
	return nil
}

// right is whether a resource is the one that costs most, or a good part.
func (c *course) right(named attribution.Resource) bool {
	for _, x := range c.blame.Shares {
		if x > c.blame.Shares[named] {
			return c.blame.Shares[named] >= enoughShare
		}
	}
	return true
}
