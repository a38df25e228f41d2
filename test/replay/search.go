package main

import (
	"cmp"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/test/replay/fleet"
	"github.com/ballast-k8s/ballast/test/replay/rates"
	"github.com/ballast-k8s/ballast/test/replay/stockvpa"
)

// every is how many minutes of the judged time one is taken of, when candidates are compared.
const every = 10

// excerpt is one minute in ten of the judged time, end to end.
func (c *course) excerpt() []float64 {
	var out []float64
	judged := c.trace.PerSecond[historySeconds : historySeconds+c.judged]
	for at := 0; at < len(judged); at += every * minute {
		out = append(out, judged[at:min(at+minute, len(judged))]...)
	}
	return out
}

// try judges requests that are known for each minute of the judged time on the excerpt.
func (c *course) try(plan [][]int64) (*verdict, error) {
	f := fleet.New(fleet.Guessed())
	sim, err := c.simulate(c.excerpt(), 0)
	if err != nil {
		return nil, err
	}
	if err := f.Deploy(sim); err != nil {
		return nil, err
	}
	o, v, guests := fleet.NewObserver(f), &verdict{}, &guests{sim: sim, number: c.visitors}
	for i := 0; i*every < len(plan); i++ {
		if err := guests.move(float64(i * every * minute)); err != nil {
			return nil, err
		}
		for j, milli := range plan[i*every] {
			if err := f.Resize(0, j, milli, fleet.StartBytes); err != nil {
				return nil, err
			}
		}
		if err := sim.Advance(float64((i + 1) * minute)); err != nil {
			return nil, err
		}
		w, err := o.Look(0, minute, hotel.Percentile)
		if err != nil {
			return nil, err
		}
		v.add(w, f.Total())
	}
	return v, nil
}

// candidate is a setting of the stock recommender and the requests that come of it.
type candidate struct {
	stockvpa.Setting
	cores float64
	plan  [][]int64 // by minute and pod
	tried *verdict  // nil = not yet
}

// candidates computes what the stock recommender would do under every setting, on the usage recorded in a run of the plant. Usage hardly
// depends on requests as long as these suffice, so that it needs no plant of its own.
func (c *course) candidates(r stockvpa.Rule, recorded [][]float64) ([]*candidate, error) {
	var out []*candidate
	for _, percentile := range []float64{0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 1} {
		for _, margin := range []float64{0, 0.05, 0.15, 0.3} {
			k := &candidate{Setting: stockvpa.Setting{Percentile: percentile, Margin: margin}}
			if err := c.plan(k, r, recorded); err != nil {
				return nil, err
			}
			out = append(out, k)
		}
	}
	slices.SortStableFunc(out, func(a, b *candidate) int { return cmp.Compare(a.cores, b.cores) })
	return out, nil
}

// plan lets the stock recommender act without a plant.
func (c *course) plan(k *candidate, r stockvpa.Rule, recorded [][]float64) error {
	f := fleet.New(fleet.Guessed())
	s, err := stockvpa.New(f, k.Setting)
	if err != nil {
		return err
	}
	if err := c.history(s, f); err != nil {
		return err
	}
	for m := range recorded {
		now := float64((m+1)*minute - c.warm) // the minute's end
		if now > 0 {
			k.plan = append(k.plan, f.Millis())
			k.cores += f.Total() * minute / float64(c.judged)
		}
		if m == 0 {
			continue
		}
		if err := s.Add(now-minute, func(pod int) float64 { return recorded[m-1][pod] }); err != nil {
			return err
		}
		if err := r.Act(now, f, s.Recommend()); err != nil {
			return err
		}
	}
	return nil
}

// cheapest returns the first candidate, in the order of cores, that attains a share, nil if none does. It takes attainment to rise with
// cores, as it does but for the way in which settings divide cores among services.
func (c *course) cheapest(of []*candidate, share float64) (*candidate, error) {
	low, high := 0, len(of)
	for low < high {
		middle := (low + high) / 2
		k := of[middle]
		if k.tried == nil {
			v, err := c.try(k.plan)
			if err != nil {
				return nil, err
			}
			k.tried = v
		}
		if k.tried.attainment() >= share {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low == len(of) {
		return nil, nil
	}
	return of[low], nil
}

// constant searches for the least requests that never change and meet the objective: the mean use in the ten busiest minutes, and over
// it for each service the same multiple of the square root of its work, which is how the least cores divide when load is given. nil =
// none do.
func (c *course) constant() (*candidate, error) {
	busiest := slices.Max(rates.Moving(c.rates(), every))
	return c.least(func(int) float64 { return busiest })
}

// following searches for the least requests, in the same sense, that follow the rate, each minute's known before it comes.
func (c *course) following() (*candidate, error) {
	perMinute := c.rates()
	return c.least(func(m int) float64 { return perMinute[m] })
}

// rates are the judged minutes'.
func (c *course) rates() []float64 {
	return c.trace.PerMinute()[historySeconds/minute : (historySeconds+c.judged)/minute]
}

func (c *course) least(rate func(m int) float64) (*candidate, error) {
	var best *candidate
	for low, high := -1., 7.; high-low > 0.05; { // in roots of a second of work
		middle := (low + high) / 2
		k := &candidate{}
		for m := range c.judged / minute {
			f := fleet.New(squareRoots(rate(m), middle))
			k.plan = append(k.plan, f.Millis())
			k.cores += f.Total() * minute / float64(c.judged)
		}
		var err error
		if k.tried, err = c.try(k.plan); err != nil {
			return nil, err
		}
		if k.tried.met() {
			best, high = k, middle
		} else {
			low = middle
		}
	}
	return best, nil
}

// squareRoots are the mean use at a rate and a multiple of the square root of the work per request.
func squareRoots(rate, times float64) []float64 {
	var out []float64
	work := hotel.WorkPerRequest()
	for _, s := range hotel.Services() {
		w := work[s.Name]
		out = append(out, max(0.01, w*rate/float64(s.Replicas)+times*math.Sqrt(w)))
	}
	return out
}
