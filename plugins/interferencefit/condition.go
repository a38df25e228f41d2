package interferencefit

import (
	"fmt"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Mode is the position of Ballast's one switch.
type Mode string

// The positions of the switch.
const (
	// Active decides.
	Active Mode = "active"
	// Shadow computes, logs and counts every decision and changes none.
	Shadow Mode = "shadow"
	// Off does nothing: stock scheduling.
	Off Mode = "off"

	// unread is before the first answer about the switch, or with a first answer that is no mode: nothing is decided, because it
	// may be off, but nobody ordered that.
	unread Mode = ""
)

// clockSkew is how far ahead of ours the clock of who published a model may be: more than any two clocks that NTP keeps. A
// publishedAt beyond it would never grow stale.
const clockSkew = 5 * time.Minute

// Reasons why a profile is blind, or why one pod is not scored. They are label values of metrics.
const (
	reasonOff               = "off"
	reasonNoSwitch          = "no_switch"
	reasonNoModel           = "no_model"
	reasonInvalidModel      = "invalid_model"
	reasonUnsupportedFormat = "unsupported_format"
	reasonStale             = "stale"
	reasonFuture            = "published_in_future"
	reasonUnknownClass      = "unknown_class"
	reasonDaemonSet         = "daemonset"
)

// blindReasons are those of a whole profile.
func blindReasons() []string {
	return []string{reasonOff, reasonNoSwitch, reasonNoModel, reasonInvalidModel, reasonUnsupportedFormat, reasonStale, reasonFuture}
}

// condition is by what a cycle decides: taken once at its start, so that a cycle is of one mind.
type condition struct {
	mode Mode
	// know is the model to decide by, nil if blind.
	know *knowledge
	// blind says why know is nil, "" otherwise.
	blind string
	// stale reports that know is older than accepted and used all the same (FallBack).
	stale bool
	// hold reports that pods with a floor wait for a model (FailClosed).
	hold bool
}

// assess combines switch, model and policy.
func assess(mode Mode, model modelState, args *Args, now time.Time) condition {
	c := condition{mode: mode}
	switch {
	case mode == Off:
		c.blind = reasonOff
		return c
	case mode == unread:
		c.blind = reasonNoSwitch
	case model.know == nil:
		c.blind = model.problem
	case model.publishedAt.Sub(now) > clockSkew:
		c.blind = reasonFuture
	case now.Sub(model.publishedAt) > args.ModelMaxAge.Duration:
		if args.StaleModelPolicy == FallBack {
			c.know, c.stale = model.know, true
		} else {
			c.blind = reasonStale
		}
	default:
		c.know = model.know
	}
	c.hold = c.blind != "" && mode != Shadow && args.StaleModelPolicy == FailClosed
	return c
}

// version is the version of the model decided by, "" if blind.
func (c condition) version() string {
	if c.know == nil {
		return ""
	}
	return c.know.model.Version()
}

// action names the condition in an event, without the model's version.
func (c condition) action() string {
	switch {
	case c.blind != "":
		return "Blind/" + c.blind
	case c.stale:
		return string(c.mode) + "/" + reasonStale
	}
	return string(c.mode)
}

// sentence is the event about the condition of a profile.
func (c condition) sentence(profile string) string {
	switch {
	case c.blind == reasonOff:
		return fmt.Sprintf("profile %s: the switch is off: stock scheduling", profile)
	case c.hold:
		return fmt.Sprintf("profile %s: blind (%s): stock scheduling, and pods with %s wait", profile, c.blind, v1alpha1.MinPerformanceAnnotation)
	case c.blind != "":
		return fmt.Sprintf("profile %s: blind (%s): stock scheduling", profile, c.blind)
	case c.stale:
		return fmt.Sprintf("profile %s: mode %s, deciding by stale model %s", profile, c.mode, c.version())
	}
	return fmt.Sprintf("profile %s: mode %s, deciding by model %s", profile, c.mode, c.version())
}
