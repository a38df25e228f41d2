package realnodes_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"strconv"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

// controlled is the spec of a node whose agent keeps the service's threads from waiting more than a quarter as long as they run. The argument is the mode.
const controlled = `{"spec": {
	"partitions": [
		{"name": "lc", "role": "Latency", "members": [{"namespace": "default", "pod": "service*"}]},
		{"name": "be", "role": "Batch", "members": [{"namespace": "default", "pod": "antagonist*"}]}
	],
	"control": {"mode": %q, "version": "test", "setPoints": [{"namespace": "default", "pod": "service*", "signal": "RunQueueDelay", "milliTarget": 250}]}
}}`

// recovery is how long the loop has to bring a service back: the law's own bound is 10 s, others work on the machine too.
const recovery = 10 * time.Second

// testLocalLoop lets the agent of a node, as its manifests run it, give an antagonist less CPU until a service is as fast as alone, and take the
// limit back when it is told to only observe.
func testLocalLoop(t *testing.T, s *suite) {
	service := s.startPod(t, newPod("service", s.nodes[0].Name, small, "serve", work.String()))
	url := "http://" + service.Status.PodIP + ":8080/"
	s.control(t, v1alpha1.ControlObserve)
	nodesuite.AwaitObject(t, s.Cluster, soon, s.nodes[0].Name, func(o *v1alpha1.NodeIsolation) string {
		if o.Status.Control == nil || o.Status.Control.Mode != v1alpha1.ControlObserve || o.Status.Control.Version != "test" {
			return fmt.Sprintf("the loop's status is %+v", o.Status.Control)
		}
		return ""
	})
	for attempt := 1; ; attempt++ {
		problem := s.loopRecovers(t, url)
		if problem == "" {
			break
		}
		if attempt == attempts {
			log, _ := s.Kubectl(t.Context(), "logs", "-n", nodesuite.AgentNamespace, "--tail=60", s.agents[0].Name)
			t.Fatalf("%s\nthe agent's log:\n%s", problem, log)
		}
		t.Logf("again: %s", problem)
		s.control(t, v1alpha1.ControlObserve)
	}
	s.deletePod(t, "service")
}

// loopRecovers takes four measurements and says what is wrong with them, "" if nothing.
func (s *suite) loopRecovers(t *testing.T, url string) (problem string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go steady(ctx, url) // the agent must see the service run between the measurements, too
	alone := measure(t, url, rate, phase)
	rival := newPod("antagonist", s.nodes[0].Name, fmt.Sprintf("%dm", rivalPerCPU*runtime.NumCPU()), "burn", strconv.Itoa(runtime.NumCPU()))
	s.startPod(t, rival)
	defer s.deletePod(t, rival.Name)
	watched := measure(t, url, rate, phase)
	if limit := s.quota(t, rival); limit != 0 {
		t.Errorf("in mode Observe the antagonist is limited to %v cores", limit)
	}
	s.control(t, v1alpha1.ControlAct)
	begin := time.Now()
	time.Sleep(recovery)
	acted := measure(t, url, rate, phase)
	limit := s.quota(t, rival)
	object := nodesuite.AwaitObject(t, s.Cluster, soon, s.nodes[0].Name, func(o *v1alpha1.NodeIsolation) string {
		if o.Status.Control == nil || o.Status.Control.Mode != v1alpha1.ControlAct || o.Status.Control.LastAction == "" {
			return fmt.Sprintf("the loop's status is %+v", o.Status.Control)
		}
		return ""
	})
	t.Logf("figure: alone %s; beside an antagonist, observed: %s; %s after the loop acts: %s, with the antagonist at %.2f cores: %s (%s)",
		alone, watched, time.Since(begin).Round(time.Second), acted, limit, object.Status.Control.LastAction, object.Status.Control.Batch)
	s.control(t, v1alpha1.ControlObserve)
	component.Eventually(t, soon, func() string {
		if limit := s.quota(t, rival); limit != 0 {
			return fmt.Sprintf("the antagonist still has a limit of %v cores", limit)
		}
		return ""
	})
	switch {
	case ratio(watched, alone) < 2:
		return fmt.Sprintf("an antagonist makes the median %.2f times as long, want at least 2", ratio(watched, alone))
	case limit == 0:
		return "the antagonist has no limit"
	case ratio(acted, watched) > 0.6:
		return fmt.Sprintf("the loop makes the median %.2f times as long as without, want at most 0.6", ratio(acted, watched))
	}
	return ""
}

// steady sends requests until the context ends, whatever becomes of them.
func steady(ctx context.Context, url string) {
	client := &http.Client{Timeout: patience}
	for tick := time.Tick(100 * time.Millisecond); ctx.Err() == nil; <-tick {
		go func() { _ = get(ctx, client, url) }()
	}
}

// quota is the CPU limit of the pod's container in cores as its cgroup has it, 0 for none.
func (s *suite) quota(t *testing.T, pod *v1.Pod) float64 {
	t.Helper()
	limit, err := (&placedNode{suite: s, node: s.nodes[0]}).cores(pod)
	if err != nil {
		t.Fatal(err)
	}
	if math.IsInf(limit, 1) {
		return 0
	}
	return limit
}

// control puts the first node's agent into a mode.
func (s *suite) control(t *testing.T, mode v1alpha1.ControlMode) {
	t.Helper()
	objects, err := dynamic.NewForConfig(s.AdminConfig())
	if err != nil {
		t.Fatal(err)
	}
	_, err = objects.Resource(v1alpha1.NodeIsolations).Patch(t.Context(), s.nodes[0].Name, types.MergePatchType, fmt.Appendf(nil, controlled, mode), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}
