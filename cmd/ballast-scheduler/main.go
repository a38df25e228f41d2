// Command ballast-scheduler is kube-scheduler with Ballast's plugins. Flags, configuration file, health and metrics endpoints are
// kube-scheduler's; a profile chooses the plugins (manifests/scheduler has two to start from).
package main

import (
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register" // --logging-format=json
	"k8s.io/component-base/metrics/legacyregistry"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	configv1 "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/plugins/graphscore"
	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/plugins/isolationfit"
	"github.com/ballast-k8s/ballast/plugins/jointplacement"
)

func main() {
	// kube-scheduler decodes the configuration with the one scheme, and defaults and converts plugin arguments with the other.
	for _, s := range []*runtime.Scheme{scheme.Scheme, configv1.GetPluginArgConversionScheme()} {
		interferencefit.AddToScheme(s)
		graphscore.AddToScheme(s)
		jointplacement.AddToScheme(s)
	}

	fit, graph, joint, isolation := interferencefit.NewMetrics(), graphscore.NewMetrics(), jointplacement.NewMetrics(), isolationfit.NewMetrics()
	legacyregistry.MustRegister(fit.Collectors()...)
	legacyregistry.MustRegister(graph.Collectors()...)
	legacyregistry.MustRegister(joint.Collectors()...)
	legacyregistry.MustRegister(isolation.Collectors()...)

	command := app.NewSchedulerCommand(
		app.WithPlugin(interferencefit.Name, interferencefit.Factory(fit)),
		app.WithPlugin(graphscore.Name, graphscore.Factory(graph)),
		app.WithPlugin(isolationfit.Name, isolationfit.Factory(isolation)),
		app.WithPlugin(jointplacement.Name, jointplacement.Factory(joint, leadership(legacyregistry.DefaultGatherer, clock.RealClock{}))),
	)
	os.Exit(cli.Run(command))
}
