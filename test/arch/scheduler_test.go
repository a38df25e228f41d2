package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	configscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	configv1 "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"

	"github.com/ballast-k8s/ballast/plugins/graphscore"
	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/plugins/jointplacement"
)

// validated are the arguments of a plugin of ours: kube-scheduler validates only those of its own.
type validated interface {
	Validate(path *field.Path) field.ErrorList
}

// registerArgs adds our plugins' arguments to kube-scheduler's own schemes, as cmd/ballast-scheduler does.
var registerArgs = sync.OnceFunc(func() {
	for _, s := range []*runtime.Scheme{configscheme.Scheme, configv1.GetPluginArgConversionScheme()} {
		interferencefit.AddToScheme(s)
		graphscore.AddToScheme(s)
		jointplacement.AddToScheme(s)
	}
})

// schedulerConfiguration loads a configuration with kube-scheduler's code: strict decoding, defaults, conversion, validation.
func schedulerConfiguration(name string, doc []byte) []string {
	registerArgs()
	dir, err := os.MkdirTemp("", "arch")
	if err != nil {
		return []string{err.Error()}
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "config.yaml") // upstream exports a reader of files only
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		return []string{err.Error()}
	}
	cfg, err := options.LoadConfigFromFile(klog.Background(), file)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", name, err)}
	}
	var violations []string
	if err := validation.ValidateKubeSchedulerConfiguration(cfg); err != nil {
		violations = append(violations, fmt.Sprintf("%s: %v", name, err))
	}
	for i, profile := range cfg.Profiles {
		for j, plugin := range profile.PluginConfig {
			args, ok := plugin.Args.(validated)
			if !ok {
				continue
			}
			at := field.NewPath("profiles").Index(i).Child("pluginConfig").Index(j).Child("args")
			for _, err := range args.Validate(at) {
				violations = append(violations, fmt.Sprintf("%s: %v", name, err))
			}
		}
	}
	return violations
}
