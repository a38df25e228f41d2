package interferencefit

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

// Args configures InterferenceFit in one profile: pluginConfig of name InterferenceFit, kind InterferenceFitArgs.
type Args struct {
	metav1.TypeMeta `json:",inline"`

	// The policies are FailOpen, FailClosed and FallBack.
	modelsource.Args `json:",inline"`
}

var _ runtime.Object = (*Args)(nil)

// DefaultArgs are the arguments of a profile that has no pluginConfig for the plugin.
func DefaultArgs() *Args {
	args := &Args{}
	args.SetDefaults()
	return args
}

// Validate checks the arguments; path is where they stand. kube-scheduler validates only the arguments of its own plugins, so
// the factory calls this.
func (a *Args) Validate(path *field.Path) field.ErrorList {
	return a.Args.Validate(path, modelsource.FailOpen, modelsource.FailClosed, modelsource.FallBack)
}

// DeepCopyObject returns an independent copy.
func (a *Args) DeepCopyObject() runtime.Object {
	if a == nil {
		return nil
	}
	return &Args{TypeMeta: a.TypeMeta, Args: a.Copy()}
}

// AddToScheme registers Args as InterferenceFitArgs, with its defaults, so that kube-scheduler decodes it strictly. The same Go
// type serves the wire version and the internal one: there is only one version to convert from. It is needed in both schemes of
// kube-scheduler: the one that decodes the configuration file (pkg/scheduler/apis/config/scheme.Scheme) and the one that
// defaults and converts plugin arguments (pkg/scheduler/apis/config/v1.GetPluginArgConversionScheme()).
func AddToScheme(scheme *runtime.Scheme) {
	schedplugin.AddToScheme(scheme, Name+"Args", &Args{}, func(obj any) {
		if args, ok := obj.(*Args); ok {
			args.SetDefaults()
		}
	})
}
