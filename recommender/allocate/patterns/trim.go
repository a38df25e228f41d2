package patterns

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// trimRounds bounds the plans that trim makes. 100 services with 10 objectives need a dozen.
const trimRounds = 40

// trim takes steps off again that rounding up has given and no constraint needs, until none can go, and leaves the state at these cores.
// What saves most for the room that it takes goes first. A plan counts with derivatives what fits, and of that goes as much as does so
// exactly: a few looks at all quantiles for many services.
func (s *search) trim() error {
	if err := s.move(); err != nil {
		return err
	}
	for _, k := range s.constraints {
		k.loosen()
	}
	t := trimming{search: s, stays: make([]bool, len(s.cores)), known: map[*constraint]bool{}}
	for range trimRounds {
		plan := t.plan()
		if len(plan) == 0 {
			break
		}
		if err := t.take(plan); err != nil {
			return err
		}
	}
	return s.move()
}

// trimming is the state of trim.
type trimming struct {
	*search
	stays []bool               // services that can do with no step less, and cannot with fewer cores elsewhere
	known map[*constraint]bool // those whose derivatives are of the cores
}

// roundedUp are whole steps, a number of them that is whole but for rounding.
func roundedUp(cores float64) float64 { return math.Ceil(cores/step-1e-9) / (1 / step) }

// plan is services that can do with a step less, by what the derivatives say of the constraints that bind. Those that save most for
// what they take of them, by their prices at the optimum, come first.
func (s *trimming) plan() []int {
	binding := s.binding()
	left := make([]float64, len(binding))
	for c, k := range binding {
		if !s.known[k] {
			k.slope()
			s.known[k] = true
		}
		left[c] = k.bound - k.value
	}
	var savings []saving
	for i, x := range s.cores {
		less := roundedUp(x - step)
		if s.stays[i] || less < s.problem.Services[i].Min {
			continue
		}
		one, price := saving{service: i, takes: make([]float64, len(binding))}, 0.0
		for c, k := range binding {
			curve := s.columns[k.objective.columns[i]]
			one.takes[c] = k.slopes[i] * (curve.Mean(less) - curve.Mean(x))
			price += k.multiplier * one.takes[c]
		}
		one.worth = s.problem.Services[i].Pods * (x - less) / price // infinite where it takes nothing
		savings = append(savings, one)
	}
	slices.SortStableFunc(savings, func(a, b saving) int { return cmp.Compare(b.worth, a.worth) })
	var plan []int
	for _, one := range savings {
		if one.fits(left, 1) {
			plan = append(plan, one.service)
			for c, x := range one.takes {
				left[c] -= x
			}
		}
	}
	if plan == nil { // derivatives may exaggerate, at kinks of laws above all
		const doubt = 2
		if k := slices.IndexFunc(savings, func(one saving) bool { return one.fits(left, doubt) }); k >= 0 {
			plan = []int{savings[k].service}
		}
	}
	return plan
}

// saving is a step less for a service.
type saving struct {
	service int
	takes   []float64 // seconds, by constraint
	worth   float64   // cores for what it takes at the prices
}

// fits says whether it takes no more than a factor on what is left.
func (s *saving) fits(left []float64, factor float64) bool {
	for c, x := range s.takes {
		if x > factor*left[c] {
			return false
		}
	}
	return true
}

// take takes the steps of a plan, in its order, as far as all constraints hold. The first that does not fit any more stays.
func (s *trimming) take(plan []int) (err error) {
	from := slices.Clone(s.cores)
	goals := slices.DeleteFunc(slices.Clone(s.goals), func(g *goal) bool {
		return !slices.ContainsFunc(plan, func(i int) bool { return g.uses[i] })
	})
	set := func(n int) {
		copy(s.cores, from)
		for _, i := range plan[:n] {
			s.cores[i] = roundedUp(from[i] - step)
		}
		if moved := s.moveTimes(goals); moved != nil {
			err = moved
		}
	}
	gone := sort.Search(len(plan), func(n int) bool {
		set(n + 1)
		return err != nil || slices.ContainsFunc(s.constraints, func(k *constraint) bool {
			violated := slices.Contains(goals, k.objective) && !k.met()
			k.binding = k.binding || violated
			return violated
		})
	})
	set(gone)
	if gone < len(plan) {
		s.stays[plan[gone]] = true
	}
	for _, k := range s.constraints {
		if gone > 0 && slices.Contains(goals, k.objective) {
			s.known[k] = false
		}
	}
	return err
}
