package realnodes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/realnodes"
	"github.com/ballast-k8s/ballast/simulator/localcluster/sandbox"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/nodesuite"
)

const (
	// throttled is what batch pods may use, in cores, while a service is too slow.
	throttled = 0.2
	// before and after are the CPU limits of the batch pod that is resized in place.
	before, after = "1500m", "1700m"
)

// TestPlacement runs package plugins/node/placement against containerd and kubelet on real nodes, in a sandbox: the CPU limits of batch
// pods.
func TestPlacement(t *testing.T) {
	if _, inside := sandbox.Current(); inside {
		runPlacement(t)
		return
	}
	require(t)
	binaries, temp := build(t), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), suiteTimeout)
	defer cancel()
	var output bytes.Buffer
	p := program(temp, binaries, "-test.run=^TestPlacement$", "-test.v", "-test.timeout="+suiteTimeout.String())
	p.Stdout, p.Stderr = &output, &output
	err := sandbox.Run(ctx, p)
	t.Log("in the sandbox:\n" + output.String())
	if err != nil || !strings.Contains(output.String(), "figure: ") {
		t.Errorf("placement in the sandbox: %v", err)
	}
	wantEmpty(t, temp)
}

// placedNode is a node with a placer, which speaks to the node's containerd from outside of the node's namespaces.
type placedNode struct {
	*suite

	node   *realnodes.Node
	placer *placement.Placer
	end    func()
	// kill ends the placer so that it cannot tidy up: its connection is cut first.
	kill func()
}

func runPlacement(t *testing.T) {
	cluster, nodes, err := startNodes(context.WithoutCancel(t.Context()), imageFile("workload"))
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{Cluster: cluster, nodes: nodes}
	t.Cleanup(func() {
		if t.Failed() {
			nodesuite.TellLogs(t, s.Cluster, func(string) int { return 12 })
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if s.client, err = kubernetes.NewForConfig(s.AdminConfig()); err != nil {
		t.Fatal(err)
	}
	n := &placedNode{suite: s, node: nodes[0]}
	n.start(t)
	component.Eventually(t, soon, func() string {
		if v := n.placer.View(); !v.Connected {
			return v.NoLimits
		}
		return ""
	})
	t.Logf("figure: connected to %s", n.placer.View().Runtime)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *placedNode)
	}{
		{"limit through its life", testLimit},
		{"restart", testRestart},
		{"a throttled antagonist", testRecovery},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, n) }) {
			return
		}
	}
	n.end()
}

// start starts a placer.
func (n *placedNode) start(t *testing.T) {
	t.Helper()
	holder := ""
	for _, arg := range n.node.Inside(localcluster.Process{}).Args {
		if pid, is := strings.CutPrefix(arg, "--target="); is {
			holder = pid
		}
	}
	socket, cut := wire(t, filepath.Join("/proc", holder, "root/run/nri/nri.sock"))
	n.placer = placement.New(placement.Options{Socket: socket, Machine: os.DirFS("/"), Cgroup: "/sys/fs/cgroup", Clock: clock.RealClock{}})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- n.placer.Run(ctx) }()
	n.end = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		cut()
	}
	n.kill = func() {
		cut()
		n.end()
	}
}

// wire passes connections to a socket on to another one, until it is cut.
func wire(t *testing.T, to string) (socket string, cut func()) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "nri.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", to)
			if err != nil {
				_ = conn.Close()
				continue
			}
			context.AfterFunc(ctx, func() { _, _ = conn.Close(), server.Close() })
			go func() { _, _ = io.Copy(conn, server) }()
			go func() { _, _ = io.Copy(server, conn) }()
		}
	}()
	return socket, func() {
		_ = listener.Close() // perhaps a second time
		cancel()
	}
}

// wish wishes for so many cores for all batch pods together; infinitely many are no limit. Their group is wished for too, as on a node
// that had one when the agent looked last, and has none: no pod may fail for that.
func (n *placedNode) wish(cores float64) {
	w := placement.Wish{
		Act:        true,
		Partitions: []membership.Partition{{Name: "batch", Members: []membership.Member{{Namespace: "default", Pod: "batch*"}}}},
		Groups:     map[string]string{"batch": "ballast-batch"}, RMIDs: 64,
	}
	if !math.IsInf(cores, 1) {
		w.Cores = map[string]float64{"batch": cores}
	}
	n.placer.Wish(w)
}

