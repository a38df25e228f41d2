package interferencefit

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// published wraps a model as the API server delivers it.
func published(t testing.TB, d interference.Document, at time.Time) *unstructured.Unstructured {
	t.Helper()
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	im, err := v1alpha1.NewInterferenceModel("default", m, metav1.NewTime(at))
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(im)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(b); err != nil { // integral numbers become int64, as from the API server
		t.Fatal(err)
	}
	return u
}

func set(t testing.TB, u *unstructured.Unstructured, value any, path ...string) *unstructured.Unstructured {
	t.Helper()
	u = u.DeepCopy()
	if err := unstructured.SetNestedField(u.Object, value, path...); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestModelSource(t *testing.T) {
	good := published(t, document(trio()...), instant)
	other := published(t, document(trio()[:2]...), instant)
	var results []string
	changes := 0
	s := &modelSource{name: "default", count: func(r string) { results = append(results, r) }, changed: func(context.Context) { changes++ }}
	s.current.Store(&modelState{problem: reasonNoModel})

	steps := []struct {
		name    string
		obj     any
		classes int // 0: no model
		problem string
		result  string // "" for no change
	}{
		{"still absent", nil, 0, reasonNoModel, ""},
		{"another format first", set(t, good, "v9", "spec", "format"), 0, reasonUnsupportedFormat, reasonUnsupportedFormat},
		{"good", good, 3, "", resultAccepted},
		{"confirmed", set(t, good, instant.Add(time.Hour).Format(time.RFC3339), "spec", "publishedAt"), 3, "", resultConfirmed},
		{"changed by hand", set(t, good, "x", "spec", "source"), 3, reasonInvalidModel, reasonInvalidModel},
		{"another format", set(t, good, "v9", "spec", "format"), 3, reasonUnsupportedFormat, reasonUnsupportedFormat},
		{"not a number", set(t, good, "four", "spec", "rank"), 3, reasonInvalidModel, reasonInvalidModel},
		{"another", other, 2, "", resultAccepted},
		{"deleted", nil, 0, reasonNoModel, resultDeleted},
		{"back", good, 3, "", resultAccepted},
	}
	for _, step := range steps {
		before := s.current.Load()
		results, changes = nil, 0
		s.take(t.Context(), step.obj)
		got := s.current.Load()
		classes := 0
		if got.know != nil {
			classes = len(got.know.names)
		}
		if classes != step.classes || got.problem != step.problem {
			t.Errorf("%s: %d classes and problem %q, want %d and %q", step.name, classes, got.problem, step.classes, step.problem)
		}
		if want := step.result; strings.Join(results, ",") != want || (changes > 0) != (want != "") {
			t.Errorf("%s: counted %v and %d changes, want %q", step.name, results, changes, want)
		}
		if step.result == resultConfirmed && (got.know != before.know || !got.publishedAt.Equal(instant.Add(time.Hour))) {
			t.Errorf("%s: a confirmed model must keep its caches and take the new time, got %v", step.name, got.publishedAt)
		}
	}
}

func TestDecodeModelSaysWhatIsWrong(t *testing.T) {
	good := published(t, document(trio()...), instant)
	if _, at, err := decodeModel(good); err != nil || !at.Equal(instant) {
		t.Errorf("a good model gives %v, published at %v", err, at)
	}
	_, _, err := decodeModel(set(t, good, "v9", "spec", "format"))
	if !errors.Is(err, errUnsupportedFormat) || !strings.Contains(err.Error(), `interference model "default": format is "v9", this Ballast reads "`+interference.Format) {
		t.Errorf("another format gives %v", err)
	}
	_, _, err = decodeModel(set(t, good, "ffffffffffff", "spec", "version"))
	if err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("a wrong version gives %v", err)
	}
	if _, _, err = decodeModel("text"); err == nil {
		t.Error("an object of another type gives no error")
	}
}

func TestModeSwitch(t *testing.T) {
	failures := 0
	s := &modeSwitch{failed: func() { failures++ }, changed: func(context.Context) {}}
	s.current.Store(Off)
	for _, step := range []struct {
		obj      any
		want     Mode
		failures int
	}{
		{configMap("sideways", "1"), Off, 1}, // nothing good before: off
		{configMap("shadow", "2"), Shadow, 1},
		{configMap("sideways", "3"), Shadow, 2},
		{configMap("", "4"), Active, 2},
		{configMap("off", "5"), Off, 2},
		{nil, Active, 2},
	} {
		s.take(t.Context(), step.obj)
		if s.mode() != step.want || failures != step.failures {
			t.Errorf("after %v the mode is %q with %d failures, want %q and %d", step.obj, s.mode(), failures, step.want, step.failures)
		}
	}
}
