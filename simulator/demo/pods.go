package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

// namespace is where the batch is placed.
const namespace = metav1.NamespaceDefault

// stallTimeout is how long no pod may be bound before the demonstration gives up: a thousand times what one decision takes.
const stallTimeout = 30 * time.Second

// pod is the i-th container of the batch.
func (d *demonstration) pod(i int, scheduler string) *v1.Pod {
	class := d.in.Truth.Classes()[d.order[i]]
	request := v1.ResourceList{v1.ResourceCPU: resource.MustParse(containerCPU), v1.ResourceMemory: resource.MustParse(containerMemory)}
	// Class names may hold characters that object names may not.
	name := fmt.Sprintf("%s-%03d", strings.ReplaceAll(class, "_", "-"), i)
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{v1alpha1.ClassLabel: class}},
		Spec: v1.PodSpec{
			SchedulerName:                 scheduler,
			TerminationGracePeriodSeconds: new(int64),
			Containers:                    []v1.Container{{Name: "main", Image: "simulated", Resources: v1.ResourceRequirements{Requests: request}}},
		},
	}
}

// placeBatch creates the batch one pod after the other, waits until all are bound and returns the seconds it took.
func (d *demonstration) placeBatch(ctx context.Context, s Scheduler, scheduler *localcluster.Child) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pods := d.client.CoreV1().Pods(namespace)
	watcher, err := pods.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("watching pods: %w", err)
	}
	defer watcher.Stop()
	started := time.Now()
	created := make(chan struct{})
	go func() {
		defer close(created)
		for i := range d.order {
			if _, err := pods.Create(ctx, d.pod(i, s.Name), metav1.CreateOptions{}); err != nil {
				cancel(fmt.Errorf("creating pod %d of %d: %w", i+1, len(d.order), err))
				return
			}
		}
	}()
	err = d.awaitBinds(ctx, watcher, s, scheduler)
	seconds := time.Since(started).Seconds()
	cancel(err)
	<-created
	return seconds, err
}

// awaitBinds follows the pods until all have a node.
func (d *demonstration) awaitBinds(ctx context.Context, watcher watch.Interface, s Scheduler, scheduler *localcluster.Child) error {
	step := fmt.Sprintf("%s scheduler: containers placed", s.Title)
	bound := map[string]bool{}
	stall := time.NewTimer(stallTimeout)
	defer stall.Stop()
	for len(bound) < len(d.order) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-scheduler.Done():
			return errors.Join(fmt.Errorf("the scheduler ended"), scheduler.Err())
		case <-stall.C:
			return fmt.Errorf("no pod was bound for %s; %d of %d are; see %s", stallTimeout, len(bound), len(d.order), scheduler.LogPath())
		case event, ok := <-watcher.ResultChan():
			if !ok { // the API server ends a watch that is slow to read; a new one begins with all pods there are
				again, err := d.client.CoreV1().Pods(namespace).Watch(ctx, metav1.ListOptions{})
				if err != nil {
					return fmt.Errorf("watching pods again with %d of %d bound: %w", len(bound), len(d.order), err)
				}
				defer again.Stop()
				watcher = again
				continue
			}
			pod, ok := event.Object.(*v1.Pod)
			if !ok || pod.Spec.NodeName == "" || bound[pod.Name] {
				continue
			}
			bound[pod.Name] = true
			stall.Reset(stallTimeout)
			d.cfg.Progress(step, len(bound), len(d.order))
		}
	}
	return nil
}

// placement reads which node has how many containers of each class, nodes by name.
func (d *demonstration) placement(ctx context.Context) ([][]int, error) {
	nodes, err := d.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: parkLabel})
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	pods, err := d.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	index := make(map[string]int, len(nodes.Items))
	placement := make([][]int, len(nodes.Items))
	for i := range nodes.Items {
		index[nodes.Items[i].Name] = i
		placement[i] = make([]int, len(d.in.Batch))
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		class := slices.Index(d.in.Truth.Classes(), pod.Labels[v1alpha1.ClassLabel])
		node, ok := index[pod.Spec.NodeName]
		if class < 0 || !ok {
			return nil, fmt.Errorf("pod %s of class %q on node %q is not of this demonstration", pod.Name, pod.Labels[v1alpha1.ClassLabel], pod.Spec.NodeName)
		}
		placement[node][class]++
	}
	return placement, nil
}

// mostReasons is how many of a scheduler's reasons are shown: enough to see the kinds.
const mostReasons = 5

// Reasons returns up to so many of ballast-scheduler's events on the pods that are in a namespace: what kubectl describe pod shows
// an operator.
func Reasons(ctx context.Context, client kubernetes.Interface, namespace string, most int) ([]string, error) {
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	mine := make(map[types.UID]bool, len(pods.Items))
	for i := range pods.Items {
		mine[pods.Items[i].UID] = true
	}
	events, err := client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("reason", "InterferenceFit").String(),
	})
	if err != nil {
		return nil, fmt.Errorf("listing events: %w", err)
	}
	var all []string
	for i := range events.Items {
		if mine[events.Items[i].InvolvedObject.UID] {
			all = append(all, events.Items[i].InvolvedObject.Name+": "+events.Items[i].Message)
		}
	}
	var reasons []string
	stride := max(1, len(all)/most)
	for i := stride - 1; i < len(all) && len(reasons) < most; i += stride { // spread over the classes
		reasons = append(reasons, all[i])
	}
	return reasons, nil
}

// removePods deletes the batch and waits until it is gone.
func (d *demonstration) removePods(ctx context.Context) error {
	d.cfg.Progress("removing the containers", 0, 0)
	pods := d.client.CoreV1().Pods(namespace)
	if err := pods.DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}, metav1.ListOptions{}); err != nil {
		return fmt.Errorf("removing the containers: %w", err)
	}
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, stallTimeout, true, func(ctx context.Context) (bool, error) {
		left, err := pods.List(ctx, metav1.ListOptions{Limit: 1})
		return err == nil && len(left.Items) == 0, err
	})
	if err != nil {
		return fmt.Errorf("waiting until the containers are gone: %w", err)
	}
	return nil
}

// removeNodes deletes the park.
func (d *demonstration) removeNodes(ctx context.Context) error {
	err := d.client.CoreV1().Nodes().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: parkLabel})
	if err != nil {
		return fmt.Errorf("removing the nodes: %w", err)
	}
	return nil
}
