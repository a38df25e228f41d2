// Package nri_test runs package plugins/node/placement against the runtime's own side of NRI (github.com/containerd/nri/pkg/adaptation,
// which containerd and CRI-O are built with) over a real socket, and against an emulated resctrl tree. Real containerd, kubelet and CPUs
// are in test/realnodes.
package nri_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/containerd/nri/pkg/api"
	"github.com/containerd/nri/pkg/stub"
	"k8s.io/utils/clock"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
)

var partitions = []membership.Partition{
	{Name: "web", Members: []membership.Member{{Pod: "web*"}}},
	{Name: "batch", Members: []membership.Member{{QoS: membership.BestEffort}, {Pod: "batch*"}}},
}

// realMachine is one with the kernel's resctrl where runtimes look for it.
var realMachine = fstest.MapFS{"proc/1/mounts": {Data: []byte("none / ext4 rw 0 0\nresctrl /sys/fs/resctrl resctrl rw 0 0\n")}}

// socketPath is short: the kernel takes 107 bytes, and the test's own temporary folder has the test's name and the machine's in it.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "n") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "nri.sock")
}

// start runs a placer until the test ends, or until the function that it returns is called.
func start(t *testing.T, o placement.Options) (*placement.Placer, func()) {
	t.Helper()
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	p := placement.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	end := func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		done <- nil
	}
	t.Cleanup(end)
	return p, end
}

// awaitConnection waits until placer and runtime have met.
func awaitConnection(t *testing.T, p *placement.Placer, r *fakeRuntime) {
	t.Helper()
	eventually(t, func() string {
		if v := p.View(); !v.Connected {
			return "not connected: " + v.NoLimits
		}
		return ""
	})
	r.BlockPluginSync().Unblock()
}

// awaitCores waits until the runtime has the limit.
func (r *fakeRuntime) awaitCores(id string, want float64) {
	r.t.Helper()
	eventually(r.t, func() string {
		if got := r.limit(id).Cores(); math.Abs(got-want) > 1e-4 && got != want {
			return id + " has " + cores(got) + " cores, want " + cores(want)
		}
		return ""
	})
}

// TestLimits takes a limit through its life: set on what runs and on what is made, kept through resizes of the kubelet, lifted to what the
// kubelet wanted last, and lifted when the agent ends.
func TestLimits(t *testing.T) {
	r := newRuntime(t, socketPath(t))
	r.serve("containerd", "v2.2.9")
	defer r.stop()
	pod, unlimited := r.container("a", "batch-a", "besteffort", quota.Limit{})
	if err := r.run(pod, unlimited); err != nil {
		t.Fatal(err)
	}
	p, end := start(t, placement.Options{Socket: r.socket})
	awaitConnection(t, p, r)
	if got := r.limit("a"); got != (quota.Limit{}) {
		t.Fatalf("without a wish: %+v", got)
	}
	wish := placement.Wish{Act: true, Partitions: partitions, Cores: map[string]float64{"batch": 0.4}}
	p.Wish(wish)
	r.awaitCores("a", 0.4)
	// a second batch container gets its half before it runs; the first is cut to the other one
	podB, limited := r.container("b", "batch-b", "burstable", quota.Limit{Quota: 100000, Period: 100000})
	if err := r.run(podB, limited); err != nil {
		t.Fatal(err)
	}
	if got := r.limit("b").Cores(); math.Abs(got-0.2) > 1e-4 {
		t.Fatalf("made with %v cores, want 0.2", got)
	}
	r.awaitCores("a", 0.2)
	// resizes: up, down below ours (the other one gets what is left), up again, of the request alone
	r.resize(podB, limited, quota.Limit{Quota: 300000, Period: 100000})
	if got := r.limit("b").Cores(); math.Abs(got-0.2) > 1e-4 {
		t.Fatalf("a resize lifts the limit to %v", got)
	}
	r.resize(podB, limited, quota.Limit{Quota: 5000, Period: 100000})
	r.awaitCores("b", 0.05)
	r.awaitCores("a", 0.35)
	r.resize(podB, limited, quota.Limit{Quota: 150000, Period: 100000})
	r.awaitCores("b", 0.2)
	r.awaitCores("a", 0.2)
	r.resize(pod, unlimited, quota.Limit{Period: 100000})
	if got := r.limit("a").Cores(); math.Abs(got-0.2) > 1e-4 {
		t.Fatalf("a resize of the request makes the limit %v", got)
	}
	// others are not touched
	podW, web := r.container("w", "web-1", "burstable", quota.Limit{Quota: 50000, Period: 100000})
	if err := r.run(podW, web); err != nil {
		t.Fatal(err)
	}
	wish.Cores = nil
	p.Wish(wish)
	r.awaitCores("a", math.Inf(1))
	r.awaitCores("b", 1.5)
	if got := r.limit("w"); got != (quota.Limit{Quota: 50000, Period: 100000}) {
		t.Errorf("web has %+v", got)
	}
	wish.Own = map[string]float64{"b": 0.1}
	p.Wish(wish)
	r.awaitCores("b", 0.1)
	end()
	if got := r.limit("b"); got != (quota.Limit{Quota: 150000, Period: 100000}) {
		t.Errorf("after the end: %+v", got)
	}
}

