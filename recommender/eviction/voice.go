package eviction

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/election"
)

// voice is who tells what came of requests: to the log, in events and by metrics.
type voice struct {
	metrics Metrics
	events  record.EventRecorder
	// denied says that the last request for which it mattered was forbidden.
	denied bool
}

// newVoice returns a voice, and what ends it.
func newVoice(ctx context.Context, o Options) (*voice, func()) {
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: o.Kube.CoreV1().Events(metav1.NamespaceAll)})
	events := broadcaster.NewRecorder(runtime.NewScheme(), corev1.EventSource{Component: election.LeaseName})
	return &voice{metrics: o.Metrics, events: events}, broadcaster.Shutdown
}

// event is how an outcome is told of the node's object, beside the log.
type event struct {
	kind, reason string
	// pod says whether it is told of the pod as well. A refused request is not: the pod may be anybody's.
	pod bool
}

// The reason is not Evicted: VPA's recommender takes that for a kubelet's, for lack of memory.
var events = map[Outcome]event{
	Evicted:    {corev1.EventTypeNormal, "EvictedByBallast", true},
	WouldEvict: {corev1.EventTypeNormal, "WouldEvict", true},
	Disruption: {corev1.EventTypeNormal, "EvictionDelayed", true},
	Refused:    {corev1.EventTypeWarning, "EvictionRefused", false},
	Forbidden:  {corev1.EventTypeWarning, "EvictionForbidden", false},
	Expired:    {corev1.EventTypeWarning, "EvictionExpired", false},
}

// tell says what came of a request, unless that was said of it before.
func (e *evictor) tell(ctx context.Context, p *progress, d Decision) {
	last := p.told
	p.told = d
	if d.Outcome == last.Outcome {
		return
	}
	e.voice.metrics.WithLabelValues(string(d.Outcome)).Inc()
	e.voice.log(ctx, p, d)
	how, told := events[d.Outcome]
	if !told {
		return
	}
	message := message(p, d)
	e.voice.events.Event(&corev1.ObjectReference{
		APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "NodeIsolation", Name: p.node, UID: p.uid,
	}, how.kind, how.reason, message)
	if how.pod {
		e.voice.events.Event(&corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: p.request.Namespace, Name: p.request.Pod, UID: types.UID(p.request.UID),
		}, how.kind, how.reason, message)
	}
}

// log says it in one line. That the right is missing is said when it is missed first, and again only after an eviction came through.
func (v *voice) log(ctx context.Context, p *progress, d Decision) {
	logger := klog.FromContext(ctx).WithValues("node", p.node, "pod", klog.KRef(p.request.Namespace, p.request.Pod), "why", d.Why)
	switch d.Outcome {
	case Forbidden:
		if !v.denied {
			logger.Info("May not evict: kubectl apply -k manifests/recommender/eviction gives the right; until then no node's request is served")
		}
		v.denied = true
	case Evicted:
		v.denied = false
		logger.Info("Evicted a batch pod", "asked", sentence(p.request.Why, maxWhy))
	case Waiting, Gone:
		logger.V(2).Info("A request of eviction", "outcome", d.Outcome)
	default:
		logger.Info("A request of eviction", "outcome", d.Outcome, "asked", sentence(p.request.Why, maxWhy))
	}
}

// message is an event's: what was done, and in the agent's words what for.
func message(p *progress, d Decision) string {
	pod, asked := named(&p.request), sentence(p.request.Why, maxWhy)
	what := map[Outcome]string{
		Evicted:    fmt.Sprintf("Evicted pod %s from node %s, whose agent asked for it: %s", pod, p.node, asked),
		WouldEvict: fmt.Sprintf("Would evict pod %s from node %s, were the switch not in shadow. The agent asks for it: %s", pod, p.node, asked),
		Disruption: fmt.Sprintf("Pod %s is not evicted from node %s yet: %s. The agent asks for it: %s", pod, p.node, d.Why, asked),
	}[d.Outcome]
	if what == "" {
		what = fmt.Sprintf("Pod %s is not evicted: %s. The agent asked for it: %s", pod, d.Why, asked)
	}
	return sentence(what, maxMessage)
}
