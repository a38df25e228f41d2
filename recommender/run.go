package recommender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	vpaclientset "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/client/clientset/versioned"
	stockconfig "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/config"
	qualitymetrics "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/utils/metrics/quality"
	stockmetrics "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/utils/metrics/recommender"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
	usageclient "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/recommender/election"
	"github.com/ballast-k8s/ballast/recommender/eviction"
	"github.com/ballast-k8s/ballast/recommender/modeswitch"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/serving"
)

// Options say where a recommender runs and what it does.
type Options struct {
	Config Config
	// Kubeconfig is the path of the file that names the API server; empty in a pod.
	Kubeconfig string
	// Endpoint is where it answers about health and metrics.
	Endpoint serving.Endpoint
}

// silentRounds is after how many intervals without a finished round the process is not healthy, as with the stock recommender.
const silentRounds = 5

// clients are what the API server is spoken to with.
type clients struct {
	config *rest.Config
	kube   kubernetes.Interface
	vpa    vpaclientset.Interface
	usage  usageclient.PodMetricsesGetter
	// dynamic is for our own types.
	dynamic dynamic.Interface
}

// Run is the recommender: it takes its turn, decides while it leads, and returns nil once the context has ended and all is
// settled. After any error the process has to end: a round of VPA's may still be under way. Run can be called once a process,
// because VPA keeps settings and metrics in package variables.
func Run(ctx context.Context, o Options) error {
	logger := klog.FromContext(ctx)
	logger.Info("Starting ballast-recommender", "version", version.Get().GitVersion, "recommender", Name,
		"interval", o.Config.Interval, "speedup", o.Config.Speedup, "leaderElect", o.Config.LeaderElection.LeaderElect)
	c, err := connect(o.Kubeconfig)
	if err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	stockmetrics.Register()
	qualitymetrics.Register()
	m := newMetrics()
	live := serving.NewLiveness(clock.RealClock{}, silentRounds*o.Config.period())
	received := newReceiver(o.Config.Telemetry, m.registry)

	answering, stopServing := context.WithCancel(context.WithoutCancel(ctx)) // /healthz answers until the last round is over
	defer stopServing()
	stopped, err := serveAll(answering, o, live, received, prometheus.Gatherers{m.registry, prometheus.DefaultGatherer})
	if err != nil {
		return err
	}
	position := modeswitch.New(c.kube, modeswitch.Seen{Changed: m.showMode, Ignored: m.switchErrors.Inc})
	var watching sync.WaitGroup
	watching.Go(func() { position.Run(ctx) })

	err = election.Lead(ctx, c.config, o.Config.LeaderElection, func(ctx context.Context) error {
		m.leader.Set(1)
		received.open()
		defer evicting(ctx, c, o.Config, position, m)()
		return recommend(ctx, c, o.Config, received.source(), position, m, live)
	})
	if err != nil {
		return err
	}
	watching.Wait()
	stopServing()
	stopped.Wait()
	return nil
}

// evicting begins to evict what nodes' agents name, until stop or the end of the context.
func evicting(ctx context.Context, c clients, config Config, position *modeswitch.Switch, m *metrics) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		eviction.Run(ctx, eviction.Options{
			Kube: c.kube, Objects: c.dynamic, Mode: position.Mode, Metrics: m.evictions,
			Limits: eviction.Limits{
				PerNode: config.divided(eviction.PerNode), Window: config.divided(eviction.Window), InWindow: config.Eviction.PerMinute,
			},
		})
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// serveAll takes telemetry and answers about health and metrics. Who is told that the process is healthy finds both.
func serveAll(ctx context.Context, o Options, live *serving.Liveness, received *receiver, gatherer prometheus.Gatherer) (*sync.WaitGroup, error) {
	mux := http.NewServeMux()
	mux.Handle("/healthz", live)
	mux.Handle("/metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	telemetry := o.Endpoint
	telemetry.Port = o.Config.Telemetry.Port
	if address := o.Config.Telemetry.BindAddress; address != nil {
		telemetry.Address = address
	}
	var stopped sync.WaitGroup
	for _, s := range []struct {
		what     string
		endpoint serving.Endpoint
		handler  http.Handler
	}{{"the receiver of telemetry", telemetry, received}, {"health and metrics", o.Endpoint, mux}} {
		done, err := serving.Serve(ctx, s.endpoint, o.Kubeconfig, s.handler)
		if err != nil {
			return nil, fmt.Errorf("serving %s: %w", s.what, err)
		}
		stopped.Go(func() { <-done })
	}
	return &stopped, nil
}

// connect makes the clients, with the stock recommender's limits of requests a second.
func connect(kubeconfig string) (clients, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return clients{}, err
	}
	limits := stockconfig.DefaultRecommenderConfig().CommonFlags
	config.QPS, config.Burst = float32(limits.KubeApiQps), int(limits.KubeApiBurst)
	c := clients{config: config}
	if c.kube, err = kubernetes.NewForConfig(config); err != nil {
		return clients{}, err
	}
	if c.vpa, err = vpaclientset.NewForConfig(config); err != nil {
		return clients{}, err
	}
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return clients{}, err
	}
	c.usage, err = usageclient.NewForConfig(config)
	return c, err
}

// recommend runs rounds until the context ends. The first comes one interval after the start, as the stock recommender's.
func recommend(
	ctx context.Context, c clients, config Config, t objectives.Telemetry, position *modeswitch.Switch, m *metrics, live *serving.Liveness,
) error {
	logger := klog.FromContext(ctx)
	sla, stopped := newObjectiveRounds(ctx, c, config, t, position.Mode, m)
	defer stopped()
	stock, err := newStock(ctx, c, config, sla)
	switch {
	case errors.Is(err, errNotSeen):
		return nil
	case err != nil:
		return fmt.Errorf("preparing the recommender: %w", err)
	}
	logger.Info("Recommending", "every", config.period())
	live.Alive()
	tick := time.NewTicker(config.period())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			begin := time.Now()
			stock.round(ctx)
			m.rounds.Observe(time.Since(begin).Seconds())
			live.Alive()
		}
	}
}
