package jointplacement_test

import (
	"fmt"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/hold"
	"github.com/ballast-k8s/ballast/test/plugins/pluginsuite"
)

func TestGroupOfKnownSize(t *testing.T) {
	w := newWorld(t, "window: 1m, maxWait: 1m", node("n1", 2), node("n2", 2))
	pods := four("batch")
	for i := range pods {
		pods[i] = pods[i].Annotation(v1alpha1.GroupSizeAnnotation, "4")
	}
	w.create(t, pods[:3]...)
	w.held(t, names(pods[:3])...)
	w.create(t, pods[3])
	at := w.awaitNodes(t, soon, names(pods)...) // far earlier than a window later
	mates(t, at, "l1", "l2")
}

func TestMinimumOfPodGroup(t *testing.T) {
	w := newWorld(t, "window: 200ms, maxWait: 1m", node("n1", 2), node("n2", 2))
	w.server.offer("/apis/scheduling.x-k8s.io/v1alpha1/namespaces/default/podgroups/batch", `{"apiVersion": "scheduling.x-k8s.io/v1alpha1", "kind": "PodGroup", "metadata": {"name": "batch", "namespace": "default"}, "spec": {"minMember": 5}}`)
	pods := four("batch")
	w.create(t, pods...)
	w.held(t, names(pods)...)
	// A pod of the group that the model does not know is one of the five, and is not held.
	w.create(t, light("other", "mystery").Label(hold.PodGroupLabel, "batch"))
	at := w.awaitNodes(t, soon, append(names(pods), "other")...)
	mates(t, at, "l1", "l2")
}

// Kubernetes' own PodGroup, which is made only after the pods that name it.
func TestMinimumOfSchedulingGroup(t *testing.T) {
	const path = "/apis/scheduling.k8s.io/v1alpha2/namespaces/default/podgroups/batch"
	w := newWorld(t, "window: 500ms, maxWait: 5m", node("n1", 2), node("n2", 2))
	w.leading.Store(false) // until the PodGroup is known: nothing bounds how long a busy machine takes to make it
	pods := four("")
	for _, p := range pods {
		p.Obj().Spec.SchedulingGroup = &v1.PodSchedulingGroup{PodGroupName: new("batch")}
	}
	w.create(t, pods[:2]...)
	pluginsuite.Eventually(t, soon, "a look for a PodGroup that is not there yet", func() bool { return w.server.looked(path, false) > 0 })
	w.server.offer(path, `{"apiVersion": "scheduling.k8s.io/v1alpha2", "kind": "PodGroup", "metadata": {"name": "batch", "namespace": "default"}, "spec": {"schedulingPolicy": {"gang": {"minCount": 4}}}}`)
	pluginsuite.Eventually(t, soon, "the PodGroup's minimum", func() bool { return w.server.looked(path, true) > 0 })
	w.leading.Store(true)
	w.held(t, names(pods[:2])...)
	w.create(t, pods[2:]...)
	at := w.awaitNodes(t, soon, names(pods)...)
	mates(t, at, "l1", "l2")
}

func TestGang(t *testing.T) {
	w := newWorld(t, "window: 200ms, maxWait: 300ms, gang: true", node("n1", 3))
	pods := four("gang")
	for i := range pods {
		pods[i] = pods[i].Annotation(v1alpha1.GroupSizeAnnotation, "4")
	}
	w.create(t, pods[:3]...)
	var events strings.Builder
	pluginsuite.Eventually(t, soon, "an event about a gang that is not complete", func() bool {
		events.WriteString(w.told())
		return strings.Contains(events.String(), "pod-group default/gang waits: 3 of its 4 pods have come")
	})
	w.create(t, pods[3])
	pluginsuite.Eventually(t, soon, "an event about a gang without room", func() bool {
		events.WriteString(w.told())
		return strings.Contains(events.String(), "there is no room for all of its pods at once")
	})
	w.held(t, names(pods)...)
	if err := w.client.Tracker().Add(node("n2", 2)); err != nil {
		t.Fatal(err)
	}
	at := w.awaitNodes(t, soon, names(pods)...)
	mates(t, at, "l1", "l2")
}

// A gang of seventeen is nominated in chunks of sixteen and one. That one's nomination fails; the others have theirs and don't wait for it.
func TestGangWhoseLastNominationFails(t *testing.T) {
	for name, c := range map[string]struct {
		before func(t *testing.T, w *world) // each nomination
		placed int                          // of the seventeen
	}{
		"its pod is deleted": {func(t *testing.T, w *world) {
			if w.server.patches.Load() > 0 {
				return
			}
			err := w.client.CoreV1().Pods("default").Delete(t.Context(), "q16", metav1.DeleteOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				t.Error(err)
			}
		}, 16},
		"the API server takes no more": {func(_ *testing.T, w *world) {
			if w.server.patches.Load() == 16 {
				w.server.refuse.Store(true)
			}
		}, 17},
	} {
		t.Run(name, func(t *testing.T) {
			w := idleWorld(t, "window: 200ms, gang: true", node("n1", 20))
			w.server.onNomination = func() { c.before(t, w) }
			var pods []*st.PodWrapper
			for i := range 17 {
				p := pod(fmt.Sprintf("q%02d", i), "quiet", "").Label(hold.PodGroupLabel, "gang")
				pods = append(pods, p.Annotation(v1alpha1.GroupSizeAnnotation, "17"))
			}
			w.run()
			w.create(t, pods...)
			w.awaitNodes(t, soon, names(pods[:c.placed])...)
			if got := w.metric(t, "placements_total", map[string]string{"honoured": "true"}); got != 16 {
				t.Errorf("%v placements are as planned, want 16", got)
			}
		})
	}
}

// Nobody answers where the PodGroups of six groups are. That takes no longer than one such look-up, and is no reason to plan nothing.
func TestSlowPodGroups(t *testing.T) {
	w := idleWorld(t, "window: 200ms", node("n1", 6))
	w.leading.Store(false)
	var pods []*st.PodWrapper
	for i := range 6 {
		name := fmt.Sprint("q", i)
		pods = append(pods, pod(name, "quiet", "").Label(hold.PodGroupLabel, name))
	}
	w.create(t, pods...)
	pluginsuite.Eventually(t, soon, "count of held pods", func() bool { return w.metric(t, "pods_held", nil) == 6 })
	w.server.silent.Store(true)
	w.leading.Store(true)
	w.run()
	w.awaitNodes(t, soon, names(pods)...)
	if got := w.metric(t, "released_total", nil); got != 0 {
		t.Errorf("%v pods were let go without a plan", got)
	}
}
