package canary

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/search"
)

const (
	// settle is how long a division shows nothing that counts, observe the time that a reading is taken over, jitter how much too early
	// it may come.
	settle, observe, jitter = 2 * time.Second, 2 * time.Second, 250 * time.Millisecond
	// afterOverrun is how long the next one settles where a service was over by more than half: it has a backlog to work off.
	afterOverrun = 3 * settle
	overByHalf   = -0.5
	// mostTrials is CLITE's, repetitions included; the last ones are kept for those.
	mostTrials, lastTrials = 30, 3
	// ample is the slack that is as good as any more: the law's, from which on batch may grow by steps whose effect is not known.
	ample = 0.20
	// line is the slack that the law defends.
	line = 0.05
	// apart is how far below its set-point a service has to be for the search to take it as met, since one that just seems to meet it is
	// as likely to miss it: with readings of 5 % noise 189 of 200 searches of the test end with all set-points truly met, without it 167;
	// with 2 % 198 and 191.
	apart = 0.02
	// better is by how much a division that misses a set-point must score more than the start. The score is at most 0.5 there.
	better = 0.05
)

// trial is a division with what was seen of it.
type trial struct {
	division search.Division
	shares   []Shares
	slacks   []float64 // mean of the observations
	n        int
}

// run is one search.
type run struct {
	pool   pool
	search *search.Search
	jobs   []search.Job
	// start is what was in force before, with its mean slacks.
	start trial
	tried []trial
	// failed is the place of the trial that showed that one of them misses its set-point even with nearly all; -1: none did.
	failed int
	// trials were begun, the last at since. asked says that the
	// search wants to be told of it; else it is a repetition of the best. seen are its readings, and last is when each partition had one.
	trials   int
	since    time.Duration
	settle   time.Duration
	division search.Division
	now      []Shares
	asked    bool
	seen     []*float64
	// overran says that a service was far over in the trial before.
	overran bool
	last    []time.Duration
}

func newRun(p pool, start trial, random *rand.Rand) (*run, error) {
	q := p.problem()
	s, err := search.New(q, random)
	if err != nil {
		return nil, err
	}
	return &run{pool: p, search: s, jobs: q.Jobs, start: start, failed: -1}, nil
}

// performance is what the search is told of slacks: target over signal less a bit, and what counts where all set-points are met, the signal at an ample
// slack over the signal: 0.8 where a set-point is just met, so that to meet all is worth most.
func performance(slacks []float64) []search.Performance {
	out := make([]search.Performance, len(slacks))
	for j, s := range slacks {
		out[j] = search.Performance{Margin: (1 - apart) / (1 - min(s, 0.9)), Relative: (1 - ample) / (1 - min(s, ample))}
	}
	return out
}

func (r *run) score(t *trial) float64 { return search.Score(r.jobs, performance(t.slacks)) }

// best is the place of the best trial; -1: none is over.
func (r *run) best() int {
	at, most := -1, math.Inf(-1)
	for i := range r.tried {
		if v := r.score(&r.tried[i]); v > most {
			at, most = i, v
		}
	}
	return at
}

// next begins the next trial; false: the search is over, and best is the outcome.
func (r *run) next(now time.Duration) bool {
	at := r.best()
	over := r.trials >= mostTrials-lastTrials || at >= 0 && r.score(&r.tried[at]) >= 1 ||
		len(r.tried) == 1 && slices.Min(r.tried[0].slacks) >= line // the equal split will do
	if !over {
		if d, ok := r.search.Ask(); ok {
			r.begin(d, true, now)
			return true
		}
	}
	if at < 0 || r.tried[at].n > 1 || r.trials >= mostTrials {
		return false
	}
	r.begin(r.tried[at].division, false, now)
	return true
}

func (r *run) begin(d search.Division, asked bool, now time.Duration) {
	r.trials++
	r.division, r.now, r.asked, r.since, r.settle = d, r.pool.shares(d), asked, now, settle
	if r.overran {
		r.settle = afterOverrun
	}
	r.seen = make([]*float64, len(d))
	if r.last == nil {
		r.last = make([]time.Duration, len(d))
		for j := range r.last {
			r.last[j] = now
		}
	}
}

// take takes readings, by the order of the pool; done says that all partitions were observed in the present trial.
func (r *run) take(now time.Duration, slacks []*float64) (done bool) {
	done = true
	for j, s := range slacks {
		v, ok := finite(s)
		if ok {
			r.last[j] = now
		}
		if ok && r.seen[j] == nil && now-r.since >= r.settle+observe-jitter {
			r.seen[j] = new(cut(v))
		}
		done = done && r.seen[j] != nil
	}
	return done
}

// finish takes the trial over.
func (r *run) finish() error {
	slacks := make([]float64, len(r.seen))
	for j, s := range r.seen {
		slacks[j] = *s
	}
	r.overran = slices.Min(slacks) < overByHalf
	i := slices.IndexFunc(r.tried, func(t trial) bool { return slices.Equal(t.shares, r.now) })
	if i < 0 {
		i = len(r.tried)
		r.tried = append(r.tried, trial{division: r.division, shares: r.now, slacks: slacks, n: 1})
	} else {
		t := &r.tried[i]
		t.n++
		for j := range t.slacks {
			t.slacks[j] += (slacks[j] - t.slacks[j]) / float64(t.n)
		}
	}
	if r.asked {
		err := r.search.Tell(performance(slacks))
		if r.search.Infeasible() != "" {
			r.failed = i
		}
		return err
	}
	return r.search.Revise(r.division, performance(r.tried[i].slacks))
}

// meets says whether no mean slack is below 0.
func (t *trial) meets() bool { return slices.Min(t.slacks) >= 0 }

// keeps says whether a trial is worth staying with.
func (r *run) keeps(t *trial) bool {
	return t.meets() || r.score(t) >= r.score(&r.start)+better
}
