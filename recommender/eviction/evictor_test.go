package eviction

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
)

// world is an API server that one evictor speaks to.
type world struct {
	t       *testing.T
	ctx     context.Context
	kube    *fake.Clientset
	objects *dynamicfake.FakeDynamicClient
	events  *record.FakeRecorder
	logged  ktesting.Buffer
	mode    v1alpha1.Mode
	e       *evictor
	// answers are those to the next evictions, nil for yes; evicted are the pods for which it was yes.
	answers []error
	evicted []string
	tries   int
}

// newWorld is one whose leader has led for as long as a budget wants.
func newWorld(t *testing.T) *world {
	w := &world{t: t, kube: fake.NewClientset(), events: record.NewFakeRecorder(1000), mode: v1alpha1.Active}
	logger := ktesting.NewLogger(t, ktesting.NewConfig(ktesting.BufferLogs(true), ktesting.Verbosity(2))) // Run logs from two goroutines
	w.ctx, w.logged = klog.NewContext(t.Context(), logger), logger.GetSink().(ktesting.Underlier).GetBuffer()
	w.objects = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{v1alpha1.NodeIsolations: "NodeIsolationList"})
	w.kube.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.GetSubresource() != "eviction" {
			return false, nil, nil
		}
		w.tries++
		wish := a.(clienttesting.CreateAction).GetObject().(*policyv1.Eviction)
		if uid := wish.DeleteOptions.Preconditions.UID; uid == nil || *uid == "" {
			t.Errorf("an eviction without UID: %+v", wish)
		}
		var err error
		if len(w.answers) > 0 {
			err, w.answers = w.answers[0], w.answers[1:]
		}
		if err == nil {
			w.evicted = append(w.evicted, wish.Namespace+"/"+wish.Name)
			err = w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), wish.Namespace, wish.Name)
		}
		return true, nil, err
	})
	o := Options{
		Kube: w.kube, Objects: w.objects, Mode: func() v1alpha1.Mode { return w.mode }, Metrics: NewMetrics("x"),
		Limits: Limits{PerNode: PerNode, Window: Window, InWindow: 1},
	}
	w.e = &evictor{
		Options: o, voice: &voice{metrics: o.Metrics, events: w.events}, requests: newRequests(w.objects),
		budget: NewBudget(o.Limits, time.Now().Add(-PerNode)), known: map[string]*progress{},
	}
	return w
}

// ask puts a pod onto a node, and has the node's agent ask for its eviction now.
func (w *world) ask(node, pod string, change func(*Question)) {
	w.t.Helper()
	q := holds(time.Now())
	move(&q, "jobs", pod)
	q.Node.Name, q.Pod.Spec.NodeName, q.Node.Status.Control.Evict.Time = node, node, metav1.Now()
	if change != nil {
		change(&q)
	}
	if q.Pod != nil {
		if err := w.kube.Tracker().Add(q.Pod); err != nil {
			w.t.Fatal(err)
		}
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(q.Node)
	if err != nil {
		w.t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: content}
	if err := w.objects.Tracker().Create(v1alpha1.NodeIsolations, u.DeepCopy(), ""); apierrors.IsAlreadyExists(err) {
		err = w.objects.Tracker().Update(v1alpha1.NodeIsolations, u.DeepCopy(), "")
		if err != nil {
			w.t.Fatal(err)
		}
	}
	cut(u)
	if err := w.e.requests.store.Update(u); err != nil {
		w.t.Fatal(err)
	}
}

// run makes a pass each 5 seconds for so long, the first at once.
func (w *world) run(d time.Duration) {
	for end := time.Now().Add(d); ; time.Sleep(every) {
		w.e.pass(w.ctx)
		if !time.Now().Before(end) {
			return
		}
	}
}

// want compares the pods evicted, the tries, the counters but those of 0, and the events: how many of each reason, one after the other.
func (w *world) want(evicted string, tries int, counters map[Outcome]float64, reasons string) {
	w.t.Helper()
	synctest.Wait()
	if got := strings.Join(w.evicted, " "); got != evicted || w.tries != tries {
		w.t.Errorf("evicted %q in %d tries, want %q in %d", got, w.tries, evicted, tries)
	}
	got := map[Outcome]float64{}
	for _, o := range []Outcome{Permitted, Evicted, WouldEvict, Refused, Gone, Waiting, Disruption, Forbidden, Failed, Expired} {
		if n := testutil.ToFloat64(w.e.Metrics.WithLabelValues(string(o))); n > 0 {
			got[o] = n
		}
	}
	if diff := cmp.Diff(counters, got); diff != "" {
		w.t.Errorf("counters (-want +got):\n%s", diff)
	}
	var said []string
	for same := 1; len(w.events.Events) > 0; same++ {
		reason := strings.Fields(<-w.events.Events)[1]
		if last := len(said) - 1; last >= 0 && strings.HasSuffix(said[last], reason) {
			said = said[:last]
		} else {
			same = 1
		}
		said = append(said, fmt.Sprintf("%d %s", same, reason))
	}
	if got := strings.Join(said, ", "); got != reasons {
		w.t.Errorf("events %q, want %q", got, reasons)
	}
}

func TestEvicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ask("n1", "sort-1", nil)
		w.run(time.Minute)
		w.want("jobs/sort-1", 1, map[Outcome]float64{Evicted: 1}, "2 EvictedByBallast")
		if !strings.Contains(w.logged.String(), "Evicted a batch pod") {
			t.Errorf("logged %s", w.logged.String())
		}
	})
}

