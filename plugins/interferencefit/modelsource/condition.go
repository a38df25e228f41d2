package modelsource

import (
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// StalePolicy says what to do when the newest model is older than Policy.MaxAge.
type StalePolicy string

const (
	// FailOpen treats a stale model like no model: every pod is placed by the stock plugins alone.
	FailOpen StalePolicy = "FailOpen"
	// FailClosed holds the pods that carry ballast.dev/min-performance while there is no fresh model (stale, missing or
	// refused), because their floor cannot be checked; all other pods are placed by the stock plugins alone.
	FailClosed StalePolicy = "FailClosed"
	// FallBack keeps deciding with the stale model, and says so in the event of each pod and in the age metric. Without any
	// model it is FailOpen.
	FallBack StalePolicy = "FallBack"
)

// Policy is how a profile wants to be served. Both fields are required.
type Policy struct {
	// MaxAge is how long after its publication a model is believed.
	MaxAge time.Duration
	// Stale is what happens to a model that is older.
	Stale StalePolicy
}

// clockSkew is how far ahead of ours the clock of who published a model may be: more than any two clocks that NTP keeps. A
// publishedAt beyond it would never grow stale.
const clockSkew = 5 * time.Minute

// Reasons why a profile is blind. They are label values of metrics.
const (
	ReasonOff               = "off"
	ReasonNoSwitch          = "no_switch" // it was not read yet
	ReasonNoModel           = "no_model"
	ReasonInvalidModel      = "invalid_model"
	ReasonUnsupportedFormat = "unsupported_format"
	ReasonStale             = "stale"
	ReasonFuture            = "published_in_future"
)

// Reasons are all reasons why a profile can be blind.
func Reasons() []string {
	return []string{ReasonOff, ReasonNoSwitch, ReasonNoModel, ReasonInvalidModel, ReasonUnsupportedFormat, ReasonStale, ReasonFuture}
}

// Condition is by what a scheduling cycle decides: taken once at its start, so that a cycle is of one mind. Equal conditions decide alike.
type Condition[K any] struct {
	// Mode is how the switch stands, see Source.Mode.
	Mode v1alpha1.Mode
	// Known is what was learned from the model to decide by, nil if blind; Version is that model's, "" if blind.
	Known   *K
	Version string
	// Blind says why Known is nil, one of Reasons; "" otherwise.
	Blind string
	// Stale reports that the model is older than accepted and used all the same (FallBack).
	Stale bool
	// Hold reports that pods with a floor wait for a model (FailClosed).
	Hold bool
}

// Assess combines switch, model and policy.
func Assess[K any](mode v1alpha1.Mode, s State[K], p Policy, now time.Time) Condition[K] {
	c := Condition[K]{Mode: mode, Known: s.Known, Version: s.Version}
	switch {
	case mode == v1alpha1.Off:
		c.Blind = ReasonOff
	case mode == unread:
		c.Blind = ReasonNoSwitch
	case s.Known == nil:
		c.Blind = s.Problem
	case s.PublishedAt.Sub(now) > clockSkew:
		c.Blind = ReasonFuture
	case now.Sub(s.PublishedAt) > p.MaxAge:
		if c.Stale = p.Stale == FallBack; !c.Stale {
			c.Blind = ReasonStale
		}
	}
	if c.Blind != "" {
		c.Known, c.Version = nil, ""
	}
	c.Hold = c.Blind != "" && mode != v1alpha1.Off && mode != v1alpha1.Shadow && p.Stale == FailClosed
	return c
}
