package interferencefit

import (
	"time"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
)

const (
	defaultModelName = "default"
	// defaultModelMaxAge is a week: batches and caches of an application change with its releases, and the recommender confirms
	// a model every few minutes, so that a week of silence means that nobody looks after it.
	defaultModelMaxAge = 168 * time.Hour
)

// Args configures InterferenceFit in one profile: pluginConfig of name InterferenceFit, kind InterferenceFitArgs.
type Args struct {
	metav1.TypeMeta `json:",inline"`

	// ModelName is the name of the InterferenceModel object to decide by. Defaults to "default".
	ModelName string `json:"modelName,omitempty"`
	// ModelMaxAge is how long after its spec.publishedAt a model is believed. Must be positive. Defaults to 168h.
	ModelMaxAge *metav1.Duration `json:"modelMaxAge,omitempty"`
	// StaleModelPolicy is FailOpen, FailClosed or FallBack. Defaults to FailOpen.
	StaleModelPolicy modelsource.StalePolicy `json:"staleModelPolicy,omitempty"`
}

var _ runtime.Object = (*Args)(nil)

// DefaultArgs are the arguments of a profile that has no pluginConfig for the plugin.
func DefaultArgs() *Args {
	args := &Args{}
	args.setDefaults()
	return args
}

func (a *Args) setDefaults() {
	if a.ModelName == "" {
		a.ModelName = defaultModelName
	}
	if a.ModelMaxAge == nil {
		a.ModelMaxAge = &metav1.Duration{Duration: defaultModelMaxAge}
	}
	if a.StaleModelPolicy == "" {
		a.StaleModelPolicy = modelsource.FailOpen
	}
}

// Validate checks the arguments; path is where they stand. kube-scheduler validates only the arguments of its own plugins, so
// the factory calls this.
func (a *Args) Validate(path *field.Path) field.ErrorList {
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
	switch a.StaleModelPolicy {
	case modelsource.FailOpen, modelsource.FailClosed, modelsource.FallBack:
	default:
		errs = append(errs, field.NotSupported(path.Child("staleModelPolicy"), a.StaleModelPolicy,
			[]modelsource.StalePolicy{modelsource.FailOpen, modelsource.FailClosed, modelsource.FallBack}))
	}
	return errs
}

// DeepCopyObject returns an independent copy.
func (a *Args) DeepCopyObject() runtime.Object {
	if a == nil {
		return nil
	}
	out := *a
	if a.ModelMaxAge != nil {
		age := *a.ModelMaxAge
		out.ModelMaxAge = &age
	}
	return &out
}

// AddToScheme registers Args as InterferenceFitArgs, with its defaults, so that kube-scheduler decodes it strictly. The same Go
// type serves the wire version and the internal one: there is only one version to convert from. It is needed in both schemes of
// kube-scheduler: the one that decodes the configuration file (pkg/scheduler/apis/config/scheme.Scheme) and the one that
// defaults and converts plugin arguments (pkg/scheduler/apis/config/v1.GetPluginArgConversionScheme()).
func AddToScheme(scheme *runtime.Scheme) {
	internal := schema.GroupVersion{Group: configv1.GroupName, Version: runtime.APIVersionInternal}
	for _, gv := range []schema.GroupVersion{configv1.SchemeGroupVersion, internal} {
		scheme.AddKnownTypeWithName(gv.WithKind(Name+"Args"), &Args{})
	}
	scheme.AddTypeDefaultingFunc(&Args{}, func(obj any) {
		if args, ok := obj.(*Args); ok {
			args.setDefaults()
		}
	})
}
