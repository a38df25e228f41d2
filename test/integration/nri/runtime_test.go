package nri_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/containerd/nri/pkg/adaptation"
	"github.com/containerd/nri/pkg/api"

	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
)

// fakeRuntime is a container runtime with the NRI library's own side of the protocol, and what containerd 2.2 does around it: limits are
// merged into those before (internal/cri/opts, WithResources), a class without a group stops the container, a failed one is taken back.
type fakeRuntime struct {
	*adaptation.Adaptation
	t      *testing.T
	socket string

	mu         sync.Mutex
	pods       map[string]*api.PodSandbox
	containers map[string]*api.Container
	groups     map[string]bool // that the kernel has
	pid        uint32
	broken     map[string]bool // containers whose limits cannot be set
	writes     int
}

func newRuntime(t *testing.T, socket string) *fakeRuntime {
	t.Helper()
	return &fakeRuntime{
		t: t, socket: socket, pods: map[string]*api.PodSandbox{}, containers: map[string]*api.Container{}, groups: map[string]bool{},
		broken: map[string]bool{}, pid: 1000,
	}
}

// serve starts the runtime's side, under the name and version.
func (r *fakeRuntime) serve(name, version string) {
	r.t.Helper()
	dir := r.t.TempDir()
	a, err := adaptation.New(name, version, r.sync, r.update, adaptation.WithSocketPath(r.socket),
		adaptation.WithPluginPath(filepath.Join(dir, "plugins")), adaptation.WithPluginConfigPath(filepath.Join(dir, "conf")))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := a.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.Adaptation = a
}

// stop ends the runtime's side, with the plugins that are in or about to be.
func (r *fakeRuntime) stop() {
	r.BlockPluginSync().Unblock()
	r.Stop()
}

func (r *fakeRuntime) sync(ctx context.Context, synchronize adaptation.SyncCB) error {
	r.mu.Lock()
	pods := slices.Collect(maps.Values(r.pods))
	containers := slices.Collect(maps.Values(r.containers))
	r.mu.Unlock()
	_, err := synchronize(ctx, pods, containers)
	return err
}

func (r *fakeRuntime) update(_ context.Context, updates []*api.ContainerUpdate) ([]*api.ContainerUpdate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var failed []*api.ContainerUpdate
	for _, u := range updates {
		r.writes++
		if r.broken[u.GetContainerId()] {
			failed = append(failed, u)
			continue
		}
		r.merge(u.GetContainerId(), u.GetLinux().GetResources().GetCpu())
	}
	if failed != nil {
		return failed, errors.New("NRI update of some containers failed")
	}
	return nil, nil
}

// merge is what a runtime does with a container's new limits.
func (r *fakeRuntime) merge(id string, cpu *api.LinuxCPU) {
	c := r.containers[id]
	if c == nil {
		return
	}
	have := c.Linux.Resources.Cpu
	if q := cpu.GetQuota().GetValue(); q != 0 {
		have.Quota = api.Int64(q)
	}
	if p := cpu.GetPeriod().GetValue(); p != 0 {
		have.Period = api.UInt64(p)
	}
}

// limit is what the container has.
func (r *fakeRuntime) limit(id string) quota.Limit {
	r.mu.Lock()
	defer r.mu.Unlock()
	cpu := r.containers[id].GetLinux().GetResources().GetCpu()
	return quota.Limit{Quota: cpu.GetQuota().GetValue(), Period: int64(cpu.GetPeriod().GetValue())}
}

// container of a pod of its own name, with the limit that the kubelet wants.
func (r *fakeRuntime) container(id, pod, class string, kubelet quota.Limit) (*api.PodSandbox, *api.Container) {
	sandbox := &api.PodSandbox{
		Id: "sandbox-" + pod, Name: pod, Uid: "uid-" + pod, Namespace: "default",
		Linux: &api.LinuxPodSandbox{CgroupParent: "/kubepods/" + class + "/poduid-" + pod},
	}
	return sandbox, &api.Container{
		Id: id, PodSandboxId: sandbox.Id, Name: "main", State: api.ContainerState_CONTAINER_CREATED,
		Linux: &api.LinuxContainer{
			CgroupsPath: sandbox.Linux.CgroupParent + "/" + id,
			Resources: &api.LinuxResources{Cpu: &api.LinuxCPU{
				Shares: api.UInt64(uint64(102)), Quota: api.Int64(kubelet.Quota), Period: api.UInt64(uint64(kubelet.Period)),
			}},
		},
	}
}

