package eviction

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Options are what Run works with.
type Options struct {
	Kube kubernetes.Interface
	// Objects reads NodeIsolation objects.
	Objects dynamic.Interface
	// Mode is that of the switch.
	Mode   func() v1alpha1.Mode
	Limits Limits
	// Metrics are those of NewMetrics.
	Metrics Metrics
}

const (
	// every is the time between two looks at the requests.
	every = 5 * time.Second
	// firstRetry is the time after a try that failed, doubled with each.
	firstRetry = 5 * time.Second
	// patience bounds one try. Where the controller of disruption budgets has not seen one yet, the API server asks to come again after 10 s,
	// and the client does so by itself.
	patience = 30 * time.Second
	// maxLooks is how many requests the API server is asked about in one pass: the rounds speak to it by the same client, at 5 calls a second.
	maxLooks = 8
)

// Run evicts what nodes ask for, as the package says, until the context ends. Only one process of the cluster may run it.
func Run(ctx context.Context, o Options) {
	voice, silence := newVoice(ctx, o)
	defer silence()
	e := &evictor{Options: o, voice: voice, requests: newRequests(o.Objects), budget: NewBudget(o.Limits, time.Now()), known: map[string]*progress{}}
	var following sync.WaitGroup
	following.Go(func() { e.requests.Run(ctx) })
	defer following.Wait()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			e.pass(ctx)
		}
	}
}

// evictor is one run.
type evictor struct {
	Options
	voice    *voice
	requests requests
	budget   *Budget
	known    map[string]*progress // by node
}

// progress is how far a node's request has come.
type progress struct {
	asked
	// alive says that it was seen within its life: one that was void already when this leader began is no news.
	alive bool
	// done requests are not looked at again, others not before next. tries are those that failed.
	done  bool
	next  time.Time
	tries int
	// paid says that the budget was charged. The answer of a try may get lost.
	paid bool
	// told is what was told of it last.
	told Decision
}

// same says whether a request is the one that is known.
func (p *progress) same(r v1alpha1.EvictionRequest) bool {
	return p.request.Namespace == r.Namespace && p.request.Pod == r.Pod && p.request.UID == r.UID && p.request.Time.Equal(&r.Time)
}

// pass looks at all requests once. While the switch is off it looks at none.
func (e *evictor) pass(ctx context.Context) {
	if e.Mode() == v1alpha1.Off {
		return
	}
	before, looks := e.known, 0
	e.known = make(map[string]*progress, len(before))
	for _, a := range e.requests.list() {
		p := before[a.node]
		if p == nil || !p.same(a.request) {
			p = &progress{asked: a}
		}
		e.known[a.node] = p
		if p.done || time.Now().Before(p.next) || looks == maxLooks || ctx.Err() != nil || !e.due(ctx, p) {
			continue
		}
		e.attend(ctx, p)
		looks++
	}
}

// due says whether the API server is to be asked about a request now, by what is known without it.
func (e *evictor) due(ctx context.Context, p *progress) bool {
	now := time.Now()
	if now.Sub(p.request.Time.Time) > maxRequest {
		p.done = true
		switch {
		case p.alive:
			e.tell(ctx, p, Decision{Expired, fmt.Sprintf("the request is older than %s; %s", maxRequest, p.told.Why)})
		case p.request.Time.After(e.budget.since):
			e.tell(ctx, p, Decision{Expired, fmt.Sprintf("the request was older than %s when it was seen first: the switch was off, the API server "+
				"away, or the node's clock is behind the control plane's", maxRequest)})
		}
		return false
	}
	p.alive = true
	if why := e.budget.Refuses(p.node, now); why != "" && !p.paid && e.Mode() == v1alpha1.Active {
		e.tell(ctx, p, Decision{Waiting, why})
		return false
	}
	return true
}

// attend takes one request a step further.
func (e *evictor) attend(ctx context.Context, p *progress) {
	node, pod, err := e.look(ctx, p.node)
	switch {
	case err != nil:
		e.again(ctx, p, Decision{Failed, err.Error()})
		return
	case node.Status.Control == nil || node.Status.Control.Evict == nil || !p.same(*node.Status.Control.Evict):
		return // there is a newer one, which the watch will bring
	}
	d := Judge(Question{Now: time.Now(), Mode: e.Mode(), Node: node, Pod: pod})
	if d.Outcome == Permitted {
		d = e.evict(ctx, p, pod)
	}
	if d.Outcome == Gone && p.paid {
		d = Decision{Evicted, "the API server took it, though its answer was lost"}
	}
	switch d.Outcome {
	case Disruption, Failed:
		e.again(ctx, p, d)
	default:
		p.done = true
		e.tell(ctx, p, d)
	}
}

// again tells what failed, and tries it later.
func (e *evictor) again(ctx context.Context, p *progress, d Decision) {
	p.next = time.Now().Add(firstRetry << p.tries)
	p.tries++
	e.tell(ctx, p, d)
}

// look reads the object of a node and the pod that it asks for, as they are now. The pod is nil where there is none, or no request for one.
func (e *evictor) look(ctx context.Context, name string) (*v1alpha1.NodeIsolation, *corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	u, err := e.Objects.Resource(v1alpha1.NodeIsolations).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("reading NodeIsolation %s: %w", name, err)
	}
	node := &v1alpha1.NodeIsolation{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, node); err != nil {
		return nil, nil, fmt.Errorf("reading NodeIsolation %s: %w", name, err)
	}
	request, why := Ask(node)
	if why != "" {
		return node, nil, nil // Judge says so
	}
	pod, err := e.Kube.CoreV1().Pods(request.Namespace).Get(ctx, request.Pod, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return node, nil, nil
	case err != nil:
		return node, nil, fmt.Errorf("reading pod %s: %w", named(request), err)
	}
	return node, pod, nil
}

// evict asks the API server, and charges the budget if it did, or may have done, what it was asked.
func (e *evictor) evict(ctx context.Context, p *progress, pod *corev1.Pod) Decision {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := e.Kube.PolicyV1().Evictions(pod.Namespace).Evict(ctx, &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(pod.UID))},
	})
	if (err == nil || lost(err)) && !p.paid {
		p.paid = true
		e.budget.Spend(p.node, time.Now())
	}
	switch {
	case err == nil:
		return Decision{Evicted, "the API server took it"}
	case apierrors.HasStatusCause(err, policyv1.DisruptionBudgetCause):
		return Decision{Disruption, err.Error()}
	case apierrors.IsForbidden(err):
		return Decision{Forbidden, err.Error()}
	case apierrors.IsNotFound(err):
		return Decision{Gone, err.Error()}
	}
	return Decision{Failed, err.Error()} // a conflict is of another pod of that name: the next look finds it
}

// lost says whether an error leaves open if the API server did what it was asked: there was no answer, or one that time ran out, the API
// server's own or that of what stands before it.
func lost(err error) bool {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return true
	}
	return apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || answer.Status().Code == http.StatusBadGateway
}
