package attribution

import (
	"fmt"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution/bars"
)

const (
	// MaxContainers is how many containers are remembered, more than the 250 pods that a node is built for. Those not seen for longest go
	// first.
	MaxContainers = 512
	// forget is how long a container that is gone is remembered.
	forget = time.Hour
	// window is how many readings a verdict looks at: 20 s at one each 2 s, Intel PRM's period.
	window = 10
	// gap is a pause after which readings are not of one piece.
	gap = 30 * time.Second
)

// State is what was learnt, and what is going on. It is plain data: bars, findings and what was tried survive a restart as JSON; the latest
// readings and a probe under way do not, so that whoever was held down is let free. Where that was not kept, [Resume] goes on from the findings.
// The zero value knows nothing.
type State struct {
	// Containers that were seen, by name.
	Containers []Container `json:"containers,omitempty"`
	// Findings that stand, by victim.
	Findings []Finding `json:"findings,omitempty"`
	// Tried pairs, the latest last.
	Tried []Trial `json:"tried,omitempty"`
	// Ignored counts values that cannot be: negative, infinite, not a number, or of a time not later than the last.
	Ignored uint64 `json:"ignored,omitempty"`
	// Now is the time of the last step.
	Now time.Duration `json:"now,omitempty"`

	running run
}

// Container is what is known of one.
type Container struct {
	Key   Key           `json:"key"`
	Seen  time.Duration `json:"seen"`
	Usual bars.Usual    `json:"usual"`
	// Before is what it took of each resource while nobody was disturbed.
	Before Use `json:"before"`
	// Own is until when what lies beyond its bars is taken for its own doing: neighbours were acquitted.
	Own time.Duration `json:"own,omitempty"`

	use                     Use     // over the latest readings
	cores                   float64 // at the latest reading
	sensitive, throttleable bool
	domain                  int
	recent                  []moment
	beyond                  time.Duration // since when readings have been beyond their bars, if over
	over                    bool
	pending                 bars.Pending
}

// Use is what a container takes of a node.
type Use struct {
	Cores          float64 `json:"cores,omitempty"`
	MBps           float64 `json:"mbps,omitempty"`
	OccupancyBytes float64 `json:"occupancyBytes,omitempty"`
}

// container finds or makes the entry of a container; a place must be free.
func (s *State) container(k Key) *Container {
	at, found := slices.BinarySearchFunc(s.Containers, k, func(c Container, k Key) int { return c.Key.Compare(k) })
	if !found {
		s.Containers = slices.Insert(s.Containers, at, Container{Key: k, domain: AnyDomain})
	}
	return &s.Containers[at]
}

func (s *State) find(k Key) *Container {
	at, found := slices.BinarySearchFunc(s.Containers, k, func(c Container, k Key) int { return c.Key.Compare(k) })
	if !found {
		return nil
	}
	return &s.Containers[at]
}

// forget drops containers that are long gone, and as many of those not seen for longest as there are too many.
func (s *State) forget() {
	s.Containers = slices.DeleteFunc(s.Containers, func(c Container) bool { return s.Now-c.Seen > forget })
	s.Containers = newest(s.Containers, MaxContainers, func(c *Container) time.Duration { return c.Seen })
}

// newest drops those seen first where there are more than so many.
func newest[T any](list []T, most int, seen func(*T) time.Duration) []T {
	for len(list) > most {
		oldest := 0
		for i := range list {
			if seen(&list[i]) < seen(&list[oldest]) {
				oldest = i
			}
		}
		list = slices.Delete(list, oldest, oldest+1)
	}
	return list
}

// rebase forgets what has a time, as the clock was set to another one.
func (s *State) rebase(now time.Duration) {
	s.Findings, s.Tried, s.running, s.Now = nil, nil, run{}, now
	for i := range s.Containers {
		c := &s.Containers[i]
		c.Seen, c.Own, c.recent, c.over, c.pending = now, 0, nil, false, bars.Pending{}
	}
}

// Check says what is wrong with a state that was restored; one that is not right is better dropped than used.
func (s *State) Check() error {
	if len(s.Containers) > MaxContainers || len(s.Findings) > MaxFindings {
		return fmt.Errorf("containers: %d and findings: %d, want at most %d and %d", len(s.Containers), len(s.Findings), MaxContainers,
			MaxFindings)
	}
	for i := range s.Containers {
		c := &s.Containers[i]
		if i > 0 && s.Containers[i-1].Key.Compare(c.Key) >= 0 {
			return fmt.Errorf("containers[%d]: %s is not in order of names", i, c.Key)
		}
		if err := c.Usual.Check(); err != nil {
			return fmt.Errorf("containers[%d].usual of %s: %w", i, c.Key, err)
		}
	}
	return nil
}
