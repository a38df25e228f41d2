// Package interferencefit_test runs the plugin InterferenceFit inside kube-scheduler's own framework runtime, on its own snapshots.
package interferencefit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultbinder"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/queuesort"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	schedulermetrics "k8s.io/kubernetes/pkg/scheduler/metrics"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit"
	"github.com/ballast-k8s/ballast/test/plugins/pluginsuite"
)

// profile is one profile of a scheduler with the plugin under test in it.
type profile struct {
	framework.Framework
	client    *fake.Clientset
	recorder  *events.FakeRecorder
	registry  metrics.KubeRegistry
	activated chan map[string]*v1.Pod
	nominated []*v1.Pod
	snapshot  *cache.Snapshot
	log       fmt.Stringer
}

// Activate takes the pods that the plugin lets try again.
func (p *profile) Activate(_ klog.Logger, pods map[string]*v1.Pod) { p.activated <- pods }

// nominator nominates the profile's nominated pods for every node.
type nominator struct {
	fwk.PodNominator
	profile *profile
}

func (n nominator) NominatedPodsForNode(string) []fwk.PodInfo {
	var infos []fwk.PodInfo
	for _, pod := range n.profile.nominated {
		info, err := framework.NewPodInfo(pod)
		if err == nil {
			infos = append(infos, info)
		}
	}
	return infos
}

// setup says what newProfile makes.
type setup struct {
	name     string
	args     *interferencefit.Args // nil: no pluginConfig
	server   *pluginsuite.Models
	metrics  *interferencefit.Metrics // nil: metrics of its own
	existing []*v1.Pod
	nodes    []string
}

// newProfile builds a framework with the plugin at every extension point that it has, and ends it with the test.
func newProfile(t testing.TB, s setup) *profile {
	t.Helper()
	logger := ktesting.NewLogger(t, ktesting.NewConfig(ktesting.BufferLogs(true)))
	log, ok := logger.GetSink().(ktesting.Underlier)
	if !ok {
		t.Fatalf("the logger is a %T", logger.GetSink())
	}
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), logger))
	schedulermetrics.Register()
	p := &profile{
		client: fake.NewClientset(), recorder: events.NewFakeRecorder(1000), registry: metrics.NewKubeRegistry(),
		activated: make(chan map[string]*v1.Pod, 100), log: log.GetBuffer(),
	}
	var nodes []*v1.Node
	for _, name := range s.nodes {
		nodes = append(nodes, st.MakeNode().Name(name).Obj())
	}
	p.snapshot = cache.NewSnapshot(s.existing, nodes)
	for _, pod := range s.existing {
		if err := p.client.Tracker().Add(pod); err != nil {
			t.Fatal(err)
		}
	}
	if s.metrics == nil {
		s.metrics = interferencefit.NewMetrics()
		p.registry.MustRegister(s.metrics.Collectors()...)
	}
	factory := informers.NewSharedInformerFactory(p.client, 0)
	var err error
	p.Framework, err = frameworkruntime.NewFramework(ctx, frameworkruntime.Registry{
		queuesort.Name:       queuesort.New,
		defaultbinder.Name:   defaultbinder.New,
		interferencefit.Name: interferencefit.Factory(s.metrics),
	}, configuration(s), frameworkruntime.WithKubeConfig(pluginsuite.Serve(t, s.server)),
		frameworkruntime.WithClientSet(p.client), frameworkruntime.WithInformerFactory(factory),
		frameworkruntime.WithSnapshotSharedLister(p.snapshot), frameworkruntime.WithEventRecorder(p.recorder),
		frameworkruntime.WithPodActivator(p), frameworkruntime.WithPodNominator(nominator{profile: p}))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	t.Cleanup(func() {
		cancel()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		factory.Shutdown()
	})
	return p
}

func configuration(s setup) *config.KubeSchedulerProfile {
	c := &config.KubeSchedulerProfile{SchedulerName: s.name, Plugins: &config.Plugins{
		QueueSort: config.PluginSet{Enabled: []config.Plugin{{Name: queuesort.Name}}},
		Bind:      config.PluginSet{Enabled: []config.Plugin{{Name: defaultbinder.Name}}},
		MultiPoint: config.PluginSet{Enabled: []config.Plugin{
			{Name: interferencefit.Name, Weight: 10},
		}},
	}}
	if s.args != nil {
		c.PluginConfig = []config.PluginConfig{{Name: interferencefit.Name, Args: s.args}}
	}
	return c
}

// podOf is a pod of a class by label; node "" if it waits, floor "" for none.
func podOf(name, class, node, floor string) *v1.Pod {
	p := st.MakePod().Namespace("default").Name(name).UID(name).Label(v1alpha1.ClassLabel, class).Node(node)
	if floor != "" {
		p = p.Annotation(v1alpha1.MinPerformanceAnnotation, floor)
	}
	return p.Obj()
}

// outcome is what the profile makes of a pod.
type outcome struct {
	preFilter *fwk.Status
	filter    map[string]*fwk.Status // by node
	skipped   bool                   // neutral in scoring
	scores    map[string]int64       // weighted, by node
	state     fwk.CycleState
}

// cycle runs a scheduling cycle up to scoring on all nodes that pass the filter.
func (p *profile) cycle(t testing.TB, pod *v1.Pod) outcome {
	t.Helper()
	ctx := t.Context()
	o := outcome{state: framework.NewCycleState(), filter: map[string]*fwk.Status{}, scores: map[string]int64{}}
	_, o.preFilter, _ = p.RunPreFilterPlugins(ctx, o.state, pod)
	if !o.preFilter.IsSuccess() {
		return o
	}
	nodes, err := p.snapshot.NodeInfos().List()
	if err != nil {
		t.Fatal(err)
	}
	var feasible []fwk.NodeInfo
	for _, node := range nodes {
		status := p.RunFilterPluginsWithNominatedPods(ctx, o.state, pod, node)
		o.filter[node.Node().Name] = status
		if status.IsSuccess() {
			feasible = append(feasible, node)
		}
	}
	if status := p.RunPreScorePlugins(ctx, o.state, pod, feasible); !status.IsSuccess() {
		t.Fatal(status)
	}
	o.skipped = o.state.GetSkipScorePlugins().Has(interferencefit.Name)
	scores, status := p.RunScorePlugins(ctx, o.state, pod, feasible)
	if !status.IsSuccess() {
		t.Fatal(status)
	}
	for _, s := range scores {
		o.scores[s.Name] = s.TotalScore
	}
	return o
}

// soon bounds what should take a moment; it is generous for busy machines and the race detector.
const soon = 30 * time.Second
