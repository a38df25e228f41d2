package held

import (
	"fmt"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

func TestHeldPods(t *testing.T) {
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	put := func(name, uid, node string) *v1.Pod {
		p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name, UID: types.UID(uid)}, Spec: v1.PodSpec{NodeName: node}}
		if err := store.Add(p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	held := New[string](corelisters.NewPodLister(store))
	const now, before = "by a model", "blind"
	held.Add(put("waits", "1", ""), before)
	held.Add(put("fresh", "2", ""), now)
	held.Add(put("placed", "3", "n1"), before)
	held.Add(put("reserved", "4", ""), before)
	held.Remove("4")
	held.Add(put("replaced", "5", ""), before)
	put("replaced", "6", "") // another pod of the same name
	held.Add(&v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "gone", UID: "7"}}, before)

	pods := held.Take(now)
	if len(pods) != 1 || pods["a/waits"] == nil {
		t.Errorf("take gives %v, want a/waits", pods)
	}
	if len(held.pods) != 1 {
		t.Errorf("%d pods are held, want the fresh one", len(held.pods))
	}
	if pods := held.Take(before); len(pods) != 1 || pods["a/fresh"] == nil {
		t.Errorf("take under another condition gives %v, want a/fresh", pods)
	}
}

func TestHeldPodsForgetTheDead(t *testing.T) {
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	held := New[string](corelisters.NewPodLister(store))
	for i := range 3 * minSweep {
		held.Add(&v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: fmt.Sprint(i), UID: types.UID(fmt.Sprint(i))}}, "")
	}
	if len(held.pods) > minSweep {
		t.Errorf("%d deleted pods are held, want at most %d", len(held.pods), minSweep)
	}
}
