// Package jointplacement_test runs the plugin JointPlacement inside a whole kube-scheduler: its real queue, cycles and plugins, on an
// API server that is a fake clientset for core objects and a small HTTP server for the rest.
package jointplacement_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"k8s.io/component-base/metrics"
	"k8s.io/klog/v2/ktesting"
	"k8s.io/kubernetes/pkg/scheduler"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/jointplacement"
	"github.com/ballast-k8s/ballast/test/handmodel"
	"github.com/ballast-k8s/ballast/test/plugins/pluginsuite"
)

func TestMain(m *testing.M) { os.Exit(pluginsuite.Run(m)) }

// world is one scheduler on one cluster.
type world struct {
	client   *fake.Clientset
	server   *server
	nodes    corelisters.NodeLister // as the plugin sees them
	recorder *events.FakeRecorder
	registry metrics.KubeRegistry
	sched    *scheduler.Scheduler
	leading  atomic.Bool
	run      func() // starts to schedule
}

var load = pluginsuite.Loader(jointplacement.AddToScheme)

const header = pluginsuite.Header + "  plugins: {multiPoint: {enabled: [{name: JointPlacement}]}}\n"

// hasty is a second profile.
const hasty = `
- schedulerName: b
  plugins: {multiPoint: {enabled: [{name: JointPlacement}]}}
  pluginConfig: [{name: JointPlacement, args: {window: 200ms}}]
`

// newWorld makes a scheduler with the plugin beside the stock ones. args are those of the plugin, in YAML. It schedules from the
// start; later if a test says so.
func newWorld(t testing.TB, args string, objects ...runtime.Object) *world {
	t.Helper()
	w := idleWorld(t, args, objects...)
	w.run()
	return w
}

func idleWorld(t testing.TB, args string, objects ...runtime.Object) *world {
	t.Helper()
	_, ctx := ktesting.NewTestContext(t)
	ctx, cancel := context.WithCancel(ctx)
	w := &world{client: fake.NewClientset(objects...), recorder: events.NewFakeRecorder(10_000), registry: metrics.NewKubeRegistry()}
	w.leading.Store(true)
	w.bind()
	w.server = newServer(w.client)
	w.server.models.Publish(t, "default", time.Now(), handmodel.Trio()...)
	cfg, err := load(t, header+"  pluginConfig: [{name: JointPlacement, args: {"+args+"}}]\n"+hasty)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	m := jointplacement.NewMetrics()
	w.registry.MustRegister(m.Collectors()...)
	factory := informers.NewSharedInformerFactory(w.client, 0)
	w.sched, err = scheduler.New(ctx, w.client, factory, nil,
		func(string) events.EventRecorderLogger { return w.recorder },
		scheduler.WithProfiles(cfg.Profiles...), scheduler.WithKubeConfig(pluginsuite.Serve(t, w.server)),
		scheduler.WithFrameworkOutOfTreeRegistry(frameworkruntime.Registry{
			jointplacement.Name: jointplacement.Factory(m, w.leading.Load),
		}))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	w.nodes = factory.Core().V1().Nodes().Lister()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if err := w.sched.WaitForHandlersSync(ctx); err != nil {
		t.Error(err)
	}
	var running sync.WaitGroup
	w.run = func() { running.Go(func() { w.sched.Run(ctx) }) }
	t.Cleanup(func() {
		cancel()
		running.Wait()
		for _, p := range w.sched.Profiles {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		factory.Shutdown()
	})
	return w
}

// bind makes the clientset do what the API server does with a binding.
func (w *world) bind() {
	w.client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		create, ok := action.(clienttesting.CreateAction)
		if !ok || action.GetSubresource() != "binding" {
			return false, nil, nil
		}
		binding, ok := create.GetObject().(*v1.Binding)
		if !ok {
			return true, nil, fmt.Errorf("got a %T", create.GetObject())
		}
		obj, err := w.client.Tracker().Get(action.GetResource(), action.GetNamespace(), binding.Name)
		if err != nil {
			return true, nil, err
		}
		pod, ok := obj.DeepCopyObject().(*v1.Pod)
		if !ok || pod.Spec.NodeName != "" {
			return true, nil, apierrors.NewConflict(v1.Resource("pods"), binding.Name, fmt.Errorf("is bound"))
		}
		pod.Spec.NodeName, pod.Status.NominatedNodeName = binding.Target.Name, ""
		return true, binding, w.client.Tracker().Update(action.GetResource(), pod, action.GetNamespace())
	})
}