// run makes and starts a container; an error is that it does not start.
func (r *fakeRuntime) run(pod *api.PodSandbox, c *api.Container) error {
	ctx := context.Background()
	defer r.BlockPluginSync().Unblock() // a plugin is in, or comes later
	answer, err := r.CreateContainer(ctx, &api.CreateContainerRequest{Pod: pod, Container: c})
	if err != nil {
		r.remove(pod, c)
		return err
	}
	resources := answer.GetAdjust().GetLinux().GetResources()
	class := answer.GetAdjust().GetLinux().GetRdt().GetClosId().GetValue()
	if class == "" {
		class = resources.GetRdtClass().GetValue()
	}
	r.mu.Lock()
	r.pid++
	c.Pid = r.pid
	r.pods[pod.Id], r.containers[c.Id] = pod, c
	r.merge(c.Id, resources.GetCpu())
	unknown := class != "" && !r.groups[class]
	if class != "" {
		c.Linux.Rdt = &api.LinuxRdt{
			ClosId: api.String(class), EnableMonitoring: api.Bool(answer.GetAdjust().GetLinux().GetRdt().GetEnableMonitoring().GetValue()),
		}
	}
	r.mu.Unlock()
	if unknown {
		r.remove(pod, c)
		return fmt.Errorf("failed to create container: resctrl group %s does not exist", class)
	}
	c.State = api.ContainerState_CONTAINER_RUNNING
	return r.PostStartContainer(ctx, &api.StateChangeEvent{Pod: pod, Container: c})
}

func (r *fakeRuntime) remove(pod *api.PodSandbox, c *api.Container) {
	r.mu.Lock()
	delete(r.containers, c.Id)
	r.mu.Unlock()
	if _, err := r.StopContainer(context.Background(), &api.StopContainerRequest{Pod: pod, Container: c}); err != nil {
		r.t.Error(err)
	}
	if err := r.RemoveContainer(context.Background(), &api.StateChangeEvent{Pod: pod, Container: c}); err != nil {
		r.t.Error(err)
	}
}

// resize is the kubelet's update of a limit.
func (r *fakeRuntime) resize(pod *api.PodSandbox, c *api.Container, asked quota.Limit) {
	r.t.Helper()
	ctx := context.Background()
	defer r.BlockPluginSync().Unblock()
	request := &api.LinuxResources{Cpu: &api.LinuxCPU{Quota: api.Int64(asked.Quota), Period: api.UInt64(uint64(asked.Period))}}
	answer, err := r.UpdateContainer(ctx, &api.UpdateContainerRequest{Pod: pod, Container: c, LinuxResources: request})
	if err != nil {
		r.t.Fatal(err)
	}
	cpu := &api.LinuxCPU{Quota: api.Int64(asked.Quota), Period: api.UInt64(uint64(asked.Period))}
	if list := answer.GetUpdate(); len(list) > 0 && list[len(list)-1].GetLinux().GetResources() != nil {
		cpu = list[len(list)-1].GetLinux().GetResources().GetCpu()
	}
	r.mu.Lock()
	r.merge(c.Id, cpu)
	r.mu.Unlock()
	if err := r.PostUpdateContainer(ctx, &api.StateChangeEvent{Pod: pod, Container: c}); err != nil {
		r.t.Error(err)
	}
}

// eventually polls until there is no complaint.
func eventually(t *testing.T, complaint func() string) {
	t.Helper()
	var last string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if last = complaint(); last == "" {
			return
		}
	}
	t.Fatal(last)
}

// cores of a limit for a message.
func cores(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
