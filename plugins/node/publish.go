package node

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// refresh is how often a status is written in which only the use has changed.
const refresh = time.Minute

// publisher writes the status of one node's object.
type publisher struct {
	client dynamic.Interface
	node   string
	period time.Duration

	last    v1alpha1.NodeIsolationStatus
	written time.Time // zero: never, or the object is another one
	uid     types.UID
}

// due says how long to wait until a status may be written; 0 is now.
func (p *publisher) due(s v1alpha1.NodeIsolationStatus, now time.Time) time.Duration {
	wait := refresh
	if changed(p.last, s) {
		wait = p.period
	}
	if p.written.IsZero() {
		return 0
	}
	return max(p.written.Add(wait).Sub(now), 0)
}

// create makes the node's object, with nothing wanted. That there is one already is no error.
func (p *publisher) create(ctx context.Context) error {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "NodeIsolation", "metadata": map[string]any{"name": p.node},
	}}
	_, err := p.client.Resource(v1alpha1.NodeIsolations).Create(ctx, o, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making NodeIsolation %s: %w", p.node, err)
	}
	return nil
}

// write writes a status if it is time for it.
func (p *publisher) write(ctx context.Context, o *v1alpha1.NodeIsolation, s v1alpha1.NodeIsolationStatus, now time.Time) error {
	if o.UID != p.uid {
		p.uid, p.written = o.UID, time.Time{}
	}
	if p.due(s, now) > 0 {
		return nil
	}
	s.LastReport = &metav1.Time{Time: now}
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	body, err := json.Marshal([]operation{{"test", "/metadata/uid", o.UID}, {"add", "/status", s}})
	if err != nil {
		return fmt.Errorf("encoding the status of NodeIsolation %s: %w", p.node, err)
	}
	if _, err := p.client.Resource(v1alpha1.NodeIsolations).Patch(ctx, p.node, types.JSONPatchType, body, metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("writing the status of NodeIsolation %s: %w", p.node, err)
	}
	p.last, p.written = s, now
	return nil
}
