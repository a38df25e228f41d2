package loop

import (
	"cmp"
	"fmt"
	"maps"
	"time"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control"
)

// evictEvery is the least time between two requests: the law's own cool-down, which a law that is made anew does not remember.
const evictEvery = 5 * time.Minute

// mostFruitless is after how many requests in a row without any recovery nobody else is asked to go: batch was not what the service waits for.
const mostFruitless = 3

// evicts says whether the last step may be taken. It may not while CPU limits cannot be written, such as in the first second after a restart: then
// batch has not been at its minimum, whatever the law's other knobs are at.
func evicts(in *Input) bool {
	return in.Spec.Control.Eviction == v1alpha1.EvictionLastStep && in.NoLimits == ""
}

// evict names the batch pod that uses most CPU, by name where several use as much, where the law asks for it. It is asked for where the loop
// acts, else only shown.
func (l *Loop) evict(in *Input, d *control.Decision, out *Outcome) {
	if l.evicted != nil && in.Now.Sub(l.evicted.Time.Time) < evictEvery {
		return
	}
	if in.Refused != "" {
		l.say(in, d, out, d.Action+"; but nobody, as batch is not at its minimum: "+in.Refused)
		return
	}
	pod := l.next()
	if pod == nil {
		l.say(in, d, out, d.Action+"; but no batch pod is seen")
		return
	}
	if l.fruitless >= mostFruitless {
		l.say(in, d, out, fmt.Sprintf("%s; but nobody: after %d requests no set-point was met for a moment", d.Action, l.fruitless))
		return
	}
	why := fmt.Sprintf("%s: %s", d.Action, pod)
	if out.Acts {
		l.fruitless++
		out.Asked = true
		l.asked[pod.uid] = true
		l.evicted = &v1alpha1.EvictionRequest{Namespace: pod.namespace, Pod: pod.name, UID: pod.uid, Why: cut(why), Time: *seconds(in.Now)}
	}
	l.say(in, d, out, why)
}

// batchPod is a pod of batch's with what it uses.
type batchPod struct {
	namespace, name, uid string
	cores                float64
}

func (p *batchPod) String() string {
	return fmt.Sprintf("%s/%s, which uses %.2f cores", p.namespace, p.name, p.cores)
}

// threat is what an emergency that is only shown could end in: batch never comes to its minimum there, so that the law never asks; empty: nothing.
func (l *Loop) threat(d *control.Decision, out *Outcome) string {
	if out.Acts || d.Kind != control.Emergency || !l.params.EvictBatch {
		return ""
	}
	pod := l.next()
	if pod == nil {
		return ""
	}
	return "; if that were not enough, would ask for the eviction of " + pod.String()
}

// next is the pod to ask for. One that was asked for and is still here is protected, by a budget of disruption or as a daemon's: then the next
// largest is asked for, and all again once none is left.
func (l *Loop) next() *batchPod {
	pods := l.pods()
	maps.DeleteFunc(l.asked, func(uid string, _ bool) bool { return pods[uid] == nil })
	if len(l.asked) == len(pods) {
		clear(l.asked)
	}
	maps.DeleteFunc(pods, func(uid string, _ *batchPod) bool { return l.asked[uid] })
	return largest(pods)
}

// pods are those of batch's by UID.
func (l *Loop) pods() map[string]*batchPod {
	pods := map[string]*batchPod{}
	for i := range l.members {
		m := &l.members[i]
		if m.partition != l.batch || m.uid == "" {
			continue
		}
		p := pods[m.uid]
		if p == nil {
			p = &batchPod{namespace: m.key.Namespace, name: m.key.Pod, uid: m.uid}
			pods[m.uid] = p
		}
		p.cores += value(m.reading.Cores)
	}
	return pods
}

// largest is the pod that uses most CPU; nil: there is none.
func largest(pods map[string]*batchPod) *batchPod {
	var most *batchPod
	for _, p := range pods {
		if most == nil || cmp.Or(cmp.Compare(most.cores, p.cores), cmp.Compare(p.namespace, most.namespace), cmp.Compare(p.name, most.name),
			cmp.Compare(p.uid, most.uid)) < 0 {
			most = p
		}
	}
	return most
}
