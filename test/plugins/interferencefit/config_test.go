package interferencefit_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/test/plugins/pluginsuite"
)

var load = pluginsuite.Loader(interferencefit.AddToScheme)

const header = pluginsuite.Header + "  plugins: {multiPoint: {enabled: [{name: InterferenceFit, weight: 10}]}}\n"

func TestConfigurationDefaults(t *testing.T) {
	cfg, err := load(t, header)
	if err != nil {
		t.Fatal(err)
	}
	want := &interferencefit.Args{Args: modelsource.Args{ModelName: "default", ModelMaxAge: &metav1.Duration{Duration: 168 * time.Hour}, StaleModelPolicy: modelsource.FailOpen}}
	got := pluginsuite.ArgsOf[*interferencefit.Args](t, cfg.Profiles[0], interferencefit.Name)
	if got != nil {
		got.TypeMeta = metav1.TypeMeta{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("args without pluginConfig (-want +got):\n%s", diff)
	}

	cfg, err = load(t, header+"  pluginConfig: [{name: InterferenceFit, args: {modelName: blue}}]\n")
	if err != nil {
		t.Fatal(err)
	}
	want.ModelName = "blue"
	got = pluginsuite.ArgsOf[*interferencefit.Args](t, cfg.Profiles[0], interferencefit.Name)
	got.TypeMeta = metav1.TypeMeta{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("args of one field (-want +got):\n%s", diff)
	}
}

func TestConfigurationIsStrict(t *testing.T) {
	for args, want := range map[string]string{
		"{modelname: blue}": `unknown field "modelname"`,
		"{kind: NodeAffinityArgs, apiVersion: kubescheduler.config.k8s.io/v1}": "InterferenceFit",
		"{modelMaxAge: soon}": "invalid duration",
		"{apiVersion: kubescheduler.config.k8s.io/v1beta3, kind: InterferenceFitArgs}": "v1beta3",
	} {
		if _, err := load(t, header+"  pluginConfig: [{name: InterferenceFit, args: "+args+"}]\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("args %s give %v, want %q", args, err, want)
		}
	}
}

func TestManifestProfiles(t *testing.T) {
	const folder = "../../../manifests/scheduler"
	for file, want := range map[string][]string{ // profiles with the plugin
		"profile-second.yaml":      {"ballast-scheduler"},
		"profile-replacement.yaml": {"default-scheduler"},
	} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := load(t, string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var with []string
		for _, p := range cfg.Profiles {
			for _, plugin := range p.Plugins.MultiPoint.Enabled {
				if plugin.Name == interferencefit.Name && plugin.Weight == 10 && pluginsuite.ArgsOf[*interferencefit.Args](t, p, interferencefit.Name) != nil {
					with = append(with, p.SchedulerName)
				}
			}
		}
		if !slices.Equal(with, want) {
			t.Errorf("%s: profiles %v have the plugin, want %v", file, with, want)
		}
	}
}
