package pluginsuite

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	configv1 "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
)

// Header begins a configuration for the loaders, up to the name of its first profile, which is a: its plugins follow.
const Header = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
profiles:
- schedulerName: a
`

// Loader returns what reads a configuration in YAML as kube-scheduler does, with the errors of its validation. add adds the plugin's arguments to a
// scheme: as cmd/ballast-scheduler does first, but only when the first configuration is read.
func Loader(add func(*runtime.Scheme)) func(t testing.TB, text string) (*config.KubeSchedulerConfiguration, error) {
	register := sync.OnceFunc(func() {
		add(scheme.Scheme)
		add(configv1.GetPluginArgConversionScheme())
	})
	return func(t testing.TB, text string) (*config.KubeSchedulerConfiguration, error) {
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
}

// ArgsOf returns the arguments of the plugin of that name in a loaded profile, the zero A (nil of a pointer) if it has none.
func ArgsOf[A runtime.Object](t testing.TB, p config.KubeSchedulerProfile, plugin string) (args A) {
	t.Helper()
	for _, c := range p.PluginConfig {
		if c.Name != plugin {
			continue
		}
		var ok bool
		if args, ok = c.Args.(A); !ok {
			t.Fatalf("args are a %T", c.Args)
		}
		return args
	}
	return args
}
