package recommender

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	vpaclientset "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/client/clientset/versioned"
	stockconfig "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/recommender/config"
	qualitymetrics "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/utils/metrics/quality"
	stockmetrics "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/utils/metrics/recommender"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
	usageclient "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/utils/clock"
)

// Options say where a recommender runs and what it does.
type Options struct {
	Config Config
	// Kubeconfig is the path of the file that names the API server; empty in a pod.
	Kubeconfig string
	// Endpoint is where it answers about health and metrics.
	Endpoint Endpoint
}

// silentRounds is after how many intervals without a finished round the process is not healthy, as with the stock recommender.
const silentRounds = 5

// clients are what the API server is spoken to with.
type clients struct {
	config *rest.Config
	kube   kubernetes.Interface
	vpa    vpaclientset.Interface
	usage  usageclient.PodMetricsesGetter
}

// Run is the recommender: it takes its turn, decides while it leads, and returns nil once the context has ended and all is
// settled. After any error the process has to end: a round of VPA's may still be under way. Run can be called once a process,
// because VPA keeps settings and metrics in package variables.
func Run(ctx context.Context, o Options) error {
	logger := klog.FromContext(ctx)
	logger.Info("Starting ballast-recommender", "version", version.Get().GitVersion, "recommender", Name,
		"interval", o.Config.Interval, "leaderElect", o.Config.LeaderElection.LeaderElect)
	c, err := connect(o.Kubeconfig)
	if err != nil {
		return fmt.Errorf("connecting to the API server: %w", err)
	}
	stockmetrics.Register()
	qualitymetrics.Register()
	m := newMetrics()
	live := &liveness{clock: clock.RealClock{}, timeout: silentRounds * o.Config.Interval}

	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx)) // /healthz answers until the last round is over
	defer stopServing()
	stopped, err := serve(serving, o.Endpoint, o.Kubeconfig, live, prometheus.Gatherers{m.registry, prometheus.DefaultGatherer})
	if err != nil {
		return err
	}
	var watching sync.WaitGroup
	watching.Go(func() { newModeSwitch(c.kube, m).run(ctx) })

	err = lead(ctx, c.config, o.Config.LeaderElection, func(ctx context.Context) error {
		m.leader.Set(1)
		return recommend(ctx, c, o.Config.Interval, live)
	})
	if err != nil {
		return err
	}
	watching.Wait()
	stopServing()
	<-stopped
	return nil
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
	c.usage, err = usageclient.NewForConfig(config)
	return c, err
}

// recommend runs rounds until the context ends. The first comes one interval after the start, as the stock recommender's.
func recommend(ctx context.Context, c clients, interval time.Duration, live *liveness) error {
	logger := klog.FromContext(ctx)
	stock, err := newStock(ctx, c)
	switch {
	case errors.Is(err, errNotSeen):
		return nil
	case err != nil:
		return fmt.Errorf("preparing the recommender: %w", err)
	}
	logger.Info("Recommending", "every", interval)
	live.alive()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			stock.round(ctx)
			live.alive()
		}
	}
}
