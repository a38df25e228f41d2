package closedloop

import (
	"context"
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/simulator/demo"
	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

// nodeMemory is more than the pods request: CPU is what is scarce here.
const nodeMemory = "64Gi"

// makeNodes gives each arm its nodes.
func (l *Loop) makeNodes(ctx context.Context) error {
	for _, a := range arms() {
		cpu := resource.NewMilliQuantity(int64(hotel.Machines()[0].Cores*milliPerCore), resource.DecimalSI)
		shape := localcluster.NodeShape{
			Capacity: v1.ResourceList{v1.ResourceCPU: *cpu, v1.ResourceMemory: resource.MustParse(nodeMemory)},
			Labels:   map[string]string{armLabel: a.namespace},
			Taints:   []v1.Taint{{Key: armLabel, Value: a.namespace, Effect: v1.TaintEffectNoSchedule}},
		}
		if err := l.cluster.AddNodes(ctx, a.nodePrefix(), len(hotel.Machines()), shape); err != nil {
			return err
		}
		l.sides = append(l.sides, &side{arm: a})
	}
	return nil
}

// replicas is the number of an arm's pods, batch work left out.
func replicas() int {
	n := 0
	for _, s := range hotel.Services() {
		n += s.Replicas
	}
	return n
}

// place lets each arm's scheduler place its pods, beside batch work that is there already.
func (l *Loop) place(ctx context.Context) error {
	l.cfg.Progress("closed loop: placing the pods", 0, 0)
	if err := demo.Install(ctx, l.cluster, l.model); err != nil {
		return err
	}
	calls := make([]func() error, 0, len(l.sides))
	for _, s := range l.sides {
		calls = append(calls, func() error {
			if err := l.placeArm(ctx, s); err != nil {
				return fmt.Errorf("arm %s: %w", s.name, err)
			}
			return nil
		})
	}
	return together(calls...)
}

func (l *Loop) placeArm(ctx context.Context, s *side) error {
	if err := l.apply(ctx, "the batch pods of arm "+s.name, s.batch()...); err != nil {
		return err
	}
	scheduler, err := s.scheduler.Start(ctx, l.cluster, l.cfg.Scheduler)
	if err != nil {
		return err
	}
	defer scheduler.Stop()
	if err := l.apply(ctx, "the services of arm "+s.name, s.deployments()...); err != nil {
		return err
	}
	if err := await(ctx, "pods that run", func() (bool, error) { return l.running(ctx, s) }); err != nil {
		return err
	}
	if s.recommender == "" {
		return nil
	}
	if err := scheduler.AssertScored(ctx, replicas()); err != nil {
		return err
	}
	const most = 8
	s.reasons, err = demo.Reasons(ctx, l.client, s.namespace, most)
	return err
}

// running says whether all pods of an arm's services run.
func (l *Loop) running(ctx context.Context, s *side) (bool, error) {
	pods, err := l.client.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{LabelSelector: "!" + hollownode.ThreadsLabel})
	if err != nil {
		return false, fmt.Errorf("listing pods: %w", err)
	}
	n, waiting := 0, ""
	for i := range pods.Items {
		if pods.Items[i].Status.Phase == v1.PodRunning {
			n++
			continue
		}
		waiting = pods.Items[i].Name
	}
	if n < replicas() {
		return false, fmt.Errorf("%d of %d run, not %q", n, replicas(), waiting)
	}
	return true, nil
}

// speeds are how fast the truth lets an arm's pods run where they are, by service.
func (l *Loop) speeds(ctx context.Context, a arm) (map[string][]float64, error) {
	pods, err := l.client.CoreV1().Pods(a.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	classes := l.truth.Classes()
	class := func(p *v1.Pod) int { return slices.Index(classes, p.Labels[hollownode.ClassLabel]) }
	mixes := map[string][]int{}
	for i := range pods.Items {
		p := &pods.Items[i]
		if class(p) < 0 {
			return nil, fmt.Errorf("pod %s/%s has class %q, expected one of %v", p.Namespace, p.Name, p.Labels[hollownode.ClassLabel], classes)
		}
		if mixes[p.Spec.NodeName] == nil {
			mixes[p.Spec.NodeName] = make([]int, len(classes))
		}
		mixes[p.Spec.NodeName][class(p)]++
	}
	speeds := map[string][]float64{}
	for i := range pods.Items {
		p := &pods.Items[i]
		service := p.Labels[hollownode.DefaultServiceLabel]
		if service == "" {
			continue
		}
		performance, err := l.truth.Performance(mixes[p.Spec.NodeName])
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", p.Spec.NodeName, err)
		}
		speeds[service] = append(speeds[service], performance[class(p)])
	}
	return speeds, nil
}
