package findings_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/attribution"
	"github.com/ballast-k8s/ballast/plugins/node/loop/findings"
)

var noon = time.Unix(1_800_000_000, 0)

// A slowdown of 1.25 is 1250 thousandths. What the status says, an agent after a restart takes for the same.
func TestInterference(t *testing.T) {
	since := time.Duration(noon.UnixNano())
	found := attribution.Finding{
		Victim:   attribution.Key{Namespace: "shop", Pod: "web-0", Container: "app"},
		Culprit:  &attribution.Key{Namespace: "jobs", Pod: "etl-0", Container: "app"},
		Resource: attribution.CPU, State: attribution.Confirmed, Slowdown: new(1.25), Evidence: "x", Since: since, LastSeen: since + time.Minute,
	}
	i := findings.Interference(&found)
	if i.Victim.Pod != "web-0" || i.Culprit.Pod != "etl-0" || i.Resource != "CPU" || i.State != v1alpha1.InterferenceConfirmed ||
		*i.MilliSlowdown != 1250 || !i.Since.Time.Equal(noon) || !i.LastSeen.Time.Equal(noon.Add(time.Minute)) {
		t.Errorf("%+v", i)
	}
	if diff := cmp.Diff(found, findings.Finding(&i), cmpopts.IgnoreUnexported(attribution.Finding{})); diff != "" {
		t.Errorf("-found +taken from the status:\n%s", diff)
	}
	for _, resource := range []attribution.Resource{attribution.NotJudged, attribution.None} {
		i := findings.Interference(&attribution.Finding{Resource: resource, Slowdown: new(math.Inf(1))})
		if i.Resource != "Unknown" || i.MilliSlowdown != nil {
			t.Errorf("%q: %+v", resource, i)
		}
	}
}
