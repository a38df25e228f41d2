package placement

import (
	"context"
	"strings"

	"github.com/containerd/nri/pkg/api"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
	"github.com/ballast-k8s/ballast/plugins/node/placement/roster"
)

// plugin answers the runtime on one connection. Its handlers work on memory alone: the runtime waits for them, and so does every other
// container of the node.
type plugin struct {
	placer *Placer
	synced func() // told of each Synchronize
}

// locked runs a handler's work, unless the connection is one that was given up: two that answer would set the same fields, for which the
// runtime refuses the container.
func (g *plugin) locked(work func(p *Placer)) {
	p := g.placer
	p.mu.Lock()
	defer p.mu.Unlock()
	if g == p.link.live {
		work(p)
	}
}

// Configure is told the runtime's name and version.
func (g *plugin) Configure(_ context.Context, _, name, version string) (api.EventMask, error) {
	g.locked(func(p *Placer) {
		p.link.runtime, p.link.version = name, version
		p.link.rdt = placesMonitors(name, version)
	})
	return 0, nil // all that there are handlers for
}

// Synchronize is told all that runs.
func (g *plugin) Synchronize(_ context.Context, pods []*api.PodSandbox, containers []*api.Container) ([]*api.ContainerUpdate, error) {
	byID := make(map[string]*api.PodSandbox, len(pods))
	for _, pod := range pods {
		byID[pod.GetId()] = pod
	}
	list := make([]roster.Entry, 0, len(containers))
	for _, c := range containers {
		if running := c.GetState(); running == api.ContainerState_CONTAINER_STOPPED || running == api.ContainerState_CONTAINER_UNKNOWN {
			continue
		}
		list = append(list, entry(byID[c.GetPodSandboxId()], c))
	}
	g.locked(func(p *Placer) {
		p.roster.Sync(list, p.options.Clock.Now())
		p.link.connected, p.link.problem = true, ""
		p.tell()
		p.swept.stale = true
	})
	g.synced()
	g.placer.changed()
	return nil, nil
}

// CreateContainer says what a new container gets.
func (g *plugin) CreateContainer(
	ctx context.Context, pod *api.PodSandbox, c *api.Container,
) (*api.ContainerAdjustment, []*api.ContainerUpdate, error) {
	var a roster.Adjustment
	rdt := false
	g.locked(func(p *Placer) {
		a, rdt = p.roster.Create(entry(pod, c), p.options.Clock.Now()), p.link.rdt
		if a.Monitor {
			p.handed[0]++
		}
	})
	if a == (roster.Adjustment{}) {
		return nil, nil, nil
	}
	adjust := &api.ContainerAdjustment{}
	switch {
	case a.Class == "":
	case rdt:
		adjust.SetLinuxRDTClosID(a.Class)
		if a.Monitor {
			adjust.SetLinuxRDTEnableMonitoring(true)
		}
	default:
		adjust.SetLinuxRDTClass(a.Class)
	}
	if a.Limited {
		adjust.SetLinuxCPUQuota(a.Limit.Quota)
		adjust.SetLinuxCPUPeriod(a.Limit.Period)
	}
	klog.FromContext(ctx).V(2).Info("Handed to a new container", "namespace", pod.GetNamespace(), "pod", pod.GetName(),
		"container", c.GetName(), "group", a.Class, "monitor", a.Monitor, "limited", a.Limited, "cores", a.Limit.Cores())
	return adjust, nil, nil
}

// PostStartContainer is told of the first process.
func (g *plugin) PostStartContainer(_ context.Context, _ *api.PodSandbox, c *api.Container) error {
	g.locked(func(p *Placer) {
		p.roster.Started(c.GetId(), int(c.GetPid()), limitOf(c.GetLinux().GetResources().GetCpu()))
	})
	g.placer.changed()
	return nil
}

// UpdateContainer is asked before the runtime does what the kubelet wants. If another plugin sets the limit too, the container keeps
// that, and not the update fails.
func (g *plugin) UpdateContainer(
	ctx context.Context, pod *api.PodSandbox, c *api.Container, r *api.LinuxResources,
) ([]*api.ContainerUpdate, error) {
	var limit quota.Limit
	changed := false
	g.locked(func(p *Placer) {
		limit, changed = p.roster.Updating(c.GetId(), limitOf(r.GetCpu()), weightOf(r.GetCpu()))
	})
	if !changed {
		return nil, nil
	}
	klog.FromContext(ctx).V(2).Info("Kept the CPU limit through an update", "namespace", pod.GetNamespace(), "pod", pod.GetName(),
		"container", c.GetName(), "asked", limitOf(r.GetCpu()).Cores(), "cores", limit.Cores())
	return []*api.ContainerUpdate{updateOf(roster.Change{ID: c.GetId(), Limit: limit}, true)}, nil
}

// PostUpdateContainer is told what the runtime has after an update.
func (g *plugin) PostUpdateContainer(_ context.Context, _ *api.PodSandbox, c *api.Container) error {
	g.locked(func(p *Placer) { p.roster.Updated(c.GetId(), limitOf(c.GetLinux().GetResources().GetCpu())) })
	g.placer.changed()
	return nil
}

// StopContainer is told that a container has ended, or is about to.
func (g *plugin) StopContainer(_ context.Context, _ *api.PodSandbox, c *api.Container) ([]*api.ContainerUpdate, error) {
	g.locked(func(p *Placer) { p.roster.Ended(c.GetId()) })
	g.placer.changed()
	return nil, nil
}

// RemoveContainer is told that a container is gone.
func (g *plugin) RemoveContainer(_ context.Context, _ *api.PodSandbox, c *api.Container) error {
	g.locked(func(p *Placer) { p.roster.Removed(c.GetId()) })
	return nil
}

// entry is what the runtime tells of a container.
func entry(pod *api.PodSandbox, c *api.Container) roster.Entry {
	cgroup := c.GetLinux().GetCgroupsPath()
	if !strings.HasPrefix(cgroup, "/") {
		cgroup = "" // slice:prefix:name of the systemd driver: the node's own files tell the path
	}
	uid := pod.GetUid()
	if uid == "" {
		uid = c.GetPodSandboxId()
	}
	resources := c.GetLinux().GetResources()
	class := c.GetLinux().GetRdt().GetClosId().GetValue()
	if class == "" {
		class = resources.GetRdtClass().GetValue()
	}
	return roster.Entry{
		ID: c.GetId(), Namespace: pod.GetNamespace(), Pod: pod.GetName(), PodUID: uid, Name: c.GetName(),
		QoS:    membership.QoSOf(pod.GetLinux().GetCgroupParent()),
		Cgroup: cgroup, PID: int(c.GetPid()), Class: class, Limit: limitOf(resources.GetCpu()), Weight: weightOf(resources.GetCpu()),
	}
}

func limitOf(cpu *api.LinuxCPU) quota.Limit {
	return quota.Limit{Quota: cpu.GetQuota().GetValue(), Period: int64(cpu.GetPeriod().GetValue())}
}

func weightOf(cpu *api.LinuxCPU) float64 { return float64(cpu.GetShares().GetValue()) }

// updateOf asks the runtime for a limit.
func updateOf(c roster.Change, ignoreFailure bool) *api.ContainerUpdate {
	u := &api.ContainerUpdate{}
	u.SetContainerId(c.ID)
	u.SetLinuxCPUQuota(c.Limit.Quota)
	u.SetLinuxCPUPeriod(c.Limit.Period)
	if ignoreFailure {
		u.SetIgnoreFailure()
	}
	return u
}
