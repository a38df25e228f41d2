package scheduler_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

func TestTmpThroughput(t *testing.T) {
	cluster, err := localcluster.Start(context.Background(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	s := &suite{Cluster: cluster, binary: build(t)}
	s.connect(t)
	if err := s.ApplyFiles(t.Context(), filepath.Join(root, "manifests/crd/ballast.dev_interferencemodels.yaml")); err != nil {
		t.Fatal(err)
	}
	s.publish(t, "default", time.Now(), nil, classes()...)
	shape := localcluster.NodeShape{Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("16"), v1.ResourceMemory: resource.MustParse("64Gi")}}
	if err := s.AddNodes(t.Context(), "n", 400, shape); err != nil {
		t.Fatal(err)
	}
	s.start(t, "\n- schedulerName: stock\n")
	names := []string{"quiet", "loud", "helper", "idle"}
	for round, scheduler := range []string{"stock", "ballast-scheduler", "stock", "ballast-scheduler"} {
		begin := time.Now()
		var wg sync.WaitGroup
		ch := make(chan int)
		for range 16 {
			wg.Go(func() {
				for i := range ch {
					s.create(t, podSpec{name: fmt.Sprintf("r%d-%d", round, i), class: names[i%4], pool: "n", scheduler: scheduler, cpu: "2"})
				}
			})
		}
		const n = 1500
		for i := range n {
			ch <- i
		}
		close(ch)
		wg.Wait()
		created := time.Since(begin)
		for {
			list, err := s.client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName="})
			if err != nil {
				t.Fatal(err)
			}
			if len(list.Items) == 0 {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Logf("%s: created in %v, all bound after %v: %.0f pods/s", scheduler, created, time.Since(begin), n/time.Since(begin).Seconds())
		if err := s.client.CoreV1().Pods("default").DeleteCollection(t.Context(), *metav1.NewDeleteOptions(0), metav1.ListOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
	}
}
