package graphscore

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// defaultLatencyModelMaxAge is ten of the recommender's rounds: a sensitivity changes with the load, by the hour rather than the minute,
// and after as long the recommender itself begins to leave a blind objective's target.
const defaultLatencyModelMaxAge = 10 * time.Minute

// Args configures GraphScore in one profile: pluginConfig of name GraphScore, kind GraphScoreArgs.
type Args struct {
	metav1.TypeMeta `json:",inline"`

	// The interference model is the same as InterferenceFit's. The policies are FailOpen (one that is too old is none) and FallBack.
	modelsource.Args `json:",inline"`

	// LatencyModelMaxAge is how long after its spec.publishedAt a LatencyModel is believed; past it the objective counts for nothing. Must
	// be positive. Defaults to 10m.
	LatencyModelMaxAge *metav1.Duration `json:"latencyModelMaxAge,omitempty"`
}

var _ runtime.Object = (*Args)(nil)

// DefaultArgs are the arguments of a profile that has no pluginConfig for the plugin.
func DefaultArgs() *Args {
	args := &Args{}
	args.setDefaults()
	return args
}

func (a *Args) setDefaults() {
	a.SetDefaults()
	if a.LatencyModelMaxAge == nil {
		a.LatencyModelMaxAge = &metav1.Duration{Duration: defaultLatencyModelMaxAge}
	}
}

// Validate checks the arguments; path is where they stand. kube-scheduler validates only the arguments of its own plugins, so
// the factory calls this.
func (a *Args) Validate(path *field.Path) field.ErrorList {
	errs := a.Args.Validate(path, modelsource.FailOpen, modelsource.FallBack)
	if a.LatencyModelMaxAge == nil || a.LatencyModelMaxAge.Duration <= 0 {
		errs = append(errs, field.Required(path.Child("latencyModelMaxAge"), "must be positive, such as 10m"))
	}
	return errs
}

// DeepCopyObject returns an independent copy.
func (a *Args) DeepCopyObject() runtime.Object {
	if a == nil {
		return nil
	}
	out := *a
	out.Args = a.Copy()
	if a.LatencyModelMaxAge != nil {
		out.LatencyModelMaxAge = new(*a.LatencyModelMaxAge)
	}
	return &out
}

// AddToScheme registers Args as GraphScoreArgs with its defaults, in one of kube-scheduler's two schemes; see
// interferencefit.AddToScheme.
func AddToScheme(scheme *runtime.Scheme) {
	schedplugin.AddToScheme(scheme, Name+"Args", &Args{}, func(obj any) {
		if args, ok := obj.(*Args); ok {
			args.setDefaults()
		}
	})
}
