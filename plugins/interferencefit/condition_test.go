package interferencefit

import (
	"testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
)

func TestConditionSentence(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	for want, c := range map[string]condition{
		"profile p: the switch is off: stock scheduling":                                             {Mode: v1alpha1.Off, Blind: modelsource.ReasonOff},
		"profile p: blind (stale): stock scheduling":                                                 {Mode: v1alpha1.Active, Blind: modelsource.ReasonStale},
		"profile p: blind (stale): stock scheduling, and pods with ballast.dev/min-performance wait": {Mode: v1alpha1.Active, Blind: modelsource.ReasonStale, Hold: true},
		"profile p: mode active, deciding by model v1":                                               {Mode: v1alpha1.Active, Known: k, Version: "v1"},
		"profile p: mode shadow, deciding by stale model v1":                                         {Mode: v1alpha1.Shadow, Known: k, Version: "v1", Stale: true},
	} {
		if got := sentence(c, "p"); got != want {
			t.Errorf("sentence is %q, want %q", got, want)
		}
	}
}
