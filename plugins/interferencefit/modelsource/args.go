package modelsource

import (
	"slices"
	"time"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	defaultName = "default"
	// defaultMaxAge is a week: batches and caches of an application change with its releases, and the recommender confirms a model
	// every few minutes, so that a week of silence means that nobody looks after it.
	defaultMaxAge = 168 * time.Hour
)

// Args are the part of a plugin's arguments that says by which model it decides. Plugins embed them.
type Args struct {
	// ModelName is the name of the InterferenceModel object to decide by. Defaults to "default".
	ModelName string `json:"modelName,omitempty"`
	// ModelMaxAge is how long after its spec.publishedAt a model is believed. Must be positive. Defaults to 168h.
	ModelMaxAge *metav1.Duration `json:"modelMaxAge,omitempty"`
	// StaleModelPolicy is what happens to a model that is older; a plugin says which policies it has. Defaults to FailOpen.
	StaleModelPolicy StalePolicy `json:"staleModelPolicy,omitempty"`
}

// SetDefaults fills what is left open.
func (a *Args) SetDefaults() {
	if a.ModelName == "" {
		a.ModelName = defaultName
	}
	if a.ModelMaxAge == nil {
		a.ModelMaxAge = &metav1.Duration{Duration: defaultMaxAge}
	}
	if a.StaleModelPolicy == "" {
		a.StaleModelPolicy = FailOpen
	}
}

// Validate checks the arguments; path is where they stand, policies are those that the plugin has.
func (a *Args) Validate(path *field.Path, policies ...StalePolicy) field.ErrorList {
	var errs field.ErrorList
	if a.ModelName == "" {
		errs = append(errs, field.Required(path.Child("modelName"), "the name of an InterferenceModel object"))
	} else {
		for _, msg := range apivalidation.NameIsDNSSubdomain(a.ModelName, false) {
			errs = append(errs, field.Invalid(path.Child("modelName"), a.ModelName, msg))
		}
	}
	switch {
	case a.ModelMaxAge == nil:
		errs = append(errs, field.Required(path.Child("modelMaxAge"), "a duration such as 168h"))
	case a.ModelMaxAge.Duration <= 0:
		errs = append(errs, field.Invalid(path.Child("modelMaxAge"), a.ModelMaxAge.Duration.String(), "must be positive, such as 168h"))
	}
	if !slices.Contains(policies, a.StaleModelPolicy) {
		errs = append(errs, field.NotSupported(path.Child("staleModelPolicy"), a.StaleModelPolicy, policies))
	}
	return errs
}

// Copy returns an independent copy.
func (a Args) Copy() Args {
	if a.ModelMaxAge != nil {
		a.ModelMaxAge = new(*a.ModelMaxAge)
	}
	return a
}

// Policy is what Source.Condition is asked by. The arguments must be valid.
func (a *Args) Policy() Policy {
	return Policy{MaxAge: a.ModelMaxAge.Duration, Stale: a.StaleModelPolicy}
}
