// Package allocation decides what a node gives to its pods, as the kubelet does. It follows pkg/kubelet/allocation of Kubernetes v1.36.3, for
// CPU, memory and the number of pods: what is allocated on a node never exceeds what it offers; a resize that does not fit waits with the
// condition PodResizePending and is tried again whenever the caller says that something may have become free. There is no reason Infeasible
// here: that kubelet has it only with the static CPU or memory manager and with swap, not for a resize larger than the node.
//
// CPU is in millicores, memory in bytes. Nothing here reads the clock or talks to anybody.
package allocation

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	resourcehelper "k8s.io/component-helpers/resource"
)

// Node is what a kubelet knows of its node: what it has given to whom, and whose resize waits. Make one with New; it is not safe for
// concurrent use.
type Node struct {
	allocatable Amount
	maxPods     int
	pods        map[types.UID]*Grant
	pending     []*Grant
}

// Amount is CPU in millicores and memory in bytes.
type Amount struct{ MilliCPU, Memory int64 }

// Grant is what a pod was given. Only the Node that made it changes it.
type Grant struct {
	// Pod is the object as last seen.
	Pod *v1.Pod
	// Containers is what is allocated, by name.
	Containers map[string]v1.ResourceRequirements
	// Waits is the condition PodResizePending, nil without one.
	Waits *v1.PodCondition
}

// New reads what a node offers. Without a number of pods, any number fits.
func New(object *v1.Node) *Node {
	list := object.Status.Allocatable
	pods := list.Pods().Value()
	if pods == 0 {
		pods = math.MaxInt32
	}
	return &Node{
		allocatable: Amount{list.Cpu().MilliValue(), list.Memory().Value()}, maxPods: int(pods), pods: map[types.UID]*Grant{},
	}
}

// Allocatable is what the node's pods may request.
func (n *Node) Allocatable() Amount { return n.allocatable }

// Len returns the number of pods.
func (n *Node) Len() int { return len(n.pods) }

// Pending returns those whose resize waits, in the order in which they are tried.
func (n *Node) Pending() []*Grant { return slices.Clone(n.pending) }

// Shortage is why a pod has no room, in the kubelet's words: Reason is for a pod's status, such as OutOfcpu.
type Shortage struct{ Reason, Message string }

// Admit takes a pod in, or says why there is no room.
func (n *Node) Admit(pod *v1.Pod) (*Grant, *Shortage) {
	if short := n.short(pod); short != nil {
		return nil, short
	}
	g := &Grant{Pod: pod, Containers: map[string]v1.ResourceRequirements{}}
	g.take(pod)
	n.pods[pod.UID] = g
	return g, nil
}

// Release forgets a pod.
func (n *Node) Release(uid types.UID) {
	delete(n.pods, uid)
	n.pending = slices.DeleteFunc(n.pending, func(g *Grant) bool { return g.Pod.UID == uid })
}

// Update notes what a pod wants now. A change of what is wanted has to wait in the queue until Retry comes to it.
func (n *Node) Update(g *Grant, pod *v1.Pod) {
	g.Pod = pod
	if !g.differs() {
		g.Waits = nil
		n.pending = slices.DeleteFunc(n.pending, func(other *Grant) bool { return other == g })
		return
	}
	if !slices.Contains(n.pending, g) {
		n.pending = append(n.pending, g)
		n.sortPending()
	}
}

// Retry gives those who wait what there is room for now, one after the other, and again as long as that makes room. It returns those whose
// resize was applied, and those that wait for a new reason.
func (n *Node) Retry(now time.Time) (applied, deferred []*Grant) {
	for again := true; again; {
		again = false
		var still []*Grant
		for _, g := range n.pending {
			before := g.Requests()
			short := n.short(g.Pod)
			if short != nil {
				if g.wait(short.Message, now) {
					deferred = append(deferred, g)
				}
				still = append(still, g)
				continue
			}
			g.take(g.Pod)
			g.Waits = nil
			applied = append(applied, g)
			after := g.Requests()
			again = again || after.MilliCPU < before.MilliCPU || after.Memory < before.Memory
		}
		n.pending = still
		again = again && len(still) > 0
	}
	return applied, deferred
}

// short says what a pod lacks to get what its object wants beside what the others were given, nil if nothing. The order and the
// words are those of the scheduler's NodeResourcesFit, which the kubelet asks.
func (n *Node) short(pod *v1.Pod) *Shortage {
	others := 0
	var used Amount
	for uid, g := range n.pods {
		if uid != pod.UID {
			others++
			used = used.plus(g.Requests())
		}
	}
	want := Requests(pod)
	switch {
	case others+1 > n.maxPods:
		return insufficient(v1.ResourcePods, "OutOfpods", 1, int64(others), int64(n.maxPods))
	case want.MilliCPU > 0 && want.MilliCPU > n.allocatable.MilliCPU-used.MilliCPU:
		return insufficient(v1.ResourceCPU, "OutOfcpu", want.MilliCPU, used.MilliCPU, n.allocatable.MilliCPU)
	case want.Memory > 0 && want.Memory > n.allocatable.Memory-used.Memory:
		return insufficient(v1.ResourceMemory, "OutOfmemory", want.Memory, used.Memory, n.allocatable.Memory)
	}
	return nil
}

