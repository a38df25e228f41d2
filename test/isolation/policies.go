package isolation

import (
	"math"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
	"github.com/ballast-k8s/ballast/test/peers/heracles"
	"github.com/ballast-k8s/ballast/test/peers/parties"
)

// Contestant makes a policy for a scenario.
type Contestant struct {
	Name string
	Make func(s *Scenario) (plant.Policy, error)
}

// Contestants are all that are compared.
func Contestants() []Contestant {
	return []Contestant{
		{"none", func(s *Scenario) (plant.Policy, error) { return Static(s.Machine.Free()), nil }},
		{"static", func(s *Scenario) (plant.Policy, error) { return Static(koordinator(&s.Machine)), nil }},
		{"parties", func(s *Scenario) (plant.Policy, error) {
			return parties.New(s.Machine, len(s.Services), s.Family.Random(s.Seed, ofParties)), nil
		}},
		{"heracles", func(s *Scenario) (plant.Policy, error) { return heracles.New(s.Machine, len(s.Services)), nil }},
		{"ballast", func(s *Scenario) (plant.Policy, error) { return NewBallast(s, nil) }},
		{"ballast+causes", func(s *Scenario) (plant.Policy, error) {
			observer, err := Learn(s, learning)
			if err != nil {
				return nil, err
			}
			return NewBallast(s, observer)
		}},
	}
}

// Static is a policy that never changes its setting.
type Static plant.Setting

// Observe implements plant.Policy.
func (s Static) Observe(*plant.Reading) plant.Setting { return plant.Setting(s) }

// koordinator is Koordinator's default: batch work may allocate into the first 30 % of the ways, rounded up, services into all; memory
// bandwidth and CPU are free (node-resctrl 2.1).
func koordinator(m *plant.Machine) plant.Setting {
	s := m.Free()
	s.BatchWays = int(math.Ceil(0.3 * float64(m.Ways)))
	return s
}

// learning is for how long attribution watches the node before the scenario, in seconds.
const learning = 900

// Learn lets attribution watch the first conditions of a scenario, with nothing bounded and other noise.
func Learn(s *Scenario, seconds float64) (*Observer, error) {
	node, err := s.Node(learnt)
	if err != nil {
		return nil, err
	}
	o := NewObserver(s)
	for range int(seconds / plant.Step) {
		node.Advance(plant.Step)
		r := node.Read()
		r.Now -= seconds // before the scenario's beginning
		o.Observe(r, false)
	}
	o.disturbed = false
	return o, nil
}
