package main

import (
	"strings"
	"testing"
)

// One scenario and two policies, as on the command line: a row for each, and a line for each run.
func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := run(&out, []string{"-seeds", "1", "-scenarios", "cpu", "-knobs", "cpu", "-only", "none|static", "-attribution", "0", "-fair=false", "-detail"}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"family tuning, seeds 1 to 1", "machine  scenario  policy", "cpu    steady    none", "cpu    steady  static", "recovery +Inf s"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"family": {"-family", "other"}, "machine": {"-knobs", "some"}, "scenario": {"-scenarios", "rain", "-seeds", "1"}, "missing": {"-only", "("},
	} {
		var out strings.Builder
		if err := run(&out, args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: error is %v", args, err)
		}
	}
}
