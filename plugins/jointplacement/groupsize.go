package jointplacement

import (
	"context"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/podgroup"
)

// longestAsking is the time after which a step begins no more look-ups. With those under way, which podgroup bounds by as much, others wait for
// four of the ten seconds that the watchdog bears.
const longestAsking = 2 * time.Second

// ask looks up how many pods groups have at least, where nothing says so yet. Where the API server is slow each look-up takes all of its
// patience: so several are under way at once, the watchdog is told between them that the planner is alive, and those that there is no time
// for are looked up in the next steps.
func (p *JointPlacement) ask(ctx context.Context) {
	begun := p.clock.Now()
	for keys := range slices.Chunk(p.waiting.Unasked(begun), chunk) {
		if p.clock.Since(begun) >= longestAsking {
			return
		}
		p.breathe()
		p.waiting.Asked(keys, p.clock.Now())
		var asking sync.WaitGroup
		for _, key := range keys {
			asking.Go(func() { p.waiting.AtLeast(key, podgroup.Minimum(ctx, p.dynamic, key)) })
		}
		asking.Wait()
	}
}

// here counts the pods of a group that exist: those that wait, those that run, and those that are no business of ours. One that will wait
// counts once the queue has shown it: the lister knows it a moment earlier, and the group would be planned without it.
func (p *JointPlacement) here(c condition, key hold.Key) int {
	selector := labels.Everything()
	if key.By == hold.ByLabel {
		selector = labels.SelectorFromSet(labels.Set{hold.PodGroupLabel: key.Name})
	}
	pods, err := p.pods.Pods(key.Namespace).List(selector)
	if err != nil {
		return 0
	}
	n := 0
	for _, pod := range pods {
		if hold.KeyOf(pod) != key || pod.DeletionTimestamp != nil || pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed {
			continue
		}
		if p.waiting.Knows(pod.UID) || pod.Spec.SchedulerName != p.profile || pod.Status.NominatedNodeName != "" || !plannable(c, pod) {
			n++
		}
	}
	return n
}