// run starts a pod on the node, past any scheduler.
func (n *placedNode) run(t *testing.T, pod *v1.Pod) *v1.Pod {
	t.Helper()
	pod.Spec.NodeName, pod.Spec.NodeSelector = n.node.Name, nil
	if err := runPod(t.Context(), n.Cluster, pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

// cores reads the CPU limit of a pod's container from its cgroup; infinite for none.
func (n *placedNode) cores(pod *v1.Pod) (float64, error) {
	if dir, err := n.cgroup(pod, "", true); err == nil {
		if text, err := os.ReadFile(filepath.Join(dir, "cpu.max")); err == nil {
			return share(strings.Fields(string(text)))
		}
	}
	dir, err := n.cgroup(pod, "cpu", false)
	if err != nil {
		return 0, err
	}
	var fields []string
	for _, file := range []string{"cpu.cfs_quota_us", "cpu.cfs_period_us"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return 0, err
		}
		fields = append(fields, strings.TrimSpace(string(text)))
	}
	return share(fields)
}

func share(fields []string) (float64, error) {
	if len(fields) != 2 {
		return 0, fmt.Errorf("a limit is %q, want quota and period", fields)
	}
	if fields[0] == "max" || fields[0] == "-1" {
		return math.Inf(1), nil
	}
	limit, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return 0, err
	}
	period, err := strconv.ParseFloat(fields[1], 64)
	return limit / period, err
}

// watch reads the limit again and again, until the function that it returns is called, which tells the highest.
func (n *placedNode) watch(t *testing.T, pod *v1.Pod) func() float64 {
	t.Helper()
	stop, highest := make(chan struct{}), make(chan float64)
	go func() {
		most := 0.0
		for {
			if got, err := n.cores(pod); err == nil {
				most = max(most, got)
			}
			select {
			case <-stop:
				highest <- most
				return
			default:
			}
		}
	}()
	return func() float64 {
		close(stop)
		return <-highest
	}
}

// await waits until the container has the limit, and says how long that took.
func (n *placedNode) await(t *testing.T, pod *v1.Pod, want float64) time.Duration {
	t.Helper()
	begin := time.Now()
	component.Eventually(t, soon, func() string {
		got, err := n.cores(pod)
		if err != nil {
			return err.Error()
		}
		if got != want && math.Abs(got-want) > 1e-3 {
			return fmt.Sprintf("%s has %v cores, want %v", pod.Name, got, want)
		}
		return ""
	})
	return time.Since(begin)
}

// limited returns a pod that burns a CPU under a limit.
func limited(name, limit string) *v1.Pod {
	pod := newPod(name, "", "50m", "burn", "2")
	pod.Spec.Containers[0].Resources.Limits = v1.ResourceList{v1.ResourceCPU: resource.MustParse(limit)}
	return pod
}

// testLimit takes limits through their life: none without a wish, set on what runs and on what starts, kept through a resize in place by
// the kubelet, lifted to what the kubelet wants by then.
func testLimit(t *testing.T, n *placedNode) {
	first := n.run(t, limited("batch-limited", before))
	free := n.run(t, newPod("batch-free", "", "50m", "burn", "1"))
	other := n.run(t, limited("web", before))
	n.await(t, first, 1.5)
	n.await(t, free, math.Inf(1))

	n.wish(2 * throttled) // which the two divide by their equal weights
	both := n.await(t, first, throttled) + n.await(t, free, throttled)
	t.Logf("figure: a limit of two batch pods is in their cgroups after %s", both.Round(time.Millisecond))

	begin, most := time.Now(), n.watch(t, first)
	n.resizeLimit(t, first, "150m", after)
	took, highest := time.Since(begin), most()
	t.Logf("figure: a resize in place to a limit of %s is done after %s; meanwhile the kernel had %.3f cores at most", after,
		took.Round(time.Millisecond), highest)
	if highest > 0.3 {
		t.Errorf("the resize lifted the limit to %v cores", highest)
	}
	// 0.4 cores are divided as 150 to 50 shares, with a floor of 0.01: 0.01 + 0.38 x 153/204 and 0.01 + 0.38 x 51/204
	n.await(t, first, 0.295)
	n.await(t, free, 0.105)

	late := n.run(t, limited("batch-late", before)) // starts with its limit: 0.37 as 153 to 51 to 51
	if got, err := n.cores(late); err != nil || math.Abs(got-0.084) > 1e-3 {
		t.Errorf("a pod that starts has %v cores, want 0.084: %v", got, err)
	}
	if got, err := n.cores(other); err != nil || got != 1.5 {
		t.Errorf("a pod of no partition has %v cores, want 1.5: %v", got, err)
	}
	n.checkRestarts(t, first, free, late)
	n.wish(math.Inf(1))
	n.await(t, first, 1.7) // what the kubelet wants since the resize
	n.await(t, free, math.Inf(1))
	n.await(t, late, 1.5)
	for _, pod := range []*v1.Pod{first, free, late, other} {
		n.deletePod(t, pod.Name)
	}
}

// resizeLimit changes a pod's CPU in place, and waits until the kubelet says that it is done: the pod's status has the new weight.
func (n *placedNode) resizeLimit(t *testing.T, pod *v1.Pod, request, limit string) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
		"name": pod.Spec.Containers[0].Name, "resources": map[string]any{
			"requests": map[string]string{"cpu": request}, "limits": map[string]string{"cpu": limit},
		},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	pods := n.client.CoreV1().Pods(pod.Namespace)
	if _, err := pods.Patch(t.Context(), pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "resize"); err != nil {
		t.Fatal(err)
	}
	n.awaitWeight(t, pod, request)
	got, err := n.client.CoreV1().Pods(pod.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	shown := got.Status.ContainerStatuses[0].Resources.Limits.Cpu()
	t.Logf("figure: the pod's status shows a limit of %s, its spec one of %s; conditions of the resize: %v", shown, limit, resizing(got))
}

