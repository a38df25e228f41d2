package attribution_test

import (
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/attribution"
)

// found is what was made of an injected case: the right culprit, with the right resource, and after how long; or a wrong one.
type found struct {
	culprit, resource, wrong bool
	after                    time.Duration
}

// inject lets a neighbour disturb the victim after an hour of learning, and looks for 15 minutes at what is confirmed. In half of the cases
// another neighbour changes at the same time. Over CPU, some machines have no perf events, some no run-queue delay.
func inject(seed uint64, resource attribution.Resource, magnitude float64) (f found) {
	w, s := newWorld(seed), &attribution.State{}
	r := w.rng
	w.culprit, w.resource, w.magnitude = r.IntN(len(w.neighbours)), resource, 1
	switch resource {
	case attribution.CPU:
		w.perf, w.queue = seed%2 == 0, seed%3 != 0
	case attribution.Power:
		w.idlest = 0.3 // below, a machine slows down to save power
	}
	c := &w.neighbours[w.culprit]
	c.cores = max(c.cores, 0.5)
	c.factor = between(r, 0, 0.2)
	w.run(s, time.Hour, nil)
	c.factor, w.magnitude = 1, magnitude
	if decoy := &w.neighbours[(w.culprit+1)%len(w.neighbours)]; r.Float64() < 0.5 {
		decoy.factor *= between(r, 0.7, 1.5)
	}
	began := w.now
	w.run(s, 15*time.Minute, func(res attribution.Result) {
		switch {
		case res.Ended == nil || res.Ended.Outcome != "Confirmed":
		case res.Ended.Suspect != name(w.culprit):
			f.wrong = true
		case !f.culprit:
			f.culprit, f.after = true, w.now-began
			for _, g := range s.Findings {
				f.resource = f.resource || g.State == attribution.Confirmed && *g.Culprit == name(w.culprit) && g.Resource == resource
			}
		}
	})
	return f
}

// Injected interference is pinned on the right neighbour and resource in at least 95 % of cases, and never on a wrong one, where the
// victim takes 1.25 to 3 times as long. A quarter more is at the edge of the noise of some victims (a spread of 10 %), where the suspicion
// stays a suspicion.
//
// The record, with seeds kept for it and run once (-cases 100 -first 900000): 1,773 of 1,800 right (98.5 %), 1,788 culprits found, none wrong; 97.6 %
// of culprits at 1.25 times, all from 1.5 times on; in the mean 103 s from onset to name.
func TestInjectedInterference(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of simulation")
	}
	t.Parallel()
	right, wrong, all := 0, 0, 0
	for _, resource := range []attribution.Resource{
		attribution.LLC, attribution.MemoryBandwidth, attribution.CPU, attribution.Power, attribution.Unknown,
	} {
		for _, magnitude := range []float64{1.25, 1.5, 2, 3} {
			if resource == attribution.Power && magnitude > 1.5 {
				continue // no machine slows down that much
			}
			culprits, resources, others := 0, 0, 0
			var sum time.Duration
			for i := range *cases {
				f := inject(*first+uint64(i), resource, magnitude) //nolint:gosec // not negative
				if f.culprit {
					culprits++
					sum += f.after
				}
				if f.culprit && f.resource {
					resources++
				}
				if f.wrong {
					others++
				}
			}
			t.Logf("%-16s x%.2f: %3d of %d culprits, %3d with the resource, %d wrong, after %v", resource, magnitude, culprits, *cases, resources,
				others, (sum / time.Duration(max(culprits, 1))).Round(time.Second))
			right, wrong, all = right+resources, wrong+others, all+*cases
		}
	}
	t.Logf("%d of %d right, %d wrong", right, all, wrong)
	if float64(right) < 0.95*float64(all) || wrong > all/1000 {
		t.Errorf("%d of %d right, %d wrong; want 95 %% and none", right, all, wrong)
	}
}