// The budgets: a node's next pod has to wait for 5 minutes, in which its request dies; of several nodes one is served in a minute, the
// oldest request first.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ask("n1", "sort-1", nil)
		time.Sleep(time.Second)
		w.ask("n3", "sort-3", nil)
		time.Sleep(time.Second)
		w.ask("n2", "sort-2", nil)
		time.Sleep(time.Second)
		w.run(55 * time.Second)
		w.want("jobs/sort-1", 1, map[Outcome]float64{Evicted: 1, Waiting: 2}, "2 EvictedByBallast")
		w.ask("n1", "sort-4", nil)
		w.run(70 * time.Second) // n1 was served at 3 s and n3 at 63 s; the turn of n2 at 123 s comes a second after its request's life, from 2 s on
		w.want("jobs/sort-1 jobs/sort-3", 2, map[Outcome]float64{Evicted: 2, Waiting: 3, Expired: 1}, "2 EvictedByBallast, 1 EvictionExpired")
		w.run(2 * time.Minute)
		w.want("jobs/sort-1 jobs/sort-3", 2, map[Outcome]float64{Evicted: 2, Waiting: 3, Expired: 2}, "1 EvictionExpired")
	})
}

// A budget of disruption refuses at 0, 5, 15 and 35 s and permits at 75 s.
func TestDisruptionBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		refusal := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
		refusal.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: policyv1.DisruptionBudgetCause, Message: "The disruption budget sort needs 1 healthy pods"}}
		w.answers = []error{refusal, refusal, refusal, refusal}
		w.ask("n1", "sort-1", nil)
		w.run(70 * time.Second)
		w.want("", 4, map[Outcome]float64{Disruption: 1}, "2 EvictionDelayed")
		w.run(5 * time.Second)
		w.want("jobs/sort-1", 5, map[Outcome]float64{Disruption: 1, Evicted: 1}, "2 EvictedByBallast")
	})
}

func TestDisruptionBudgetHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 20 {
			refusal := apierrors.NewTooManyRequests("no", 0)
			refusal.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: policyv1.DisruptionBudgetCause}}
			w.answers = append(w.answers, refusal)
		}
		w.ask("n1", "sort-1", nil)
		w.run(10 * time.Minute)
		w.want("", 5, map[Outcome]float64{Disruption: 1, Expired: 1}, "2 EvictionDelayed, 1 EvictionExpired")
	})
}

func TestShadowAndOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.mode = v1alpha1.Off
		w.ask("n1", "sort-1", nil)
		w.run(time.Minute)
		w.want("", 0, map[Outcome]float64{}, "")
		w.mode = v1alpha1.Shadow
		w.run(time.Minute)
		w.want("", 0, map[Outcome]float64{WouldEvict: 1}, "2 WouldEvict")
	})
}

// Without the right there is one line, whatever is asked, until it is there.
func TestForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 3 {
			w.answers = append(w.answers, apierrors.NewForbidden(corev1.Resource("pods"), "sort", errors.New(`cannot create resource "pods/eviction"`)))
		}
		for i := range 3 {
			w.ask(fmt.Sprintf("n%d", i), fmt.Sprintf("sort-%d", i), nil)
		}
		w.run(time.Minute)
		w.want("", 3, map[Outcome]float64{Forbidden: 3}, "3 EvictionForbidden")
		if n := strings.Count(w.logged.String(), "manifests/recommender/eviction"); n != 1 || strings.Count(w.logged.String(), "\n") != 1 {
			t.Errorf("%d lines about the right:\n%s", n, w.logged.String())
		}
		w.ask("n9", "sort-9", nil)
		w.run(time.Minute)
		w.want("jobs/sort-9", 4, map[Outcome]float64{Forbidden: 3, Evicted: 1}, "2 EvictedByBallast")
	})
}

// A refused request is told of once, on the node's object alone, and asks nothing of the API server any more.
func TestRefusedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ask("n1", "sort-1", func(q *Question) { q.Pod.Spec.NodeName = "n2" })
		w.ask("n2", "sort-2", func(q *Question) { q.Node.Spec.Control.Eviction = v1alpha1.EvictionNever })
		w.ask("n3", "sort-3", func(q *Question) { q.Pod = nil })
		w.run(time.Minute)
		w.want("", 0, map[Outcome]float64{Refused: 2, Gone: 1}, "2 EvictionRefused")
		if n := len(w.kube.Actions()); n != 2 { // the pods of n1 and n3
			t.Errorf("%d calls, want 2", n)
		}
	})
}

// What was void when the leader began is no news.
func TestVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ask("n1", "sort-1", nil)
		time.Sleep(maxRequest + time.Second)
		w.e.budget.since = time.Now()
		w.run(time.Minute)
		w.want("", 0, map[Outcome]float64{}, "")
	})
}

// A node whose clock is behind is never served, and that is said.
func TestClockBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ask("n1", "sort-1", nil)
		time.Sleep(maxRequest + time.Second)
		w.run(time.Minute)
		w.want("", 0, map[Outcome]float64{Expired: 1}, "1 EvictionExpired")
	})
}

// The answer to a try that worked gets lost: the budget is charged once, and the pod's absence is the answer.
func TestLostAnswer(t *testing.T) {
	for name, answer := range map[string]error{
		"none":                         errors.New("connection reset"),
		"the API server ran out of it": apierrors.NewTimeoutError("request did not complete within 60s", 0),
		"a load balancer's": apierrors.NewGenericServerResponse(http.StatusBadGateway, "create",
			schema.GroupResource{Resource: "pods"}, "sort-1", "", 0, true),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.answers = []error{answer}
				w.ask("n1", "sort-1", nil)
				w.run(0)
				w.want("", 1, map[Outcome]float64{Failed: 1}, "")
				if err := w.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), "jobs", "sort-1"); err != nil {
					t.Fatal(err)
				}
				w.ask("n2", "sort-2", nil)
				w.run(50 * time.Second)
				w.want("", 1, map[Outcome]float64{Failed: 1, Evicted: 1, Waiting: 1}, "2 EvictedByBallast")
			})
		})
	}
}

// An API server that fails is asked again.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers = []error{apierrors.NewInternalError(errors.New("more than one PodDisruptionBudget"))}
		w.ask("n1", "sort-1", nil)
		w.run(5 * time.Second)
		w.want("jobs/sort-1", 2, map[Outcome]float64{Failed: 1, Evicted: 1}, "2 EvictedByBallast")
	})
}

