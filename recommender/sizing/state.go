package sizing

import (
	"cmp"
	"fmt"
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
	Version   int                `json:"version"`
	Newest    time.Time          `json:"newest,omitzero"`
	Usable    int                `json:"usable,omitempty"`
	Rates     []hindsight.Rate   `json:"rates,omitempty"`
	Ratios    []hindsight.Ratio  `json:"ratios,omitempty"`
	Ahead     []hindsight.Ratio  `json:"ahead,omitempty"`
	Attained  []hindsight.Bucket `json:"attained,omitempty"`
	Coverage  hindsight.Coverage `json:"coverage,omitzero"`
	Workloads []WorkloadState    `json:"workloads,omitempty"`
}

// State returns what the controller remembers, in an order that depends on nothing but what it saw.
func (c *Controller) State() State {
	s := State{
		Version: stateVersion, Newest: c.newest, Usable: min(c.usable, leastWindows), Coverage: c.coverage,
		Rates: slices.Clone(c.rates), Ratios: slices.Clone(c.ratios), Ahead: slices.Clone(c.ahead), Attained: c.attained.State(),
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
	c.newest, c.usable, c.coverage, c.late, c.last = s.Newest, s.Usable, s.Coverage, nil, Observation{}
	c.rates, c.ratios, c.ahead, c.published = slices.Clone(s.Rates), slices.Clone(s.Ratios), slices.Clone(s.Ahead), nil
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
	case s.Usable < 0 || !s.Coverage.Sound():
		return fmt.Errorf("fields Usable and Coverage are %d and %+v, expected numbers of at least 0 and shares of at most 1", s.Usable, s.Coverage)
	}
	if err := hindsight.Check(s.Rates, s.Ratios, s.Ahead); err != nil {
		return err
	}
	return s.validateWorkloads()
}

func (s *State) validateWorkloads() error {
	seen := map[string]bool{}
	for i, w := range s.Workloads {
		sound := w.Workload != "" && !seen[w.Workload] && len(w.Solutions) <= hindsight.Solutions
		for _, x := range []float64{
			w.Slow.Seconds, w.Slow.Calls, w.Fast.Seconds, w.Fast.Calls, w.Critical, w.Target, w.Law.Fixed, w.Law.Work,
			w.Law.Stretch, w.Law.Spread, w.Law.Windows,
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
