package hollownode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/ballast-k8s/ballast/simulator/hollownode/allocation"
)

// Run plays the nodes until ctx ends, which is not an error, or the plant cannot go on. It returns when all that it started has ended, and
// can be called once.
func (n *Nodes) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	var group sync.WaitGroup
	defer group.Wait()
	defer n.queue.ShutDown()
	defer stop(nil)
	if err := n.findNodes(ctx); err != nil {
		return fmt.Errorf("playing nodes: %w", err)
	}
	for range statusWorkers {
		group.Go(func() { n.work(ctx) })
	}
	if err := n.serve(ctx, &group); err != nil {
		return fmt.Errorf("playing nodes: %w", err)
	}
	if err := n.watch(ctx, &group); err != nil {
		return fmt.Errorf("playing nodes: %w", err)
	}
	close(n.ready)
	if n.cfg.OTLP != nil {
		group.Go(func() { n.sendTelemetry(ctx) })
	}
	if err := n.play(ctx); err != nil {
		return fmt.Errorf("playing nodes: %w", err)
	}
	return nil
}

// findNodes reads what the nodes offer. It changes while nobody looks: nodes are not resized here.
func (n *Nodes) findNodes(ctx context.Context) error {
	for _, name := range n.names() {
		object, err := n.cfg.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("reading node %q, which is a machine of the plant: %w", name, err)
		}
		home := &node{allocation.New(object), name}
		if offered, has := home.Allocatable().Cores(), n.machineCores(name); offered != has {
			return fmt.Errorf("node %q has %v cores allocatable, but its machine in the plant has %v: expected the same", name, offered, has)
		}
		n.mu.Lock()
		n.nodes[name] = home
		n.mu.Unlock()
	}
	return nil
}

// machineCores is the size of a machine, to the millicore, as nodes have it.
func (n *Nodes) machineCores(name string) float64 {
	for _, m := range n.cfg.Plant.Machines {
		if m.Name == name {
			return allocation.Amount{MilliCPU: int64(math.Round(m.Cores * 1000))}.Cores()
		}
	}
	return 0
}

// watch follows the pods and returns when those that are there have been taken in.
func (n *Nodes) watch(ctx context.Context, group *sync.WaitGroup) error {
	listers := map[string]corelisters.PodLister{}
	for _, namespace := range n.cfg.Namespaces {
		factory := informers.NewSharedInformerFactoryWithOptions(n.cfg.Client, 0, informers.WithNamespace(namespace))
		pods := factory.Core().V1().Pods()
		registration, err := pods.Informer().AddEventHandler(n.handlers())
		if err != nil {
			return fmt.Errorf("watching pods of namespace %q: %w", namespace, err)
		}
		factory.Start(ctx.Done())
		group.Go(func() {
			<-ctx.Done()
			factory.Shutdown()
		})
		if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
			return fmt.Errorf("watching pods of namespace %q: %w", namespace, errors.Join(errors.New("the first list did not come"), context.Cause(ctx)))
		}
		listers[namespace] = pods.Lister()
	}
	n.listers = listers
	return nil
}

func (n *Nodes) handlers() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			if pod, ok := object.(*v1.Pod); ok {
				n.observe(pod)
			}
		},
		UpdateFunc: func(_, object any) {
			if pod, ok := object.(*v1.Pod); ok {
				n.observe(pod)
			}
		},
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			if pod, ok := object.(*v1.Pod); ok {
				n.forget(pod)
			}
		},
	}
}
