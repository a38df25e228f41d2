package status

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
)

// recorded is a writer whose patches and events are kept; fail answers the next patches.
type recorded struct {
	*Writer
	patches []v1alpha1.LatencyObjectiveStatus
	names   []string
	patched func() // called after each patch
	events  *record.FakeRecorder
	fail    error
}

func newRecorded(t *testing.T) *recorded {
	t.Helper()
	client := fake.NewSimpleDynamicClient(runtime.NewScheme())
	r := &recorded{events: record.NewFakeRecorder(100)}
	r.Writer = NewWriter(client, r.events)
	client.PrependReactor("patch", "latencyobjectives", func(action clienttesting.Action) (bool, runtime.Object, error) {
		patch, ok := action.(clienttesting.PatchAction)
		if !ok || patch.GetSubresource() != "status" {
			t.Errorf("wrote %v, want the status alone", action)
			return true, nil, nil
		}
		if r.fail != nil {
			return true, nil, r.fail
		}
		var body []struct {
			Op, Path string
			Value    json.RawMessage
		}
		var status v1alpha1.LatencyObjectiveStatus
		if err := errors.Join(json.Unmarshal(patch.GetPatch(), &body), json.Unmarshal(body[1].Value, &status)); err != nil {
			t.Error(err)
		}
		if got := string(body[0].Value); body[0].Op != "test" || body[0].Path != "/metadata/uid" || got != `"`+patch.GetName()+`"` {
			t.Errorf("the patch is for any object of the name: %s %s %s", body[0].Op, body[0].Path, got)
		}
		r.patches = append(r.patches, status)
		r.names = append(r.names, patch.GetName())
		if r.patched != nil {
			r.patched()
		}
		return true, nil, nil
	})
	return r
}

func (r *recorded) said() []string {
	var texts []string
	for {
		select {
		case e := <-r.events.Events:
			texts = append(texts, e)
		default:
			return texts
		}
	}
}

func TestWrite(t *testing.T) {
	w := newRecorded(t)
	write := func(r *objectives.Report, patches int, events ...string) {
		t.Helper()
		before := len(w.patches)
		if err := w.Write(t.Context(), []objectives.Report{*r}); err != nil {
			t.Error(err)
		}
		if got := len(w.patches) - before; got != patches {
			t.Errorf("%d patches, want %d", got, patches)
		}
		if diff := cmp.Diff(events, w.said()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	}
	write(report(blind), 1, "Warning StaleTelemetry Blind is True: old")
	write(report(blind), 0) // the follower has not seen it yet
	write(report(nil), 1, "Normal Deciding Blind is False: the telemetry carries a decision")
	write(report(func(r *objectives.Report) { r.Decision.Met, r.Decision.AtRisk = false, true }), 1,
		"Warning OverTarget AtRisk is True: no risk", "Warning Missed Met is False: met")
	write(report(nil), 1, "Normal WithinTarget AtRisk is False: no risk", "Normal Attained Met is True: met")
	// The follower sees another status, of another version: that is what counts.
	write(report(func(r *objectives.Report) {
		r.Objective.ResourceVersion = "2"
		r.Objective.Status = w.patches[1]
	}), 0)
	write(report(func(r *objectives.Report) { r.Objective.ResourceVersion = "3" }), 1)
}

func TestWriteTriesAgain(t *testing.T) {
	w := newRecorded(t)
	w.fail = errors.New("no room")
	err := w.Write(t.Context(), []objectives.Report{*report(nil)})
	if err == nil || !strings.Contains(err.Error(), "writing the status of LatencyObjective shop/a: no room") {
		t.Errorf("error %v", err)
	}
	w.fail = nil
	if err := w.Write(t.Context(), []objectives.Report{*report(nil)}); err != nil || len(w.patches) != 1 {
		t.Errorf("%d patches, error %v", len(w.patches), err)
	}
}

// TestWriteInTurn: where the time suffices for two of five statuses a round, all come round, and what moved comes first.
func TestWriteInTurn(t *testing.T) {
	w := newRecorded(t)
	round := 0
	write := func(moved, want string) {
		t.Helper()
		round++
		w.names = nil
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.patched = func() {
			if len(w.names) == 2 {
				cancel()
			}
		}
		var reports []objectives.Report
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			reports = append(reports, *report(func(r *objectives.Report) {
				r.Objective = objective(name)
				r.Objective.Status = Of(&v1alpha1.LatencyObjectiveStatus{}, report(nil)) // as long ago
				r.Decision.Requests += float64(round)
				if name == moved {
					r.Workloads[1].Target, r.Workloads[1].Fallback.Target = 0.9, 0.9
				}
			}))
		}
		if err := w.Write(ctx, reports); err == nil || !strings.Contains(err.Error(), "3 of 5 statuses") {
			t.Errorf("error %v", err)
		}
		if got := strings.Join(w.names, " "); got != want {
			t.Errorf("round %d: wrote %s, want %s", round, got, want)
		}
	}
	write("", "a b")
	write("", "c d")
	write("", "e a")
	write("d", "d b")
}

func TestAdviceEvents(t *testing.T) {
	w := newRecorded(t)
	advised := func(advice map[string]string) {
		t.Helper()
		r := report(func(r *objectives.Report) {
			r.Time = r.Time.Add(time.Minute)
			r.Workloads[0].UID, r.Workloads[0].Advice = "u", advice
		})
		if err := w.Write(t.Context(), []objectives.Report{*r}); err != nil {
			t.Error(err)
		}
	}
	advised(map[string]string{objectives.AdviceHeadroom: "full"})
	advised(map[string]string{objectives.AdviceHeadroom: "fuller"})
	advised(map[string]string{objectives.AdviceHeadroom: "fuller", objectives.AdviceLimit: "limit"})
	advised(nil)
	advised(map[string]string{objectives.AdviceHeadroom: "full again"})
	want := []string{"Warning NoHeadroom full", "Warning CPULimit limit", "Warning NoHeadroom full again"}
	if diff := cmp.Diff(want, w.said()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
