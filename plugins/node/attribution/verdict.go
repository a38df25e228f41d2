package attribution

import (
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

// Resource is what containers compete for.
type Resource string

// The resources. None: the container is not slowed down by others. NotJudged: not enough is known.
const (
	NotJudged       Resource = ""
	None            Resource = "None"
	LLC             Resource = "LLC"
	MemoryBandwidth Resource = "MemoryBandwidth"
	CPU             Resource = "CPU"
	Power           Resource = "Power"
	Unknown         Resource = "Unknown"
)

const (
	// quick is how many readings a verdict needs, and quickBeyond how many of them must lie beyond a bar: 10 s at one each 2 s.
	quick, quickBeyond = 5, 4
	// sure is the share of the last 10 readings beyond the bar from which on a neighbour is probed. Google's CPI² asks for 3 in 5 minutes,
	// of readings further apart.
	sure = 0.8
	// selfInflicted is the share of periods in which its own limit stopped a container, from which on waiting is its own.
	selfInflicted = 0.05
	// stolen is the share of CPU time that the hypervisor took, from which on waiting is the machine's.
	stolen = 0.05
	// powerDecile is the least CPU utilisation, in tenths, at which a low frequency costs: below it the machine slows down to save power.
	powerDecile = 2
	// risen is how many standard deviations the median of some readings must lie above the usual to say what makes instructions slow,
	// once it is known that they are; leastRisen is the same as a share.
	risen, leastRisen = 1.2, 0.05
)

// Verdict is whether a container is slowed down now, and over what.
type Verdict struct {
	Container Key
	Resource  Resource
	// Confidence is the share of the last 10 readings that bear it out, 0 to 1.
	Confidence float64
	// Slowdown is the time for a unit of work over the usual one, by the signals beyond their bars; nil where nothing is.
	Slowdown *float64
	// Sentence says it with numbers.
	Sentence string
}

// judgement is a verdict with the signal that it rests on.
type judgement struct {
	Verdict
	signal bars.Signal
	// against is the part of the sentence on that signal.
	against string
	// over: a neighbour may be the reason.
	over bool
}

// slowdown is 0 where none is known.
func (v *Verdict) slowdown() float64 {
	if v.Slowdown == nil {
		return 0
	}
	return *v.Slowdown
}

// judge looks at the latest readings of a container.
func judge(c *Container) judgement {
	last := latest(c.recent, quick)
	j := judgement{Verdict: Verdict{Container: c.Key, Sentence: "too few readings to know what is usual"}}
	signals := []bars.Signal{bars.CPI, waiting(last), bars.Frequency}
	var total, most float64
	var self bool
	for _, s := range signals {
		count, judged := beyond(last, s)
		if judged < quickBeyond {
			continue
		}
		if j.Resource == NotJudged {
			j.Resource, j.Sentence = None, "within what is usual"
		}
		if count < quickBeyond || s == bars.Frequency && last[len(last)-1].decile < powerDecile {
			continue
		}
		if s == bars.Delay || s == bars.Pressure {
			if stopped := median(last, func(m *moment) float64 { return m.throttled }); stopped >= selfInflicted {
				self = true
				continue
			}
		}
		cost := medianExcess(last, s)
		total += cost
		if cost > most {
			most, j.signal, j.over = cost, s, true
		}
	}
	switch {
	case j.over:
		j.conclude(c, last, total)
	case self:
		j.Sentence = "waits because its own limit stops it: " + throttling(last)
	}
	return j
}

// waiting is the signal for waiting for a CPU: the delay, or the pressure where there is none.
func waiting(last []moment) bars.Signal {
	if _, judged := beyond(last, bars.Delay); judged >= quickBeyond {
		return bars.Delay
	}
	return bars.Pressure
}

// conclude names the resource.
func (j *judgement) conclude(c *Container, last []moment, total float64) {
	count, _ := beyond(latest(c.recent, window), j.signal)
	j.Confidence, j.Slowdown = float64(count)/window, new(math.Exp(total))
	j.Sentence = against(last, j.signal)
	j.against = j.Sentence
	switch j.signal {
	case bars.CPI:
		all := latest(c.recent, window)
		j.Resource = memory(slices.DeleteFunc(slices.Clone(all), func(m moment) bool { return !m.beyond[bars.CPI] }))
		if more := memoryText(last, j.Resource); more != "" {
			j.Sentence += "; " + more
		}
	case bars.Frequency:
		j.Resource = Power
	default:
		j.Resource = CPU
		if steal := median(last, func(m *moment) float64 { return m.steal }); steal >= stolen {
			j.Resource, j.over = Unknown, false
			j.Sentence += "; the hypervisor took " + percent(steal) + " of CPU time"
		}
	}
}

// memory says what makes instructions slow, by how much misses and stalls exceed the usual.
func memory(last []moment) Resource {
	return shortage(last, medianExcess(last, bars.MPKI), medianExcess(last, bars.MSPKI))
}

// shortage names what instructions wait for, by the logarithm of how many more misses and stalls there are; the readings tell the usual spread
// of each. Stalls are misses times the cost of each: with more misses the cache is short, with costlier ones the bandwidth; the larger of the
// two rises names it.
func shortage(last []moment, misses, stalls float64) Resource {
	spread := func(s bars.Signal) float64 { return medianBar(last, s, func(b bars.Bar) float64 { return b.Spread }) }
	switch {
	case misses > max(risen*spread(bars.MPKI), leastRisen) && (math.IsNaN(stalls) || misses >= stalls-misses):
		return LLC
	case stalls > max(risen*spread(bars.MSPKI), leastRisen):
		return MemoryBandwidth
	}
	return Unknown
}
