package interferencefit

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAssess(t *testing.T) {
	k := learn(t, trio()...)
	hour := func(policy StalePolicy) *Args {
		return &Args{ModelName: "m", ModelMaxAge: &metav1.Duration{Duration: time.Hour}, StaleModelPolicy: policy}
	}
	fresh := modelState{know: k, publishedAt: instant.Add(-time.Hour)} // just not too old
	stale := modelState{know: k, publishedAt: instant.Add(-time.Hour - time.Second)}
	none := modelState{problem: reasonNoModel}
	refused := modelState{problem: reasonInvalidModel}
	lastGood := modelState{know: k, publishedAt: instant, problem: reasonInvalidModel}
	skewed := modelState{know: k, publishedAt: instant.Add(time.Minute)} // the publisher's clock is a little ahead
	ahead := modelState{know: k, publishedAt: instant.Add(time.Hour)}    // a time that would not grow stale for long

	cases := map[string]struct {
		mode   Mode
		model  modelState
		policy StalePolicy
		want   condition
	}{
		"fresh":                     {Active, fresh, FailOpen, condition{mode: Active, know: k}},
		"fresh, closed":             {Active, fresh, FailClosed, condition{mode: Active, know: k}},
		"clocks differ":             {Active, skewed, FailOpen, condition{mode: Active, know: k}},
		"published in the future":   {Active, ahead, FailOpen, condition{mode: Active, blind: reasonFuture}},
		"switch not read":           {unread, fresh, FailOpen, condition{blind: reasonNoSwitch}},
		"switch not read, closed":   {unread, fresh, FailClosed, condition{blind: reasonNoSwitch, hold: true}},
		"shadow":                    {Shadow, fresh, FailOpen, condition{mode: Shadow, know: k}},
		"off":                       {Off, fresh, FailClosed, condition{mode: Off, blind: reasonOff}},
		"stale, open":               {Active, stale, FailOpen, condition{mode: Active, blind: reasonStale}},
		"stale, closed":             {Active, stale, FailClosed, condition{mode: Active, blind: reasonStale, hold: true}},
		"stale, closed, in shadow":  {Shadow, stale, FailClosed, condition{mode: Shadow, blind: reasonStale}},
		"stale, fall back":          {Active, stale, FallBack, condition{mode: Active, know: k, stale: true}},
		"missing":                   {Active, none, FailOpen, condition{mode: Active, blind: reasonNoModel}},
		"missing, closed":           {Active, none, FailClosed, condition{mode: Active, blind: reasonNoModel, hold: true}},
		"missing, fall back":        {Active, none, FallBack, condition{mode: Active, blind: reasonNoModel}},
		"refused":                   {Active, refused, FailOpen, condition{mode: Active, blind: reasonInvalidModel}},
		"refused after a good one":  {Active, lastGood, FailOpen, condition{mode: Active, know: k}},
		"refused, then it grew old": {Active, modelState{know: k, publishedAt: stale.publishedAt, problem: reasonInvalidModel}, FailOpen, condition{mode: Active, blind: reasonStale}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := assess(c.mode, c.model, hour(c.policy), instant); got != c.want {
				t.Errorf("assess gives %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestParseMode(t *testing.T) {
	for text, want := range map[string]Mode{"": Active, "active": Active, "shadow": Shadow, "off": Off} {
		if got, err := parseMode(text); got != want || err != nil {
			t.Errorf("parseMode(%q) is %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"Off", "on", " shadow"} {
		if _, err := parseMode(text); err == nil {
			t.Errorf("parseMode(%q) gives no error", text)
		}
	}
}

func TestConditionSentence(t *testing.T) {
	k := learn(t, trio()...)
	version := k.model.Version()
	for want, c := range map[string]condition{
		"profile p: the switch is off: stock scheduling":                                             {mode: Off, blind: reasonOff},
		"profile p: blind (stale): stock scheduling":                                                 {mode: Active, blind: reasonStale},
		"profile p: blind (stale): stock scheduling, and pods with ballast.dev/min-performance wait": {mode: Active, blind: reasonStale, hold: true},
		"profile p: mode active, deciding by model " + version:                                       {mode: Active, know: k},
		"profile p: mode shadow, deciding by stale model " + version:                                 {mode: Shadow, know: k, stale: true},
	} {
		if got := c.sentence("p"); got != want {
			t.Errorf("sentence is %q, want %q", got, want)
		}
	}
}