// node is a node of so many places for pods.
func node(name string, places int) *v1.Node {
	return st.MakeNode().Name(name).Label("kubernetes.io/hostname", name).Capacity(map[v1.ResourceName]string{
		v1.ResourceCPU: fmt.Sprint(places), v1.ResourceMemory: "64Gi", v1.ResourcePods: "110",
	}).Obj()
}

// pod is a pod of a class that takes one place; node "" if it waits.
func pod(name, class, node string) *st.PodWrapper {
	return st.MakePod().Namespace("default").Name(name).UID(name).Label(v1alpha1.ClassLabel, class).Node(node).SchedulerName("a").
		Req(map[v1.ResourceName]string{v1.ResourceCPU: "1"})
}

// light is a pod of a class that takes no place.
func light(name, class string) *st.PodWrapper {
	return st.MakePod().Namespace("default").Name(name).UID(name).Label(v1alpha1.ClassLabel, class).SchedulerName("a")
}

func (w *world) create(t testing.TB, pods ...*st.PodWrapper) {
	t.Helper()
	for _, p := range pods {
		if _, err := w.client.CoreV1().Pods("default").Create(t.Context(), p.Obj(), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// gather makes pods while nobody leads, and schedules once all that are not bound are held: then they are planned together, however
// long it took to make them.
func (w *world) gather(t testing.TB, pods ...*st.PodWrapper) {
	t.Helper()
	w.leading.Store(false)
	w.create(t, pods...)
	waiting := 0
	for _, p := range pods {
		if p.Obj().Spec.NodeName == "" {
			waiting++
		}
	}
	pluginsuite.Eventually(t, soon, "count of held pods", func() bool { return w.metric(t, "pods_held", nil) == float64(waiting) })
	w.leading.Store(true)
	w.run()
}

// nodeOf returns where a pod is, "" if nowhere.
func (w *world) nodeOf(t testing.TB, name string) string {
	t.Helper()
	p, err := w.client.CoreV1().Pods("default").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p.Spec.NodeName
}

// awaitNodes waits until the pods are placed and returns what is where.
func (w *world) awaitNodes(t testing.TB, within time.Duration, names ...string) map[string]string {
	t.Helper()
	at := map[string]string{}
	pluginsuite.Eventually(t, within, "placing of "+strings.Join(names, ", "), func() bool {
		for _, name := range names {
			if at[name] = w.nodeOf(t, name); at[name] == "" {
				return false
			}
		}
		return true
	})
	return at
}

// held checks that pods stay without a node for as long as a pod that is not held takes to be placed, ten times over.
func (w *world) held(t testing.TB, names ...string) {
	t.Helper()
	for i := range 10 {
		free := fmt.Sprintf("free-%s-%d", names[0], i)
		w.create(t, light(free, "mystery"))
		w.awaitNodes(t, soon, free)
	}
	for _, name := range names {
		if at := w.nodeOf(t, name); at != "" {
			t.Errorf("pod %s is not held: it is on %s", name, at)
		}
	}
}

// soon bounds what should take a moment; it is generous for busy machines and the race detector.
const soon = time.Minute

// metric sums up the samples of one of the plugin's metrics that carry the labels; of a histogram, the number of observations.
func (w *world) metric(t testing.TB, name string, labels map[string]string) float64 {
	t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != "scheduler_jointplacement_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			have := map[string]string{}
			for _, l := range m.GetLabel() {
				have[l.GetName()] = l.GetValue()
			}
			match := true
			for k, v := range labels {
				match = match && have[k] == v
			}
			if match {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// told drains the events so far.
func (w *world) told() string {
	var all []string
	for {
		select {
		case e := <-w.recorder.Events:
			all = append(all, e)
		default:
			return strings.Join(all, "\n")
		}
	}
}
