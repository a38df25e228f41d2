package interferencefit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/schedplugin"
)

func TestDefaultArgs(t *testing.T) {
	want := &Args{Args: modelsource.Args{ModelName: "default", ModelMaxAge: &metav1.Duration{Duration: 7 * 24 * time.Hour}, StaleModelPolicy: modelsource.FailOpen}}
	if diff := cmp.Diff(want, DefaultArgs()); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if errs := DefaultArgs().Validate(field.NewPath("args")); len(errs) != 0 {
		t.Errorf("the defaults are invalid: %v", errs)
	}
}

func TestArgsValidate(t *testing.T) {
	cases := map[string]struct {
		change func(*Args)
		want   string // "" for valid
	}{
		"other model":      {func(a *Args) { a.ModelName = "blue.v2" }, ""},
		"name with slash":  {func(a *Args) { a.ModelName = "a/b" }, `args.modelName: Invalid value: "a/b"`},
		"no name":          {func(a *Args) { a.ModelName = "" }, "args.modelName: Required value"},
		"no age":           {func(a *Args) { a.ModelMaxAge = nil }, "args.modelMaxAge: Required value"},
		"age of nothing":   {func(a *Args) { a.ModelMaxAge = &metav1.Duration{} }, `args.modelMaxAge: Invalid value: "0s": must be positive`},
		"negative age":     {func(a *Args) { a.ModelMaxAge.Duration = -time.Hour }, `args.modelMaxAge: Invalid value: "-1h0m0s"`},
		"fail closed":      {func(a *Args) { a.StaleModelPolicy = modelsource.FailClosed }, ""},
		"policy in lower":  {func(a *Args) { a.StaleModelPolicy = "failopen" }, `args.staleModelPolicy: Unsupported value: "failopen": supported values: "FailOpen", "FailClosed", "FallBack"`},
		"policy left open": {func(a *Args) { a.StaleModelPolicy = "" }, "args.staleModelPolicy: Unsupported value"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := DefaultArgs()
			c.change(args)
			got := ""
			if err := args.Validate(field.NewPath("args")).ToAggregate(); err != nil {
				got = err.Error()
			}
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("Validate says %q, want %q", got, c.want)
			}
		})
	}
}

func TestArgsCopyIsIndependent(t *testing.T) {
	original := DefaultArgs()
	duplicate, ok := original.DeepCopyObject().(*Args)
	if !ok {
		t.Fatalf("the copy is a %T", original.DeepCopyObject())
	}
	duplicate.ModelMaxAge.Duration = time.Second
	duplicate.ModelName = "other"
	if diff := cmp.Diff(DefaultArgs(), original); diff != "" {
		t.Errorf("changing the copy changed the original:\n%s", diff)
	}
}

func TestArgsDecodeStrictlyWithDefaults(t *testing.T) {
	scheme := runtime.NewScheme()
	AddToScheme(scheme)
	AddToScheme(scheme) // main and a test may both have come by
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder(configv1.SchemeGroupVersion)
	const head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: InterferenceFitArgs\n"

	obj, _, err := decoder.Decode([]byte(head+"modelMaxAge: 1h\n"), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultArgs()
	want.TypeMeta = metav1.TypeMeta{APIVersion: "kubescheduler.config.k8s.io/v1", Kind: "InterferenceFitArgs"}
	want.ModelMaxAge.Duration = time.Hour
	if diff := cmp.Diff(want, obj); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	if _, _, err := decoder.Decode([]byte(head+"modelmaxage: 1h\n"), nil, nil); err == nil || !strings.Contains(err.Error(), `unknown field "modelmaxage"`) {
		t.Errorf("an unknown field gives %v", err)
	}
	if _, err := schedplugin.ArgsOf(Name, &runtime.Unknown{}, DefaultArgs); err == nil || !strings.Contains(err.Error(), "AddToScheme") {
		t.Errorf("args that nobody registered give %v", err)
	}
}

// FuzzArgs checks that no configuration makes the decoder or the validation panic, and that what they accept is complete.
func FuzzArgs(f *testing.F) {
	f.Add("modelName: x\nmodelMaxAge: 1h\nstaleModelPolicy: FallBack\n")
	f.Add("modelMaxAge: -1\n")
	f.Fuzz(func(t *testing.T, text string) {
		scheme := runtime.NewScheme()
		AddToScheme(scheme)
		decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder(configv1.SchemeGroupVersion)
		obj, _, err := decoder.Decode([]byte("apiVersion: kubescheduler.config.k8s.io/v1\nkind: InterferenceFitArgs\n"+text), nil, nil)
		if err != nil {
			return
		}
		if args, err := schedplugin.ArgsOf(Name, obj, DefaultArgs); err == nil && (args.ModelName == "" || args.ModelMaxAge.Duration <= 0) {
			t.Errorf("accepted %+v", args)
		}
	})
}