func insufficient(name v1.ResourceName, reason string, requested, used, capacity int64) *Shortage {
	return &Shortage{reason, fmt.Sprintf("Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d", name, requested, used, capacity)}
}

// sortPending is the kubelet's order: resizes that increase nothing, then by priority, then guaranteed before others, then by how
// long they wait.
func (n *Node) sortPending() {
	rank := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(n.pending, func(a, b *Grant) int {
		return cmp.Or(
			rank(!a.increases())-rank(!b.increases()),
			cmp.Compare(priority(b.Pod), priority(a.Pod)),
			rank(a.Pod.Status.QOSClass == v1.PodQOSGuaranteed)-rank(b.Pod.Status.QOSClass == v1.PodQOSGuaranteed),
			a.compareWait(b),
		)
	})
}

// compareWait puts who waits longer first, who does not yet wait last.
func (g *Grant) compareWait(other *Grant) int {
	switch {
	case g.Waits == nil && other.Waits == nil:
		return 0
	case g.Waits == nil:
		return 1
	case other.Waits == nil:
		return -1
	}
	return g.Waits.LastTransitionTime.Compare(other.Waits.LastTransitionTime.Time)
}

// wait sets the condition PodResizePending and says whether its reason is new. Every reason that is not Infeasible is Deferred
// (status manager, SetPodResizePendingCondition); a node without the static CPU manager and without swap knows no other.
func (g *Grant) wait(message string, now time.Time) bool {
	generation := g.Pod.Generation
	if w := g.Waits; w != nil && w.Message == message && w.ObservedGeneration == generation {
		return false
	}
	at := metav1.NewTime(now).Rfc3339Copy()
	isNew := g.Waits == nil || g.Waits.ObservedGeneration != generation
	condition := &v1.PodCondition{
		Type: v1.PodResizePending, Status: v1.ConditionTrue, Reason: v1.PodReasonDeferred, Message: message,
		ObservedGeneration: generation, LastProbeTime: at, LastTransitionTime: at,
	}
	if g.Waits != nil {
		condition.LastTransitionTime = g.Waits.LastTransitionTime
	}
	g.Waits = condition
	return isNew
}

// take makes what the object wants the allocation.
func (g *Grant) take(pod *v1.Pod) {
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		g.Containers[c.Name] = *c.Resources.DeepCopy()
	}
}

// differs says whether the object wants something else than what is allocated.
func (g *Grant) differs() bool {
	for i := range g.Pod.Spec.Containers {
		c := &g.Pod.Spec.Containers[i]
		if !apiequality.Semantic.DeepEqual(c.Resources, g.Containers[c.Name]) {
			return true
		}
	}
	return false
}

func (g *Grant) increases() bool {
	want, has := Requests(g.Pod), g.Requests()
	return want.MilliCPU > has.MilliCPU || want.Memory > has.Memory
}

// allocated is the object with what is allocated in place of what it wants.
func (g *Grant) allocated() *v1.Pod {
	if !g.differs() {
		return g.Pod
	}
	pod := g.Pod.DeepCopy()
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		c.Resources = g.Containers[c.Name]
	}
	return pod
}

// Requests is what is allocated.
func (g *Grant) Requests() Amount { return Requests(g.allocated()) }

// LimitCores is the CPU limit that is allocated, 0 unless all containers have one: only then has the pod's own cgroup a limit. The
// kubelet sets no quota below minLimitCores.
func (g *Grant) LimitCores() float64 {
	const minLimitCores = 0.01
	var milli int64
	for _, c := range g.Containers {
		limit := c.Limits.Cpu().MilliValue()
		if limit == 0 {
			return 0
		}
		milli += limit
	}
	return max(minLimitCores, Amount{MilliCPU: milli}.Cores())
}

// Requests is what the scheduler and the kubelet count for a pod.
func Requests(pod *v1.Pod) Amount {
	list := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	return Amount{list.Cpu().MilliValue(), list.Memory().Value()}
}

func (a Amount) plus(b Amount) Amount { return Amount{a.MilliCPU + b.MilliCPU, a.Memory + b.Memory} }

func priority(pod *v1.Pod) int32 {
	if pod.Spec.Priority == nil {
		return 0
	}
	return *pod.Spec.Priority
}

// Cores is CPU in cores.
func (a Amount) Cores() float64 {
	const milliPerCore = 1000
	return float64(a.MilliCPU) / milliPerCore
}
