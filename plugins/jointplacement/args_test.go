package jointplacement

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
)

func TestDefaultArgs(t *testing.T) {
	want := &Args{
		Args:   modelsource.Args{ModelName: "default", ModelMaxAge: &metav1.Duration{Duration: 168 * time.Hour}, StaleModelPolicy: modelsource.FailOpen},
		Window: &metav1.Duration{Duration: 500 * time.Millisecond}, MaxWait: &metav1.Duration{Duration: 5 * time.Second}, MaxPods: new(int32(5000)),
	}
	got := DefaultArgs()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if err := got.Validate(field.NewPath("args")).ToAggregate(); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	for want, change := range map[string]func(*Args){
		"args.modelName: Required":                                                 func(a *Args) { a.ModelName = "" },
		"args.modelName: Invalid value: \"No\"":                                    func(a *Args) { a.ModelName = "No" },
		"args.modelMaxAge: Required":                                               func(a *Args) { a.ModelMaxAge = nil },
		"args.modelMaxAge: Invalid value: \"0s\"":                                  func(a *Args) { a.ModelMaxAge.Duration = 0 },
		"args.staleModelPolicy: Unsupported value: \"FailClosed\"":                 func(a *Args) { a.StaleModelPolicy = modelsource.FailClosed },
		"args.window: Invalid value: \"0s\"":                                       func(a *Args) { a.Window.Duration = 0 },
		"args.window: Invalid value: \"6s\": must be positive and at most maxWait": func(a *Args) { a.Window.Duration = 6 * time.Second },
		"args.maxWait: Invalid value: \"-1s\"":                                     func(a *Args) { a.MaxWait.Duration = -time.Second },
		"args.maxWait: Invalid value: \"5m1s\"":                                    func(a *Args) { a.MaxWait.Duration = 5*time.Minute + time.Second },
		"args.maxPods: Invalid value: 0":                                           func(a *Args) { *a.MaxPods = 0 },
		"args.maxPods: Invalid value: 50001":                                       func(a *Args) { *a.MaxPods = 50_001 },
		"args.constraints: Invalid value: \"{a, {b, 0, 0}, rack}\": constraint {a, {b, 0, 0}, rack}: node group": func(a *Args) { a.Constraints = "{a, {b, 0, 0}, rack}" },
		"args.constraints: Invalid value: \"x\": line 1: expected":                                               func(a *Args) { a.Constraints = "x" },
		"args: Required value: window, maxWait and maxPods":                                                      func(a *Args) { a.Window = nil },
	} {
		a := DefaultArgs()
		change(a)
		if err := a.Validate(field.NewPath("args")).ToAggregate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestArgsAreCopiedDeeply(t *testing.T) {
	a := DefaultArgs()
	copied, ok := a.DeepCopyObject().(*Args)
	if diff := cmp.Diff(a, copied); !ok || diff != "" {
		t.Fatalf("copy (-want +got):\n%s", diff)
	}
	copied.Window.Duration, copied.MaxWait.Duration, copied.ModelMaxAge.Duration, *copied.MaxPods = 1, 1, 1, 1
	if diff := cmp.Diff(DefaultArgs(), a); diff != "" {
		t.Errorf("a change of the copy changed the original (-want +got):\n%s", diff)
	}
}
