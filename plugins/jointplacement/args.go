package jointplacement

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/cluster"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

const (
	// defaultWindow is more than what a controller leaves between the pods that it creates (about 50 a second with its default client),
	// and less than a container takes to start.
	defaultWindow = 500 * time.Millisecond
	// defaultMaxWait bounds what a steady stream of pods costs each of them.
	defaultMaxWait = 5 * time.Second
	// longestWait bounds MaxWait: pods that wait for longer than that look forgotten.
	longestWait = 5 * time.Minute
	// defaultMaxPods bounds one plan, of at most hold.MaxSize.
	defaultMaxPods = 5_000
)

// Args configures JointPlacement in one profile: pluginConfig of name JointPlacement, kind JointPlacementArgs.
type Args struct {
	metav1.TypeMeta `json:",inline"`

	// The model is the same as InterferenceFit's. The policies are FailOpen (a model that is too old is no model: nothing is held) and
	// FallBack (it is planned by all the same).
	modelsource.Args `json:",inline"`

	// Window is how long after its last pod a group of unknown size is taken to be complete. Must be positive and at most MaxWait.
	// Defaults to 500ms.
	Window *metav1.Duration `json:"window,omitempty"`
	// MaxWait is how long the first pod of a group waits for the others: then those that are there are planned. A gang waits on, see
	// Gang. At most 5m. Defaults to 5s.
	MaxWait *metav1.Duration `json:"maxWait,omitempty"`
	// MaxPods is how many pods of a group are planned at once: a group that has so many does not wait for more. From 1 to 50,000.
	// Defaults to 5,000.
	MaxPods *int32 `json:"maxPods,omitempty"`
	// Gang makes groups of known size (annotation ballast.dev/group-size, or the minimum of a PodGroup) all or nothing: their pods
	// wait until all have come and the plan has room for all. Defaults to false: after MaxWait kube-scheduler places those it can.
	Gang bool `json:"gang,omitempty"`
	// Constraints are soft constraints of placement for all pods, one a line in Medea's language (package constraints), such as
	//   {redis, {mms, 0, 0}, node} 0.3
	// Annotation ballast.dev/constraints has those of one application. Defaults to none.
	Constraints string `json:"constraints,omitempty"`
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
	if a.Window == nil {
		a.Window = &metav1.Duration{Duration: defaultWindow}
	}
	if a.MaxWait == nil {
		a.MaxWait = &metav1.Duration{Duration: defaultMaxWait}
	}
	if a.MaxPods == nil {
		a.MaxPods = new(int32(defaultMaxPods))
	}
}

// Validate checks the arguments; path is where they stand. kube-scheduler validates only the arguments of its own plugins, so
// the factory calls this.
func (a *Args) Validate(path *field.Path) field.ErrorList {
	errs := a.Args.Validate(path, modelsource.FailOpen, modelsource.FallBack)
	if a.Window == nil || a.MaxWait == nil || a.MaxPods == nil {
		return append(errs, field.Required(path, "window, maxWait and maxPods, such as 500ms, 5s and 5000"))
	}
	if wait := a.MaxWait.Duration; wait <= 0 || wait > longestWait {
		errs = append(errs, field.Invalid(path.Child("maxWait"), wait.String(), "must be positive and at most 5m, such as 5s"))
	}
	if window := a.Window.Duration; window <= 0 || window > a.MaxWait.Duration {
		errs = append(errs, field.Invalid(path.Child("window"), window.String(), "must be positive and at most maxWait, such as 500ms"))
	}
	if *a.MaxPods < 1 || *a.MaxPods > hold.MaxSize {
		errs = append(errs, field.Invalid(path.Child("maxPods"), *a.MaxPods, "must be from 1 to 50000"))
	}
	if _, err := cluster.ParseConstraints(a.Constraints); err != nil {
		errs = append(errs, field.Invalid(path.Child("constraints"), a.Constraints, err.Error()))
	}
	return errs
}

// wishes are the soft constraints. The arguments must be valid.
func (a *Args) wishes() *cluster.Wishes {
	operators, _ := cluster.ParseConstraints(a.Constraints) // valid, see Validate
	return cluster.NewWishes(operators)
}

// rules say when a group is to be planned.
func (a *Args) rules() hold.Rules {
	return hold.Rules{Window: a.Window.Duration, MaxWait: a.MaxWait.Duration, MaxPods: int(*a.MaxPods), Gang: a.Gang}
}

// DeepCopyObject returns an independent copy.
func (a *Args) DeepCopyObject() runtime.Object {
	if a == nil {
		return nil
	}
	out := *a
	out.Args = a.Copy()
	for _, d := range []**metav1.Duration{&out.Window, &out.MaxWait} {
		if *d != nil {
			*d = new(**d)
		}
	}
	if a.MaxPods != nil {
		out.MaxPods = new(*a.MaxPods)
	}
	return &out
}

// AddToScheme registers Args as JointPlacementArgs with its defaults, in one of kube-scheduler's two schemes; see
// interferencefit.AddToScheme.
func AddToScheme(scheme *runtime.Scheme) {
	schedplugin.AddToScheme(scheme, Name+"Args", &Args{}, func(obj any) {
		if args, ok := obj.(*Args); ok {
			args.setDefaults()
		}
	})
}
