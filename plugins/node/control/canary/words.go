package canary

import (
	"fmt"
	"strings"
)

// trying says which trial is in force.
func (r *run) trying() string {
	what := fmt.Sprintf("trial %d of at most %d", r.trials, mostTrials)
	if !r.asked {
		what += ", the best one again"
	}
	what += ": " + r.pool.amounts(r.now)
	if at := r.best(); at >= 0 {
		what += "; best so far: " + r.outcome(&r.tried[at])
	}
	return what
}

// given says why a search was given up.
func (r *run) given(why string) string {
	return fmt.Sprintf("given up in trial %d, what was before is in force again: %s", r.trials, why)
}

// result says what became of a search.
func (r *run) result(best *trial, keeps bool) string {
	after := fmt.Sprintf("after %d trials ", r.trials)
	switch {
	case keeps:
		return after + "kept: " + r.outcome(best) + "; before: " + r.outcome(&r.start)
	default:
		return after + "what was before is in force again: " + r.outcome(&r.start) + "; the best tried: " + r.outcome(best)
	}
}

// infeasible says that the services do not go together on this node; empty where the best trial meets all set-points.
func (r *run) infeasible(best *trial) string {
	if best.meets() {
		return ""
	}
	names := r.pool.names
	mix := strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	why := fmt.Sprintf("the best of %d divisions: %s", len(r.tried), r.outcome(best))
	if r.failed >= 0 {
		why = "one misses its own even with nearly all: " + r.outcome(&r.tried[r.failed])
	}
	return fmt.Sprintf("infeasible mix: %s with batch at its minimum do not all meet their set-points on this node, after %d trials: %s", mix,
		r.trials, why)
}

// outcome puts a trial into words.
func (r *run) outcome(t *trial) string {
	parts := make([]string, len(t.slacks))
	for j, s := range t.slacks {
		parts[j] = fmt.Sprintf("%s %s, %s", r.pool.names[j], r.pool.amount(t.shares[j]), position(s))
	}
	return strings.Join(parts, "; ")
}

func position(slack float64) string {
	if slack < 0 {
		return fmt.Sprintf("%.0f %% over", -100*slack)
	}
	return fmt.Sprintf("%.0f %% below", 100*slack)
}

func (p *pool) amounts(shares []Shares) string {
	parts := make([]string, len(shares))
	for j, s := range shares {
		parts[j] = p.names[j] + " " + p.amount(s)
	}
	return strings.Join(parts, ", ")
}

// amount says what a partition has of what is divided.
func (p *pool) amount(s Shares) string {
	var parts []string
	for i := range p.parts {
		t := &p.parts[i]
		v := *t.at(&s)
		switch {
		case t.name == "ways":
			parts = append(parts, fmt.Sprintf("%d ways", v))
		case p.unitMBps > 0:
			parts = append(parts, fmt.Sprintf("%.0f MB/s", float64(v)*p.unitMBps))
		default:
			parts = append(parts, fmt.Sprintf("%d %% of bandwidth", v))
		}
	}
	return strings.Join(parts, " and ")
}
