package isolation

import (
	"math"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// RecoveredSlack is the slack from which a service counts as well (firm-aquatope-drpc 5.4, 5.7).
const RecoveredSlack = 0.05

// Best is the static setting with the most batch work among those that leave every service the slack.
type Best struct {
	Setting plant.Setting
	Work    float64
	Slack   float64
}

// Search looks through all ways and percentages of the machine, and for each halves the interval of quotas: less CPU for batch work means
// more slack. It includes the cache shared by all. It is brute force on the plant, noise off; Best.Work is 0 where nothing does.
func Search(s *Scenario, conditions plant.Conditions, slack float64) (Best, error) {
	steady, err := plant.NewSteady(s.Machine, s.Services, s.Jobs, conditions)
	if err != nil {
		return Best{}, err
	}
	m := &s.Machine
	var best Best
	try := func(setting plant.Setting) bool {
		got, work := steady.Slack(setting)
		if got >= slack && work > best.Work {
			best = Best{setting, work, got}
		}
		return got >= slack
	}
	for _, layout := range layouts(m) {
		for percent := m.MBMin; percent <= 100; percent += m.MBStep {
			if !m.Throttles {
				percent = 100
			}
			searchQuota(m, layout, percent, try)
		}
	}
	return best, nil
}

// layouts are the splits of the cache, and the shared one.
func layouts(m *plant.Machine) []plant.Setting {
	out := []plant.Setting{m.Free()}
	if m.Allocates {
		for ways := m.MinWays; ways <= m.Ways-m.MinWays; ways++ {
			out = append(out, m.Split(ways, 100, 0))
		}
	}
	return out
}

// quotaSteps halve the interval of quotas to an 80th of it.
const quotaSteps = 6

func searchQuota(m *plant.Machine, layout plant.Setting, percent int, try func(plant.Setting) bool) {
	layout.BatchPercent, layout.BatchCPU = percent, m.Cores
	if try(layout) {
		return
	}
	low, high := Floor(m), m.Cores
	layout.BatchCPU = low
	if !try(layout) {
		return
	}
	for range quotaSteps {
		layout.BatchCPU = math.Sqrt(low * high)
		if layout.BatchCPU-low < (high-low)/2 { // the middle, by difference where quotas are many
			layout.BatchCPU = (low + high) / 2
		}
		if try(layout) {
			low = layout.BatchCPU
		} else {
			high = layout.BatchCPU
		}
	}
}

// calmViolation is the share of seconds over target that a policy may have under the plant's noise and still be said to meet it.
const calmViolation = 0.01

// Robust is the static setting with the most batch work that meets the targets under the plant's noise, too: the noise-free search with ever
// more slack, until a run recovers in time and is over target in no more than one second of a hundred. A setting that leaves
// just RecoveredSlack without noise does not. Without one that meets them it is the last that was tried.
func Robust(s *Scenario) (Best, error) {
	var best Best
	for slack := RecoveredSlack; slack < 0.25; slack += 0.03 {
		found, err := Search(s, s.Last(), slack)
		if err != nil || found.Work == 0 {
			return best, err
		}
		best = found
		r, err := Run(s, "robust", Static(found.Setting), found, false)
		if err != nil || (r.Recovery <= SoonSeconds && r.Violation <= calmViolation) {
			return best, err
		}
	}
	return best, nil
}
