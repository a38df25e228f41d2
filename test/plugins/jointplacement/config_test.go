package jointplacement_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/plugins/jointplacement"
	"github.com/ballast-k8s/ballast/test/plugins/pluginsuite"
)

func TestConfiguration(t *testing.T) {
	cfg, err := load(t, header+"  pluginConfig: [{name: JointPlacement, args: {window: 1s, gang: true}}]\n")
	if err != nil {
		t.Fatal(err)
	}
	got := pluginsuite.ArgsOf[*jointplacement.Args](t, cfg.Profiles[0], jointplacement.Name)
	if got.Window.Duration != time.Second || !got.Gang || got.MaxWait.Duration != 5*time.Second || got.ModelName != "default" {
		t.Errorf("args are %+v", got)
	}
	for args, want := range map[string]string{
		"{Window: 1s}":   `unknown field "Window"`,
		"{window: soon}": "invalid duration",
	} {
		if _, err := load(t, header+"  pluginConfig: [{name: JointPlacement, args: "+args+"}]\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("args %s give %v, want %q", args, err, want)
		}
	}
}

func TestManifestProfile(t *testing.T) {
	text, err := os.ReadFile("../../../manifests/scheduler/profile-joint.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := load(t, string(text))
	if err != nil {
		t.Fatal(err)
	}
	var with []string
	for _, p := range cfg.Profiles {
		var plugins []string
		for _, plugin := range p.Plugins.MultiPoint.Enabled {
			plugins = append(plugins, plugin.Name)
		}
		if !slices.Contains(plugins, interferencefit.Name) {
			t.Errorf("profile %s has no %s", p.SchedulerName, interferencefit.Name)
		}
		if !slices.Contains(plugins, jointplacement.Name) {
			continue
		}
		with = append(with, p.SchedulerName)
		args := pluginsuite.ArgsOf[*jointplacement.Args](t, p, jointplacement.Name)
		if err := args.Validate(field.NewPath("args")).ToAggregate(); err != nil {
			t.Error(err)
		}
		if want := jointplacement.DefaultArgs(); args.Window.Duration != want.Window.Duration || args.MaxWait.Duration != want.MaxWait.Duration || *args.MaxPods != *want.MaxPods {
			t.Errorf("the manifest's args %+v are not the defaults, which its comments explain", args)
		}
	}
	if !slices.Equal(with, []string{"ballast-joint"}) {
		t.Errorf("profiles %v hold pods, want ballast-joint alone", with)
	}
}
