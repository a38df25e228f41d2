package schedplugin

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"
)

// ArgsOf returns a plugin's arguments as kube-scheduler hands them to its factory, checked; the defaults where there are none.
func ArgsOf[A interface {
	comparable
	runtime.Object
	Validate(path *field.Path) field.ErrorList
}](plugin string, obj runtime.Object, defaults func() A) (A, error) {
	if obj == nil { // the profile has no pluginConfig, and the binary did not register the defaults
		return defaults(), nil
	}
	var none A
	args, ok := obj.(A)
	if !ok || args == none {
		return none, fmt.Errorf("args of plugin %s are a %T, expected %sArgs: the binary must call AddToScheme", plugin, obj, plugin)
	}
	if err := args.Validate(field.NewPath("pluginConfig").Key(plugin).Child("args")).ToAggregate(); err != nil {
		return none, fmt.Errorf("args of plugin %s: %w", plugin, err)
	}
	return args, nil
}

// AddToScheme registers a plugin's arguments as kind, with their defaults, so that kube-scheduler decodes them strictly. The same Go type
// serves the wire version and the internal one: there is only one version to convert from.
func AddToScheme(scheme *runtime.Scheme, kind string, example runtime.Object, setDefaults func(obj any)) {
	internal := schema.GroupVersion{Group: configv1.GroupName, Version: runtime.APIVersionInternal}
	for _, gv := range []schema.GroupVersion{configv1.SchemeGroupVersion, internal} {
		scheme.AddKnownTypeWithName(gv.WithKind(kind), example)
	}
	scheme.AddTypeDefaultingFunc(example, setDefaults)
}
