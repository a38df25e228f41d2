package v1alpha1

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// NewInterferenceModel wraps a model for the API server as current at publishedAt.
func NewInterferenceModel(name string, m *interference.Model, publishedAt metav1.Time) (*InterferenceModel, error) {
	b, err := json.Marshal(m.Document())
	if err != nil {
		return nil, fmt.Errorf("encoding interference model %q: %w", name, err)
	}
	im := &InterferenceModel{
		TypeMeta:   metav1.TypeMeta{APIVersion: SchemeGroupVersion.String(), Kind: "InterferenceModel"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
	if err := json.Unmarshal(b, &im.Spec); err != nil {
		return nil, fmt.Errorf("converting interference model %q: %w", name, err)
	}
	im.Spec.PublishedAt = publishedAt
	return im, nil
}

// Model checks the spec and returns the predictor's model. It refuses a format that this version does not know.
func (s *InterferenceModelSpec) Model() (*interference.Model, error) {
	content := s.DeepCopy()
	content.TrainingWindow = nil
	b, err := json.Marshal(struct {
		*InterferenceModelSpec
		PublishedAt any `json:"publishedAt,omitempty"` // shadows the time, which is not part of the document
	}{InterferenceModelSpec: content})
	if err != nil {
		return nil, fmt.Errorf("reading interference model: %w", err)
	}
	return interference.Decode(b)
}
