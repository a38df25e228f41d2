package modelsource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// learned is what the tests make of a model.
type learned struct{ classes []string }

func learn(m *interference.Model) *learned { return &learned{classes: m.Classes()} }

// published is a model of classes that do not touch each other, as the API server delivers it.
func published(t testing.TB, classes int, at time.Time) *unstructured.Unstructured {
	t.Helper()
	d := interference.Document{Format: interference.Format, Rank: 1}
	for i := range classes {
		d.Classes = append(d.Classes, interference.Class{
			Name: fmt.Sprint("class", i), Pressure: []float64{0}, Presence: []float64{0}, Response: []float64{0, 0, 0},
			Covariance: make([]float64, 3*4/2), IntervalScale: 1, Min: 0.001, Max: 10, Observations: 9,
		})
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	im, err := v1alpha1.NewInterferenceModel("default", m, metav1.NewTime(at))
	if err != nil {
		t.Fatal(err)
	}
	im.APIVersion, im.Kind = v1alpha1.SchemeGroupVersion.String(), "InterferenceModel"
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

func TestModel(t *testing.T) {
	good, other := published(t, 3, instant), published(t, 2, instant)
	var results []string
	changes := 0
	m := &model[learned]{name: "default", learn: learn, seen: Seen{
		Model: func(r string) { results = append(results, r) }, Changed: func(context.Context) { changes++ },
	}}
	m.current.Store(&State[learned]{Problem: ReasonNoModel})

	steps := []struct {
		name    string
		obj     any
		classes int // 0: no model
		problem string
		result  string // "" for no change
	}{
		{"still absent", nil, 0, ReasonNoModel, ""},
		{"another format first", set(t, good, "v9", "spec", "format"), 0, ReasonUnsupportedFormat, ReasonUnsupportedFormat},
		{"good", good, 3, "", ResultAccepted},
		{"confirmed", set(t, good, instant.Add(time.Hour).Format(time.RFC3339), "spec", "publishedAt"), 3, "", ResultConfirmed},
		{"changed by hand", set(t, good, "x", "spec", "source"), 3, ReasonInvalidModel, ReasonInvalidModel},
		{"another format", set(t, good, "v9", "spec", "format"), 3, ReasonUnsupportedFormat, ReasonUnsupportedFormat},
		{"not a number", set(t, good, "four", "spec", "rank"), 3, ReasonInvalidModel, ReasonInvalidModel},
		{"another", other, 2, "", ResultAccepted},
		{"deleted", nil, 0, ReasonNoModel, ResultDeleted},
		{"back", good, 3, "", ResultAccepted},
	}
	for _, step := range steps {
		before := m.current.Load()
		results, changes = nil, 0
		m.take(t.Context(), step.obj)
		got := m.current.Load()
		classes := 0
		if got.Known != nil {
			classes = len(got.Known.classes)
		}
		if classes != step.classes || got.Problem != step.problem || (got.Version != "") != (classes > 0) {
			t.Errorf("%s: %d classes of version %q and problem %q, want %d and %q", step.name, classes, got.Version, got.Problem, step.classes, step.problem)
		}
		if want := step.result; strings.Join(results, ",") != want || (changes > 0) != (want != "") {
			t.Errorf("%s: counted %v and %d changes, want %q", step.name, results, changes, want)
		}
		if step.result == ResultConfirmed && (got.Known != before.Known || !got.PublishedAt.Equal(instant.Add(time.Hour))) {
			t.Errorf("%s: a confirmed model must keep its caches and take the new time, got %v", step.name, got.PublishedAt)
		}
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	good := published(t, 3, instant)
	if _, at, err := decode(good); err != nil || !at.Equal(instant) {
		t.Errorf("a good model gives %v, published at %v", err, at)
	}
	_, _, err := decode(set(t, good, "v9", "spec", "format"))
	if !errors.Is(err, errUnsupportedFormat) || !strings.Contains(err.Error(), `interference model "default": format is "v9", this Ballast reads "`+interference.Format) {
		t.Errorf("another format gives %v", err)
	}
	_, _, err = decode(set(t, good, "ffffffffffff", "spec", "version"))
	if err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("a wrong version gives %v", err)
	}
	if _, _, err = decode("text"); err == nil {
		t.Error("an object of another type gives no error")
	}
}
