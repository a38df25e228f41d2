package modelsource

import (
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// instant is when the tests happen.
var instant = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestAssess(t *testing.T) {
	type (
		state     = State[string]
		condition = Condition[string]
	)
	const active, shadow, off = v1alpha1.Active, v1alpha1.Shadow, v1alpha1.Off
	k := new("a model")
	fresh := state{Known: k, Version: "v", PublishedAt: instant.Add(-time.Hour)} // just not too old
	stale := state{Known: k, Version: "v", PublishedAt: instant.Add(-time.Hour - time.Second)}
	none := state{Problem: ReasonNoModel}
	refused := state{Problem: ReasonInvalidModel}
	lastGood := state{Known: k, Version: "v", PublishedAt: instant, Problem: ReasonInvalidModel}
	lastStale := state{Known: k, Version: "v", PublishedAt: stale.PublishedAt, Problem: ReasonInvalidModel}
	skewed := state{Known: k, Version: "v", PublishedAt: instant.Add(time.Minute)} // the publisher's clock is a little ahead
	ahead := state{Known: k, Version: "v", PublishedAt: instant.Add(time.Hour)}    // a time that would not grow stale for long

	cases := map[string]struct {
		mode   v1alpha1.Mode
		state  state
		policy StalePolicy
		want   condition
	}{
		"fresh":                     {active, fresh, FailOpen, condition{Mode: active, Known: k, Version: "v"}},
		"fresh, closed":             {active, fresh, FailClosed, condition{Mode: active, Known: k, Version: "v"}},
		"clocks differ":             {active, skewed, FailOpen, condition{Mode: active, Known: k, Version: "v"}},
		"published in the future":   {active, ahead, FailOpen, condition{Mode: active, Blind: ReasonFuture}},
		"switch not read":           {unread, fresh, FailOpen, condition{Blind: ReasonNoSwitch}},
		"switch not read, closed":   {unread, fresh, FailClosed, condition{Blind: ReasonNoSwitch, Hold: true}},
		"shadow":                    {shadow, fresh, FailOpen, condition{Mode: shadow, Known: k, Version: "v"}},
		"off":                       {off, fresh, FailClosed, condition{Mode: off, Blind: ReasonOff}},
		"stale, open":               {active, stale, FailOpen, condition{Mode: active, Blind: ReasonStale}},
		"stale, closed":             {active, stale, FailClosed, condition{Mode: active, Blind: ReasonStale, Hold: true}},
		"stale, closed, in shadow":  {shadow, stale, FailClosed, condition{Mode: shadow, Blind: ReasonStale}},
		"stale, fall back":          {active, stale, FallBack, condition{Mode: active, Known: k, Version: "v", Stale: true}},
		"missing":                   {active, none, FailOpen, condition{Mode: active, Blind: ReasonNoModel}},
		"missing, closed":           {active, none, FailClosed, condition{Mode: active, Blind: ReasonNoModel, Hold: true}},
		"missing, fall back":        {active, none, FallBack, condition{Mode: active, Blind: ReasonNoModel}},
		"refused":                   {active, refused, FailOpen, condition{Mode: active, Blind: ReasonInvalidModel}},
		"refused after a good one":  {active, lastGood, FailOpen, condition{Mode: active, Known: k, Version: "v"}},
		"refused, then it grew old": {active, lastStale, FailOpen, condition{Mode: active, Blind: ReasonStale}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Assess(c.mode, c.state, Policy{MaxAge: time.Hour, Stale: c.policy}, instant); got != c.want {
				t.Errorf("Assess gives %+v, want %+v", got, c.want)
			}
		})
	}
}