// TestKilled: an agent that was killed leaves its limit; the next one knows it, keeps it through a resize, and leads back to what the
// kubelet wants.
func TestKilled(t *testing.T) {
	r := newRuntime(t, socketPath(t))
	pod, c := r.container("a", "batch-a", "burstable", quota.Min(0.2, quota.Limit{Quota: 150000, Period: 100000}))
	c.State, c.Pid = api.ContainerState_CONTAINER_RUNNING, 7
	r.pods[pod.Id], r.containers["a"] = pod, c
	r.serve("containerd", "v2.2.9")
	defer r.stop()
	p, _ := start(t, placement.Options{Socket: r.socket})
	awaitConnection(t, p, r)
	r.resize(pod, c, quota.Limit{Quota: 250000, Period: 100000})
	if got := r.limit("a").Cores(); math.Abs(got-0.2) > 1e-4 {
		t.Fatalf("a resize before the first wish: %v cores", got)
	}
	p.Wish(placement.Wish{Partitions: partitions, Cores: map[string]float64{"batch": 0.2}}) // the switch is not active
	eventually(t, func() string {
		if got := r.limit("a"); got != (quota.Limit{Quota: 250000, Period: 100000}) {
			return "not lifted: " + cores(got.Cores())
		}
		return ""
	})
}

// TestReconnect: the runtime goes and comes back, without what was set meanwhile; there is one connection at any time, and its
// synchronization puts the limits right.
func TestReconnect(t *testing.T) {
	r := newRuntime(t, socketPath(t))
	r.serve("containerd", "v2.2.9")
	pod, c := r.container("a", "batch-a", "besteffort", quota.Limit{})
	if err := r.run(pod, c); err != nil {
		t.Fatal(err)
	}
	l := newLine(t, r.socket)
	p, _ := start(t, placement.Options{Socket: l.address})
	p.Wish(placement.Wish{Act: true, Partitions: partitions, Cores: map[string]float64{"batch": 0.2}})
	r.awaitCores("a", 0.2)
	for range 2 {
		r.stop()
		l.cut()
		eventually(t, func() string {
			if v := p.View(); v.Connected || v.NoLimits == "" {
				return "still connected"
			}
			return ""
		})
		r.mu.Lock()
		c.Linux.Resources.Cpu.Quota = api.Int64(int64(-1)) // somebody else's
		r.mu.Unlock()
		r.serve("containerd", "v2.2.9")
		r.awaitCores("a", 0.2)
	}
	if accepted, atOnce := l.counts(); atOnce != 1 || accepted < 3 {
		t.Errorf("%d connections, %d at a time", accepted, atOnce)
	}
	if v := p.View(); v.Generation < 3 || v.Runtime != "containerd v2.2.9" {
		t.Errorf("%+v", v)
	}
	r.stop()
}

// TestBroken: a container whose limit cannot be set does not keep the others from theirs, and is shown.
func TestBroken(t *testing.T) {
	r := newRuntime(t, socketPath(t))
	r.serve("containerd", "v2.2.9")
	defer r.stop()
	for _, id := range []string{"a", "b", "c"} {
		if err := r.run(r.container(id, "batch-"+id, "besteffort", quota.Limit{})); err != nil {
			t.Fatal(err)
		}
	}
	r.broken["b"] = true
	p, _ := start(t, placement.Options{Socket: r.socket})
	p.Wish(placement.Wish{Act: true, Partitions: partitions, Own: map[string]float64{"a": 0.1, "b": 0.1, "c": 0.1}})
	eventually(t, func() string {
		list := p.View().Containers
		for _, c := range list {
			if (c.Limit < 0.11) == (c.ID == "b") || (c.Problem != "") != (c.ID == "b") {
				return c.ID + ": " + cores(c.Limit) + ", " + c.Problem
			}
		}
		if len(list) != 3 {
			return "not all are seen"
		}
		return ""
	})
}

// TestAnotherPlugin: one that sets the same limit makes the runtime refuse the container; the next attempt gets nothing from us, and
// starts. An update with a conflict does not fail.
func TestAnotherPlugin(t *testing.T) {
	r := newRuntime(t, socketPath(t))
	r.serve("containerd", "v2.2.9")
	defer r.stop()
	p, _ := start(t, placement.Options{Socket: r.socket})
	awaitConnection(t, p, r)
	other, err := stub.New(&rival{}, stub.WithPluginName("rival"), stub.WithPluginIdx("10"), stub.WithSocketPath(r.socket))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer other.Stop()
	p.Wish(placement.Wish{Act: true, Partitions: partitions, Cores: map[string]float64{"batch": 0.2}})
	eventually(t, func() string { // the runtime takes the rival in after it has started
		err := r.run(r.container("probe", "web-probe", "burstable", quota.Limit{}))
		if err != nil || r.limit("probe").Quota != 50000 {
			return "the rival is not in"
		}
		return ""
	})
	if err := r.run(r.container("a", "batch-a", "besteffort", quota.Limit{})); err == nil || !strings.Contains(err.Error(), "rival") {
		t.Fatalf("the first attempt: %v", err)
	}
	pod, c := r.container("a2", "batch-a", "besteffort", quota.Limit{})
	if err := r.run(pod, c); err != nil {
		t.Fatalf("the second attempt: %v", err)
	}
	r.awaitCores("a2", 0.2)                                      // what cannot be had at the start is had afterwards
	r.resize(pod, c, quota.Limit{Quota: 100000, Period: 100000}) // fails the test if the update fails
}

// rival sets a limit too.
type rival struct{}

func (*rival) CreateContainer(context.Context, *api.PodSandbox, *api.Container) (*api.ContainerAdjustment, []*api.ContainerUpdate, error) {
	a := &api.ContainerAdjustment{}
	a.SetLinuxCPUQuota(50000)
	return a, nil, nil
}

func (*rival) UpdateContainer(
	_ context.Context, _ *api.PodSandbox, c *api.Container, _ *api.LinuxResources,
) ([]*api.ContainerUpdate, error) {
	u := &api.ContainerUpdate{}
	u.SetContainerId(c.GetId())
	u.SetLinuxCPUQuota(60000)
	return []*api.ContainerUpdate{u}, nil
}
