package laws

import "time"

// Provenance says where a class's numbers come from. A class without one was fitted to measured mixes, all at once. Times are the
// caller's; nothing here reads a clock.
type Provenance struct {
	// From is FromProbes or FromUpdates.
	From string `json:"from"`
	// Since is when the class came to the model, where that was not in the fit; Updated is when it last learned.
	Since   time.Time `json:"since,omitzero"`
	Updated time.Time `json:"updated,omitzero"`
	// Probes is the number of measured mixes that completed the class. Updates is the number of single measurements of the class that came
	// in since, Clipped how many of them were so far from what was predicted that only a part was believed.
	Probes  int `json:"probes,omitempty"`
	Updates int `json:"updates,omitempty"`
	Clipped int `json:"clipped,omitempty"`
	// Above and Below are the running sums of the drift test, in standard deviations: how much better and worse than predicted the class
	// has performed of late.
	Above float64 `json:"above,omitempty"`
	Below float64 `json:"below,omitempty"`
	// Drift says in a sentence when and how the class last changed, so that it was learned anew; empty for never.
	Drift string `json:"drift,omitempty"`
}

// The values of Provenance.From.
const (
	// FromProbes is a class that no fit has seen: it was completed from what the other classes are like, and its probes.
	FromProbes = "probes"
	// FromUpdates is a class of a fit that has learned from measurements since.
	FromUpdates = "updates"
)
