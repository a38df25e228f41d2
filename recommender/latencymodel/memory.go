package latencymodel

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
)

// memory is what a model remembers of a report, "" while nothing is known. One that is too long, which takes some hundred workloads, is left
// out: the next leader learns anew, and holds meanwhile what was decided.
func memory(r *objectives.Report) string {
	if r.Memory == nil {
		return ""
	}
	m := r.Memory()
	if len(m.Sizing.Workloads) == 0 {
		return ""
	}
	text, err := json.Marshal(m)
	if err != nil || len(text) > v1alpha1.MaxLatencyModelMemory { // an error is a number that JSON has not: a state that Restore would refuse
		return ""
	}
	return string(text)
}

// Recall returns how to read what the last leader published of an objective.
func Recall(client dynamic.Interface) objectives.Recall {
	return func(ctx context.Context, o *v1alpha1.LatencyObjective) (*objectives.Memory, error) {
		u, err := client.Resource(v1alpha1.LatencyModels).Namespace(o.Namespace).Get(ctx, o.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading LatencyModel %s/%s: %w", o.Namespace, o.Name, err)
		}
		if owners := u.GetOwnerReferences(); len(owners) == 0 || owners[0].UID != o.UID {
			return nil, nil // it was another objective's of that name
		}
		text, _, err := unstructured.NestedString(u.Object, "spec", "memory")
		if err != nil {
			return nil, fmt.Errorf("LatencyModel %s/%s: %w", o.Namespace, o.Name, err)
		}
		if text == "" {
			return nil, nil
		}
		m, err := objectives.ReadMemory(text)
		if err != nil {
			return nil, fmt.Errorf("LatencyModel %s/%s, field spec.memory: %w", o.Namespace, o.Name, err)
		}
		return m, nil
	}
}
