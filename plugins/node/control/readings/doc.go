// Package readings is what the control law knows of the services of a node and of its batch work, and how surely: the last slacks of each
// service, their noise, whether their mean lies below a line, and batch's progress under the setting in force.
//
// Slack is (target - signal) / target: 0.2 is a fifth below the set-point, -0.1 a tenth over it.
//
// The package is pure: no file, clock, logger, goroutine or randomness.
package readings

import (
	"fmt"
	"math"
	"time"
)

// Period of readings and of decisions: Heracles' inner loop and CLITE's observation.
const Period = 2 * time.Second

// Silence is how long a service may be without a reading and still count. Without a reading of any service for longer the law is blind.
const Silence = 3 * Period

// Lines of slack.
const (
	OverByHalf  = -0.5 // Hyperpilot: evict
	OverByTenth = -0.1 // Hyperpilot: minimum
	Line        = 0.05 // PARTIES, Heracles: less is a violation
	Plenty      = 0.20 // PARTIES: downsize the service, here: batch may try a step whose effect is not known
)

// Finite gives a value of a pointer that can be reckoned with.
func Finite(p *float64) (float64, bool) {
	if p == nil || math.IsNaN(*p) || math.IsInf(*p, 0) {
		return 0, false
	}
	return *p, true
}

// Position says in words where a service stands.
func Position(name string, slack float64) string {
	switch {
	case slack < 0:
		return fmt.Sprintf("%s is %.0f %% over its set-point", name, -100*slack)
	case slack < Line:
		return fmt.Sprintf("%s is %.0f %% below its set-point, less than 5 %%", name, 100*slack)
	}
	return fmt.Sprintf("%s is %.0f %% below its set-point", name, 100*slack)
}