// A new request of the node takes the place of the old one, and the API server's object that of the one that was seen.
func TestNewerRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ask("n1", "sort-1", nil)
		stale := w.e.requests.list()
		time.Sleep(time.Second)
		w.ask("n1", "sort-2", nil)
		w.e.attend(w.ctx, &progress{asked: stale[0]})
		w.want("", 0, map[Outcome]float64{}, "")
		w.run(time.Minute)
		w.want("jobs/sort-2", 1, map[Outcome]float64{Evicted: 1}, "2 EvictedByBallast")
	})
}

// A leader that begins evicts nothing for 5 minutes; then a request that is renewed is served.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancel(w.ctx)
		ended := make(chan struct{})
		go func() { Run(ctx, w.e.Options); close(ended) }()
		w.ask("n1", "sort-1", nil)
		time.Sleep(4 * time.Minute)
		w.want("", 0, map[Outcome]float64{Waiting: 1, Expired: 1}, "")
		w.ask("n1", "sort-2", nil)
		time.Sleep(time.Minute + every)
		w.want("jobs/sort-2", 1, map[Outcome]float64{Waiting: 2, Expired: 1, Evicted: 1}, "")
		cancel()
		<-ended
		events, err := w.kube.CoreV1().Events("").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		about := map[string]string{}
		for _, e := range events.Items {
			about[e.InvolvedObject.Kind+" "+e.Reason] = e.Namespace + ": " + e.Message
		}
		for what, want := range map[string]string{
			"Pod EvictedByBallast":           "jobs: Evicted pod jobs/sort-2 from node n1, whose agent asked for it: shop/web waits 0.41 s a second",
			"NodeIsolation EvictedByBallast": "default: Evicted pod jobs/sort-2 from node n1",
			"NodeIsolation EvictionExpired":  "default: Pod jobs/sort-1 is not evicted: the request is older than 2m0s; this recommender leads since",
		} {
			if !strings.HasPrefix(about[what], want) {
				t.Errorf("%s: %q, want %q", what, about[what], want)
			}
		}
	})
}

// A recommender without node agents: where the type is not installed, or is removed, there are no requests, and that is an answer. While the
// API server is away those that were seen last stand.
func TestMissingType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var failure atomic.Pointer[error]
		fail := func(err error) { failure.Store(&err) }
		w.objects.PrependReactor("list", "nodeisolations", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, *failure.Load()
		})
		w.ask("n1", "sort-1", nil)
		ctx, cancel := context.WithCancel(w.ctx)
		ended := make(chan struct{})
		fail(errors.New("connection refused"))
		go func() { w.e.requests.Run(ctx); close(ended) }()
		time.Sleep(follow.Retry)
		synctest.Wait()
		select {
		case <-w.e.requests.Answered():
			t.Error("an API server that is away is an answer")
		default:
		}
		if n := len(w.e.requests.list()); n != 1 {
			t.Errorf("%d requests while the API server is away, want 1", n)
		}
		fail(apierrors.NewNotFound(v1alpha1.NodeIsolations.GroupResource(), ""))
		time.Sleep(2 * follow.Retry)
		synctest.Wait()
		select {
		case <-w.e.requests.Answered():
		default:
			t.Error("a type that is not installed is no answer")
		}
		if n := len(w.e.requests.list()); n != 0 {
			t.Errorf("%d requests without their type, want none", n)
		}
		cancel()
		<-ended
	})
}

func TestMessageIsBounded(t *testing.T) {
	p := &progress{asked: asked{node: "n1", request: v1alpha1.EvictionRequest{Namespace: "jobs", Pod: strings.Repeat("p", 253), Why: strings.Repeat("why\n", 256)}}}
	for _, o := range []Outcome{Evicted, Disruption, Refused} {
		if m := message(p, Decision{o, strings.Repeat("x", 2000)}); len(m) > maxMessage || strings.Contains(m, "\n") {
			t.Errorf("%s: a message of %d bytes: %s", o, len(m), m)
		}
	}
}
