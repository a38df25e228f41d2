package latencymodel

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sort"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/objectives"
	"github.com/ballast-k8s/ballast/recommender/sizing"
)

// memory is what a model remembers of a report, "" while nothing is known. Where it would be too long, which takes some hundred workloads,
// it lacks those that were not seen for the longest time, and of those seen as lately the ones least used: the next leader learns them
// anew, and holds meanwhile what was decided. Left is their number.
func memory(r *objectives.Report) (text string, left int) {
	if r.Memory == nil {
		return "", 0
	}
	m := r.Memory()
	all := m.Sizing.Workloads
	if len(all) == 0 {
		return "", 0
	}
	if text, fits := encode(m); fits {
		return text, 0
	}
	byUse := slices.SortedStableFunc(slices.Values(all), func(a, b sizing.WorkloadState) int {
		return cmp.Or(b.Seen.Compare(a.Seen), cmp.Compare(b.Visits, a.Visits))
	})
	kept := sort.Search(len(byUse), func(n int) bool { // one less than the first number that is too many
		m.Sizing.Workloads = byUse[:n+1]
		_, fits := encode(m)
		return !fits
	})
	if kept == 0 {
		return "", len(all)
	}
	m.Sizing.Workloads = byUse[:kept]
	text, _ = encode(m)
	return text, len(all) - kept
}

// encode is a memory as text, "" where a model does not take it: it is too long, or has a number that JSON has not, which Restore would
// refuse.
func encode(m objectives.Memory) (text string, fits bool) {
	b, err := json.Marshal(m)
	if err != nil || len(b) > v1alpha1.MaxLatencyModelMemory {
		return "", false
	}
	return string(b), true
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
			return nil, fmt.Errorf("LatencyModel %s/%s: %w: %w", o.Namespace, o.Name, objectives.ErrUnreadable, err)
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
