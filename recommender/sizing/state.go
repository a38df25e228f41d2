package sizing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/recommender/sizing/hindsight"
)

// stateVersion is that of the meaning of State's fields.
const stateVersion = 1

// State is what a controller remembers, 15 to 20 kB as JSON for three to ten workloads, with lists bounded whatever the time it has run.
// Laws are kept, the windows they were fitted on are not: after Restore they are what new windows are fitted against. Forecasts not yet
// looked back on are not kept.
type State struct {
	Version int       `json:"version"`
	Newest  time.Time `json:"newest,omitzero"`
	Usable  int       `json:"usable,omitempty"`
	hindsight.Record
	Attained  []hindsight.Bucket `json:"attained,omitempty"`
	Workloads []WorkloadState    `json:"workloads,omitempty"`
}

// State returns what the controller remembers, in an order that depends on nothing but what it saw.
func (c *Controller) State() State {
	s := State{
		Version: stateVersion, Newest: c.newest, Usable: min(c.usable, leastWindows), Record: hindsight.Clone(&c.past), Attained: c.attained.State(),
	}
	for _, w := range c.workloads {
		copied := w.WorkloadState
		copied.Solutions = slices.Clone(copied.Solutions)
		s.Workloads = append(s.Workloads, copied)
	}
	slices.SortFunc(s.Workloads, func(a, b WorkloadState) int { return cmp.Compare(a.Workload, b.Workload) })
	return s
}

// Restore continues from a state. One that is not sound is refused whole, and the controller stays as it was.
func (c *Controller) Restore(s State) error {
	err := s.validate()
	if err == nil {
		if err = c.attained.Restore(s.Attained); err != nil {
			err = fmt.Errorf("field Attained: %w", err)
		}
	}
	if err != nil {
		return fmt.Errorf("restoring the state of objective %q: %w; starting without it costs %d windows", c.objective.Name, err, leastWindows)
	}
	c.newest, c.usable, c.past, c.late, c.published, c.last = s.Newest, s.Usable, hindsight.Clone(&s.Record), nil, nil, Observation{}
	c.workloads = make(map[string]*workload, len(s.Workloads))
	for _, w := range s.Workloads {
		w.Solutions = slices.Clone(w.Solutions)
		c.workloads[w.Workload] = &workload{WorkloadState: w, prior: w.Law}
	}
	return nil
}

func (s *State) validate() error {
	switch {
	case s.Version != stateVersion:
		return fmt.Errorf("field Version is %d, expected %d", s.Version, stateVersion)
	case len(s.Workloads) > maxServices:
		return fmt.Errorf("field Workloads has %d entries, expected at most %d", len(s.Workloads), maxServices)
	case s.Usable < 0:
		return fmt.Errorf("field Usable is %d, expected at least 0", s.Usable)
	}
	if err := hindsight.Check(&s.Record); err != nil {
		return err
	}
	return s.validateWorkloads()
}

func (s *State) validateWorkloads() error {
	seen := map[string]bool{}
	for i, w := range s.Workloads {
		sound := w.Workload != "" && !seen[w.Workload] && len(w.Solutions) <= hindsight.Solutions
		for _, x := range []float64{
			w.Slow.Seconds, w.Slow.Calls, w.Fast.Seconds, w.Fast.Calls, w.Critical, w.Visits, w.Target, w.Law.Fixed, w.Law.Work,
			w.Law.Stretch, w.Law.Spread, w.Law.Windows, w.Exponent.Squares, math.Abs(w.Exponent.Products),
		} {
			sound = sound && quantity(x)
		}
		for _, x := range w.Solutions {
			sound = sound && quantity(x.Cores)
		}
		if !sound {
			return fmt.Errorf("field Workloads[%d] (%s) has a number out of [0, %v], too many solutions or a name that is empty or there twice",
				i, w.Workload, float64(maxQuantity))
		}
		seen[w.Workload] = true
	}
	return nil
}
