package sizing

import "time"

// Phase is where a workload is on its way between the objective-based target and stock.
type Phase string

// The phases.
const (
	PhaseObjective Phase = "Objective"    // the target is the objective's
	PhaseHolding   Phase = "Holding"      // blind: the last target is held
	PhaseStepping  Phase = "SteppingDown" // blind for longer: down by steps
	PhaseStock     Phase = "Stock"        // the target is stock's
)

// lowered is what a step leaves of the present value.
const lowered = 0.9

// Fallback is one workload's way from the last objective-based target back to stock. The zero value: nothing was ever decided.
// While blind it holds the larger of that target and stock for Periods.Hold, then lowers it by a tenth every Periods.Step until it meets
// stock. What it holds follows stock upwards, so the target never falls by more than a tenth in a Step before stock is reached.
type Fallback struct {
	// Target is the present objective-based or held target, in cores; 0 = stock rules.
	Target float64 `json:"target,omitempty"`
	// Since is when the workload became blind, Stepped when the target was last lowered; zero otherwise.
	Since   time.Time `json:"since,omitzero"`
	Stepped time.Time `json:"stepped,omitzero"`
}

// Next returns the state, target and phase at a time. decided is the objective's allocation, nil while blind, in shadow, off or stale;
// stock is the stock recommender's target of now in cores, 0 if it has none, in which case a held target stays where it is.
//
// A clock that went back restarts the wait, which errs towards holding.
func (f Fallback) Next(now time.Time, p Periods, decided *Allocation, stock float64) (next Fallback, target float64, phase Phase) {
	if decided != nil && decided.Target > 0 {
		return Fallback{Target: decided.Target}, decided.Target, PhaseObjective
	}
	if !(stock > 0) {
		stock = 0
	}
	if !(f.Target > 0) {
		return Fallback{}, stock, PhaseStock
	}
	f.Target = max(f.Target, stock)
	if f.Since.IsZero() || now.Before(f.Since) {
		f.Since = now
	}
	if now.Before(f.Stepped) {
		f.Stepped = now
	}
	switch {
	case now.Sub(f.Since) < p.Hold:
		return f, f.Target, PhaseHolding
	case stock == 0:
		return f, f.Target, PhaseHolding
	case !f.Stepped.IsZero() && now.Sub(f.Stepped) < p.Step:
		return f, f.Target, PhaseStepping
	}
	f.Target, f.Stepped = max(lowered*f.Target, stock), now
	if f.Target <= stock {
		return Fallback{}, stock, PhaseStock
	}
	return f, f.Target, PhaseStepping
}
