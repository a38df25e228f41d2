package writer

import (
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// create makes the node's object, with nothing wanted, to be deleted with its Node. That there is one already is no error: whoever made it, its
// owners are not touched.
func (w *Writer) create(ctx context.Context) error {
	if !w.made.IsZero() && w.options.Clock.Since(w.made) < remake {
		klog.FromContext(ctx).V(2).Info("The object is gone that was just made, maybe with its Node: making none for a while", "since", w.made)
		return nil // who finds it missing comes again
	}
	owners, err := w.owners(ctx)
	if err != nil {
		return err
	}
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "NodeIsolation", "metadata": map[string]any{"name": w.options.Node},
	}}
	if len(owners) > 0 {
		o.SetOwnerReferences(owners)
	}
	_, err = w.options.Objects.Resource(v1alpha1.NodeIsolations).Create(ctx, o, metav1.CreateOptions{})
	switch {
	case err == nil && len(owners) > 0:
		w.made = w.options.Clock.Now()
	case err != nil && !apierrors.IsAlreadyExists(err):
		return fmt.Errorf("making NodeIsolation %s: %w", w.options.Node, err)
	}
	return nil
}

// patch writes a status, unless the object is another one by now.
func (w *Writer) patch(ctx context.Context, l letter) error {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	body, err := json.Marshal([]operation{{"test", "/metadata/uid", l.uid}, {"add", "/status", l.status}})
	if err != nil {
		return fmt.Errorf("encoding the status of NodeIsolation %s: %w", w.options.Node, err)
	}
	objects := w.options.Objects.Resource(v1alpha1.NodeIsolations)
	if _, err := objects.Patch(ctx, w.options.Node, types.JSONPatchType, body, metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("writing the status of NodeIsolation %s: %w", w.options.Node, err)
	}
	return nil
}

// Changed says whether a status says something else than the one before, apart from what always moves: use, threads, the time, how far a node
// is from what it cannot meet, and which container's reason stands for a signal that several lack.
func Changed(before, after v1alpha1.NodeIsolationStatus) bool {
	return !equality.Semantic.DeepEqual(still(before), still(after))
}

func still(s v1alpha1.NodeIsolationStatus) v1alpha1.NodeIsolationStatus {
	s = *s.DeepCopy()
	s.LastReport = nil
	for i := range s.Groups {
		s.Groups[i].Domains, s.Groups[i].Threads = nil, 0
	}
	for i := range s.Absent {
		s.Absent[i].Why = ""
	}
	if s.Control != nil {
		s.Control.MilliSlack = nil
		if s.Control.Infeasible != "" {
			s.Control.Infeasible = "it is" // its sentence has the slack of the last reading
		}
	}
	for i := range s.Interference {
		f := &s.Interference[i]
		f.LastSeen, f.Evidence, f.MilliSlowdown = metav1.Time{}, "", nil
	}
	return s
}
