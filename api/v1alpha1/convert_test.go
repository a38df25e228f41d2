package v1alpha1

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/complete"
	"github.com/ballast-k8s/ballast/predictor/interference/adapt/online"
)

func fitted(t *testing.T) *interference.Model {
	t.Helper()
	table, err := interference.ReadMixes("test", strings.NewReader(
		"n_a,n_b,perf_a,perf_b\n1,0,1,\n0,1,,1\n2,0,0.9,\n1,1,0.8,1.1\n1,2,0.7,1\n3,1,0.65,1.2\n"))
	if err != nil {
		t.Fatal(err)
	}
	ds, err := interference.Pool(table)
	if err != nil {
		t.Fatal(err)
	}
	m, err := interference.Fit(ds, "six mixes")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A model must come back from the API server exactly as it went in: through the typed object, through JSON and through the
// unstructured form that informers hand out.
func TestModelSurvivesTheAPIServer(t *testing.T) {
	t.Parallel()
	m := fitted(t)
	published := metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	im, err := NewInterferenceModel("default", m, published)
	if err != nil {
		t.Fatal(err)
	}
	im.Spec.TrainingWindow = &TrainingWindow{From: published, To: published}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(im)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	var back InterferenceModel
	if err := json.Unmarshal(wire, &back); err != nil {
		t.Fatal(err)
	}
	got, err := back.Spec.Model()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Document(), got.Document()); diff != "" {
		t.Errorf("the model changed on its way (-sent +received):\n%s", diff)
	}
	if !back.Spec.PublishedAt.Equal(&published) {
		t.Errorf("published at %v, want %v", back.Spec.PublishedAt, published)
	}
}

func TestSpecOfAnotherFormatIsRefused(t *testing.T) {
	t.Parallel()
	im, err := NewInterferenceModel("default", fitted(t), metav1.Now())
	if err != nil {
		t.Fatal(err)
	}
	im.Spec.Format = "ballast.dev/interference-model/v2"
	if _, err := im.Spec.Model(); err == nil || !strings.Contains(err.Error(), "this Ballast reads "+`"`+interference.Format) {
		t.Errorf("error is %v", err)
	}
}

// So must one that has learned since: provenance and the times of its mixes are part of the fingerprint.
func TestModelThatLearnedSurvivesTheAPIServer(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	u, err := online.New(fitted(t), online.HalfLife)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if _, err := u.Observe(online.Observation{
			Mix: interference.Mix{{Class: 0, Units: 2}, {Class: 1, Units: 1}}, Performance: []float64{0.7 + 0.1*float64(i), 1}, At: at.Add(time.Duration(i) * time.Hour),
		}); err != nil {
			t.Fatal(err)
		}
	}
	updated, err := u.Model()
	if err != nil {
		t.Fatal(err)
	}
	m, err := complete.Extend(updated, "c", []interference.MeasuredMix{
		{Classes: []int{1, 2}, Units: []float64{1, 1}, Performance: []float64{0.9, 0.8}, Repeats: []int{1, 1}, Measured: at},
	}, at)
	if err != nil {
		t.Fatal(err)
	}
	im, err := NewInterferenceModel("default", m, metav1.NewTime(at))
	if err != nil {
		t.Fatal(err)
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(im)
	if err != nil {
		t.Fatal(err)
	}
	var back InterferenceModel
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, &back); err != nil {
		t.Fatal(err)
	}
	got, err := back.Spec.Model()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Document(), got.Document()); diff != "" {
		t.Errorf("the model changed on its way (-sent +received):\n%s", diff)
	}
}
