package hollownode

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/simulator/hollownode/podstatus"
)

const (
	// statusWorkers write at the same time: enough to hide the latency of a request, few enough for two cores.
	statusWorkers = 4
	// A write that failed is tried again after retryFirst, then twice that and so on up to retryLast.
	retryFirst, retryLast = 20 * time.Millisecond, 2 * time.Second
)

// work tells the API server what became of pods, until ctx ends.
func (n *Nodes) work(ctx context.Context) {
	for {
		uid, ended := n.queue.Get()
		if ended {
			return
		}
		err := n.tell(ctx, uid)
		switch {
		case err == nil, apierrors.IsNotFound(err), ctx.Err() != nil: // it is gone, and so are its events
			n.queue.Forget(uid)
		default:
			n.queue.AddRateLimited(uid)
			n.mu.Lock()
			n.status.PatchFailures++
			n.fail(err)
			n.mu.Unlock()
		}
		n.queue.Done(uid)
	}
}

// tell writes a pod's status if it is not what it should be, and takes a pod away that has ended.
func (n *Nodes) tell(ctx context.Context, uid types.UID) error {
	n.mu.Lock()
	p := n.pods[uid]
	if p == nil {
		n.mu.Unlock()
		return nil
	}
	object := p.object
	var wanted *v1.PodStatus
	if p.grant != nil || p.rejected != nil { // else the plant would not have it: nobody runs it
		wanted = p.facts().Status(n.clock.Wall(n.sim.Now(), time.Now()))
	}
	over := object.DeletionTimestamp != nil && (p.gone || p.grant == nil)
	n.mu.Unlock()
	if over {
		return n.remove(ctx, object)
	}
	if wanted == nil || terminal(object) || apiequality.Semantic.DeepEqual(&object.Status, wanted) {
		return nil
	}
	patch, err := podstatus.Patch(object, wanted)
	if err != nil {
		return err
	}
	answer, err := n.cfg.Client.CoreV1().Pods(object.Namespace).Patch(
		ctx, object.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("writing the status of pod %s/%s: %w", object.Namespace, object.Name, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status.Patches++
	if p.object == object { // else the informer has been faster
		p.object = answer
	}
	return nil
}

// remove deletes an object whose pod has ended, as the kubelet does once its containers have.
func (n *Nodes) remove(ctx context.Context, object *v1.Pod) error {
	now := int64(0)
	options := metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &object.UID}}
	if err := n.cfg.Client.CoreV1().Pods(object.Namespace).Delete(ctx, object.Name, options); err != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("deleting pod %s/%s, which has ended: %w", object.Namespace, object.Name, err)
	}
	return nil
}

func (p *pod) facts() podstatus.Facts {
	return podstatus.Facts{Object: p.object, Grant: p.grant, Rejected: p.rejected, Begun: p.begun, ReadySince: p.readySince, Ready: p.ready}
}
