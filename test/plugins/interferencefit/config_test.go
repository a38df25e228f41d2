package interferencefit_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	configv1 "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"

	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
)

// register does what cmd/ballast-scheduler does first.
var register = sync.OnceFunc(func() {
	interferencefit.AddToScheme(scheme.Scheme)
	interferencefit.AddToScheme(configv1.GetPluginArgConversionScheme())
})

// load reads a configuration as kube-scheduler does.
func load(t testing.TB, text string) (*config.KubeSchedulerConfiguration, error) {
	t.Helper()
	register()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := options.LoadConfigFromFile(klog.Background(), file)
	if err != nil {
		return nil, err
	}
	return cfg, validation.ValidateKubeSchedulerConfiguration(cfg)
}

// argsOf returns the plugin's arguments in a loaded profile, nil if it has none.
func argsOf(t testing.TB, p config.KubeSchedulerProfile) *interferencefit.Args {
	t.Helper()
	for _, c := range p.PluginConfig {
		if c.Name != interferencefit.Name {
			continue
		}
		args, ok := c.Args.(*interferencefit.Args)
		if !ok {
			t.Fatalf("args are a %T", c.Args)
		}
		return args
	}
	return nil
}

const header = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
profiles:
- schedulerName: a
  plugins: {multiPoint: {enabled: [{name: InterferenceFit, weight: 10}]}}
`

func TestConfigurationDefaults(t *testing.T) {
	cfg, err := load(t, header)
	if err != nil {
		t.Fatal(err)
	}
	want := &interferencefit.Args{Args: modelsource.Args{ModelName: "default", ModelMaxAge: &metav1.Duration{Duration: 168 * time.Hour}, StaleModelPolicy: modelsource.FailOpen}}
	got := argsOf(t, cfg.Profiles[0])
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
	got = argsOf(t, cfg.Profiles[0])
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
				if plugin.Name == interferencefit.Name && plugin.Weight == 10 && argsOf(t, p) != nil {
					with = append(with, p.SchedulerName)
				}
			}
		}
		if !slices.Equal(with, want) {
			t.Errorf("%s: profiles %v have the plugin, want %v", file, with, want)
		}
	}
}
