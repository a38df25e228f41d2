package interferencefit

import (
	"fmt"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
)

// condition is by what a cycle decides.
type condition = modelsource.Condition[nodemix.Knowledge]

// Reasons why one pod is not scored. Like those of a blind profile they are label values of metrics.
const (
	reasonUnknownClass = "unknown_class"
	reasonDaemonSet    = "daemonset"
)

// action names the condition in an event, without the model's version.
func action(c condition) string {
	switch {
	case c.Blind != "":
		return "Blind/" + c.Blind
	case c.Stale:
		return string(c.Mode) + "/" + modelsource.ReasonStale
	}
	return string(c.Mode)
}

// sentence is the event about the condition of a profile.
func sentence(c condition, profile string) string {
	switch {
	case c.Blind == modelsource.ReasonOff:
		return fmt.Sprintf("profile %s: the switch is off: stock scheduling", profile)
	case c.Hold:
		return fmt.Sprintf("profile %s: blind (%s): stock scheduling, and pods with %s wait", profile, c.Blind, v1alpha1.MinPerformanceAnnotation)
	case c.Blind != "":
		return fmt.Sprintf("profile %s: blind (%s): stock scheduling", profile, c.Blind)
	case c.Stale:
		return fmt.Sprintf("profile %s: mode %s, deciding by stale model %s", profile, c.Mode, c.Version)
	}
	return fmt.Sprintf("profile %s: mode %s, deciding by model %s", profile, c.Mode, c.Version)
}
