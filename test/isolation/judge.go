package isolation

import (
	"math"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// Result is how one policy fared in one scenario.
type Result struct {
	Policy   string
	Scenario *Scenario
	// Recovery in seconds, +Inf for never.
	Recovery float64
	// Violation is the share of seconds since the disturbance in which some service was over its target.
	Violation float64
	// Changes of the setting under constant conditions, and Turns.
	Changes, Turns int
	// Work under constant conditions, in cores, and that of the best static setting.
	Work, BestWork float64
	// RobustWork is that of Robust, 0 where it was not looked for.
	RobustWork float64
	// Log has a line per change, where it was asked for.
	Log []Line
}

// Share is the batch work over the best static setting's.
func (r *Result) Share() float64 { return r.Work / r.BestWork }

// Line is a change of the setting.
type Line struct {
	Now, Slack, Work float64
	Setting          plant.Setting
	// Why in the policy's own words, where it has some.
	Why string
}

// explainer is a policy that says why it set what it set last.
type explainer interface{ Why() string }

func why(p plant.Policy) string {
	if e, ok := p.(explainer); ok {
		return e.Why()
	}
	return ""
}

// Run runs a policy through a scenario. best is what Search found for its last conditions.
func Run(s *Scenario, name string, policy plant.Policy, best Best, log bool) (*Result, error) {
	node, err := s.Node(judged)
	if err != nil {
		return nil, err
	}
	r := &Result{Policy: name, Scenario: s, BestWork: best.Work}
	var slacks, works []float64 // of each second
	knobs := newKnobWatch()
	next, last := 0, node.Setting()
	perSecond := int(math.Round(1 / plant.Step))
	var slack, work float64
	for step := range int(math.Round(s.Seconds / plant.Step)) {
		now := float64(step) * plant.Step
		for next < len(s.Timeline) && now >= s.Timeline[next].At-plant.Step/2 {
			if err := node.Change(s.Timeline[next].Conditions); err != nil {
				return nil, err
			}
			next++
		}
		node.Advance(plant.Step)
		slack, work = slack+node.LeastSlack()/float64(perSecond), work+node.Work()/float64(perSecond)
		if (step+1)%perSecond == 0 {
			slacks, works = append(slacks, slack), append(works, work)
			slack, work = 0, 0
		}
		node.Apply(policy.Observe(node.Read()))
		if changed := knobs.see(last, node.Setting(), now >= s.Constant); changed && log {
			r.Log = append(r.Log, Line{now, node.LeastSlack(), node.Work(), node.Setting(), why(policy)})
		}
		last = node.Setting()
	}
	r.Changes, r.Turns = knobs.changes, knobs.turns
	r.Recovery = recovery(slacks[int(s.Onset):])
	for _, x := range slacks[int(s.Onset):] {
		if x < 0 {
			r.Violation += 1 / (s.Seconds - s.Onset)
		}
	}
	constant := works[int(s.Constant):]
	for _, w := range constant {
		r.Work += w / float64(len(constant))
	}
	return r, nil
}

// recovery is the first second from which 8 of 10 are well; 0 where the slack is well from the start.
func recovery(slacks []float64) float64 {
	const window, enough = 10, 8
	fell := -1
	for k := range slacks {
		if slacks[k] < RecoveredSlack {
			fell = k
			break
		}
	}
	if fell < 0 || fell > 3*window { // a dip long after is not the disturbance
		return 0
	}
	for k := fell + 1; k+window <= len(slacks); k++ {
		well := 0
		for _, x := range slacks[k : k+window] {
			if x >= RecoveredSlack {
				well++
			}
		}
		if slacks[k] >= RecoveredSlack && well >= enough {
			return float64(k)
		}
	}
	return math.Inf(1)
}

// knobWatch counts changes and turns.
type knobWatch struct {
	changes, turns int
	direction      [3]float64
}

func newKnobWatch() *knobWatch { return &knobWatch{} }

// see compares two settings in a row; what is counted is only from a time on, but directions are remembered from before. A quota
// changes where it is another by more than a thousandth of a core.
func (k *knobWatch) see(before, after plant.Setting, counts bool) bool {
	moves := [3]float64{
		float64(after.BatchWays - before.BatchWays), float64(after.BatchPercent - before.BatchPercent), quotaMove(before.BatchCPU, after.BatchCPU),
	}
	changed := false
	for i, by := range moves {
		if by == 0 {
			continue
		}
		changed = true
		if direction := math.Copysign(1, by); direction != k.direction[i] {
			if k.direction[i] != 0 && counts {
				k.turns++
			}
			k.direction[i] = direction
		}
	}
	if changed && counts {
		k.changes++
	}
	return changed
}

func quotaMove(before, after float64) float64 {
	if before == after {
		return 0
	}
	by := after - before
	if math.Abs(by) < 0.001 {
		return 0
	}
	return by
}
