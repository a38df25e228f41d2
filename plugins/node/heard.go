package node

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/follow"
	"github.com/ballast-k8s/ballast/plugins/node/isolator"
)

// heard is what the API server has told.
type heard struct {
	mode   v1alpha1.Mode           // empty: nothing yet
	object *v1alpha1.NodeIsolation // nil where there is none, or none was heard of
	known  bool                    // the object, be it that there is none
}

func (a *Agent) told() heard {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.heard
}

// wish is what is wanted, as far as it was heard.
func (a *Agent) wish() isolator.Wish { return a.told().wish() }

func (h heard) wish() isolator.Wish {
	w := isolator.Wish{Mode: h.mode}
	if h.object != nil {
		w.Spec = &h.object.Spec
	}
	return w
}

// What is followed is selected by name: the rules of RBAC with resourceNames permit a list or watch with such a selector. What they cannot
// say is "of its own node", so that the agent has no right to pods.

func (a *Agent) objectSource() follow.Source {
	objects := a.options.Objects.Resource(v1alpha1.NodeIsolations)
	return follow.Source{
		Name: "the NodeIsolation object", Example: &unstructured.Unstructured{}, Client: a.options.Objects,
		List: follow.Lists(objects.List), Watch: objects.Watch,
	}
}

// takeMode takes a change of the switch. A value that is no mode changes nothing.
func (a *Agent) takeMode(ctx context.Context, mode v1alpha1.Mode, err error) {
	logger := klog.FromContext(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil:
		logger.Error(err, "Ignored the switch; keeping the mode", "mode", a.mode)
	case mode != a.mode:
		logger.Info("The switch changed the mode", "mode", mode, "before", a.mode)
		a.mode = mode
		a.changed()
	}
}

// takeObject takes a change of the node's object. One that is gone is made anew, with nothing wanted.
func (a *Agent) takeObject(ctx context.Context, obj any) {
	var object *v1alpha1.NodeIsolation
	if u, ok := obj.(*unstructured.Unstructured); ok {
		object = &v1alpha1.NodeIsolation{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, object); err != nil {
			klog.FromContext(ctx).Error(err, "Ignored the node's object; keeping the last wish", "nodeIsolation", a.options.Node)
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if object == nil && a.object != nil {
		klog.FromContext(ctx).Info("The node's object was deleted: nothing is wanted any more; making it anew", "nodeIsolation", a.options.Node)
	}
	again := !a.known || object == nil || a.object == nil || a.object.UID != object.UID || a.object.Generation != object.Generation
	a.object, a.known = object, true
	if again { // and not after a write of our own
		a.changed()
	}
}

// changed has a round made at once.
func (a *Agent) changed() {
	select {
	case a.wake <- struct{}{}:
	default: // one waits already
	}
}