// resizing are the conditions that tell of a resize that is not done.
func resizing(pod *v1.Pod) []string {
	var out []string
	for _, c := range pod.Status.Conditions {
		if c.Type == v1.PodResizePending || c.Type == v1.PodResizeInProgress {
			out = append(out, string(c.Type)+": "+c.Message)
		}
	}
	return out
}

func (n *placedNode) checkRestarts(t *testing.T, pods ...*v1.Pod) {
	t.Helper()
	for _, pod := range pods {
		got, err := n.client.CoreV1().Pods(pod.Namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		if err != nil || got.Status.Phase != v1.PodRunning || got.Status.ContainerStatuses[0].RestartCount != 0 {
			t.Errorf("%s: %v %+v", pod.Name, err, got.Status)
		}
	}
}

// testRestart ends the placer, which lifts its limits, and starts another one; then it kills that one, which leaves its limit, and the next
// one finds the way back to what the kubelet wants.
func testRestart(t *testing.T, n *placedNode) {
	pod := n.run(t, limited("batch-restart", before))
	n.wish(throttled)
	n.await(t, pod, throttled)
	n.end()
	if got, err := n.cores(pod); err != nil || got != 1.5 {
		t.Errorf("after the placer's end: %v cores, want 1.5: %v", got, err)
	}
	n.start(t)
	n.wish(throttled)
	t.Logf("figure: a new placer has set its limit after %s", n.await(t, pod, throttled).Round(time.Millisecond))
	n.kill()
	if got, err := n.cores(pod); err != nil || math.Abs(got-throttled) > 1e-3 {
		t.Errorf("after the placer was killed: %v cores, want %v: %v", got, throttled, err)
	}
	n.start(t)
	component.Eventually(t, soon, func() string {
		for _, c := range n.placer.View().Containers {
			if c.Pod == pod.Name && c.Kubelet == 1.5 && math.Abs(c.Limit-throttled) < 1e-3 {
				return ""
			}
		}
		return fmt.Sprintf("the new placer does not know the limit for that of one before: %+v", n.placer.View())
	})
	n.wish(math.Inf(1))
	n.await(t, pod, 1.5)
	n.deletePod(t, pod.Name)
}

// testRecovery measures a service alone, beside a batch pod that takes all the CPU that it can get, with that throttled, and with it let go
// again. What must come out is an order, with room for a machine on which others work.
func testRecovery(t *testing.T, n *placedNode) {
	service := n.run(t, newPod("service", "", small, "serve", work.String()))
	url := "http://" + service.Status.PodIP + ":8080/"
	component.Eventually(t, soon, func() string {
		if err := get(t.Context(), http.DefaultClient, url); err != nil {
			return err.Error()
		}
		return ""
	})
	for attempt := 1; ; attempt++ {
		problem := n.recover(t, url)
		if problem == "" {
			break
		}
		if attempt == attempts {
			t.Fatal(problem)
		}
		t.Logf("again: %s", problem)
	}
	n.deletePod(t, service.Name)
}

func (n *placedNode) recover(t *testing.T, url string) (problem string) {
	t.Helper()
	alone := measure(t, url, rate, phase)
	t.Logf("figure: alone: %s", alone)
	rival := n.run(t, newPod("batch-antagonist", "", fmt.Sprintf("%dm", rivalPerCPU*runtime.NumCPU()), "burn", strconv.Itoa(runtime.NumCPU())))
	defer n.deletePod(t, rival.Name)
	disturbed := measure(t, url, rate, phase)
	t.Logf("figure: beside a batch antagonist: %s: %.1f times the median alone", disturbed, ratio(disturbed, alone))
	n.wish(throttled)
	took := n.await(t, rival, throttled)
	helped := measure(t, url, rate, phase)
	t.Logf("figure: with the antagonist at %v cores, %s after the wish: %s: %.1f times the median alone", throttled,
		took.Round(time.Millisecond), helped, ratio(helped, alone))
	n.wish(math.Inf(1))
	n.await(t, rival, math.Inf(1))
	again := measure(t, url, rate, phase)
	t.Logf("figure: with the antagonist let go: %s: %.1f times the median alone", again, ratio(again, alone))
	if got := ratio(disturbed, alone); got < 1.5 {
		return fmt.Sprintf("an antagonist makes the median %.2f times as long, want at least 1.5", got)
	}
	if got := ratio(helped, disturbed); got > 0.75 {
		return fmt.Sprintf("throttling it makes the median %.2f times as long, want at most 0.75", got)
	}
	if got := ratio(again, helped); got < 1.2 {
		return fmt.Sprintf("letting it go makes the median %.2f times as long, want at least 1.2", got)
	}
	return ""
}
