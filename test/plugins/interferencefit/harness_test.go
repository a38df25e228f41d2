// Package interferencefit_test runs the plugin InterferenceFit inside kube-scheduler's own framework runtime, on its own snapshots.
package interferencefit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
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
	"github.com/ballast-k8s/ballast/test/handmodel"
)

// modelServer is the part of the API server that serves interference models: lists, and watches that deliver changes.
type modelServer struct {
	*httptest.Server
	mu       sync.Mutex
	models   map[string]*v1alpha1.InterferenceModel // nil map: the CRD is not installed
	silent   bool                                   // it takes requests and does not answer
	version  int
	watchers map[chan string]string // by the name they watch
}

func newModelServer(t testing.TB) *modelServer {
	t.Helper()
	s := &modelServer{models: map[string]*v1alpha1.InterferenceModel{}, watchers: map[chan string]string{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *modelServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	name := strings.TrimPrefix(query.Get("fieldSelector"), "metadata.name=")
	s.mu.Lock()
	if s.silent {
		s.mu.Unlock()
		<-r.Context().Done()
		return
	}
	if s.models == nil || r.URL.Path != "/apis/ballast.dev/v1alpha1/interferencemodels" {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case query.Get("sendInitialEvents") != "":
		s.mu.Unlock()
		http.Error(w, "no streaming lists here", http.StatusBadRequest)
	case query.Get("watch") == "true":
		changes := make(chan string, 100)
		s.watchers[changes] = name
		if m := s.models[name]; m != nil && newer(m.ResourceVersion, query.Get("resourceVersion")) {
			changes <- change("MODIFIED", m) // since the list that the watch goes on from
		}
		s.mu.Unlock()
		s.stream(w, r, changes)
	default:
		list := v1alpha1.InterferenceModelList{TypeMeta: metav1.TypeMeta{APIVersion: "ballast.dev/v1alpha1", Kind: "InterferenceModelList"}}
		list.ResourceVersion = fmt.Sprint(s.version)
		if m := s.models[name]; m != nil {
			list.Items = append(list.Items, *m)
		}
		s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(list)
	}
}

// stream passes changes on until the watch ends.
func (s *modelServer) stream(w http.ResponseWriter, r *http.Request, changes chan string) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, changes)
	}()
	w.WriteHeader(http.StatusOK)
	for {
		w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's own writer
		select {
		case change := <-changes:
			fmt.Fprintln(w, change)
		case <-r.Context().Done():
			return
		}
	}
}

// newer compares two versions of this server, which are numbers; an empty one is 0.
func newer(a, b string) bool {
	x, _ := strconv.Atoi(a)
	y, _ := strconv.Atoi(b)
	return x > y
}

// change is a line of a watch.
func change(kind string, im *v1alpha1.InterferenceModel) string {
	line, err := json.Marshal(map[string]any{"type": kind, "object": im})
	if err != nil {
		panic(err) // of a type that is made to be written so
	}
	return string(line)
}

// publish stores a model of the given classes and tells the watchers.
func (s *modelServer) publish(t testing.TB, name string, at time.Time, classes ...handmodel.Class) *v1alpha1.InterferenceModel {
	t.Helper()
	m, err := handmodel.New(classes...)
	if err != nil {
		t.Fatal(err)
	}
	im, err := v1alpha1.NewInterferenceModel(name, m, metav1.NewTime(at))
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := "MODIFIED"
	if s.models[name] == nil {
		kind = "ADDED"
	}
	s.version++
	im.ResourceVersion = fmt.Sprint(s.version)
	s.models[name] = im
	for w, watched := range s.watchers {
		if watched == name {
			w <- change(kind, im)
		}
	}
	return im
}

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
	server   *modelServer
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
	}, configuration(s), frameworkruntime.WithKubeConfig(&rest.Config{Host: s.server.URL, QPS: -1}),
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

// eventually waits for a condition that changes behind the API.
func eventually(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen within %v", what, within)
		}
	}
}
