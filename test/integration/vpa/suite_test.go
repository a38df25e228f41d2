// Package vpa_test runs metrics-server and the stock VPA, as local clusters have them, on a real control plane with a simulated
// kubelet: usage goes in at one end, resized pods come out at the other.
package vpa_test

import (
	"context"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	vpaclientset "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/client/clientset/versioned"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/addons"
	"github.com/ballast-k8s/ballast/test/component"
)

const (
	// soon bounds what should take a moment; it is generous for busy machines and the race detector.
	soon = 30 * time.Second
	// speedup is that of the demonstration: rounds of a second.
	speedup = 60
)

// suite is the cluster that all tests share.
type suite struct {
	*localcluster.Cluster
	client  kubernetes.Interface
	vpas    vpaclientset.Interface
	kubelet *kubelet
	metrics *localcluster.Child
	vpa     *addons.VPA
	// installed gets a value when VPA runs, or cannot.
	installed chan installed
	// names are those of the pods before VPA acts.
	names []string
}

// installed is what StartVPA returns.
type installed struct {
	vpa *addons.VPA
	err error
}

// TestVPA takes one cluster through the life of a workload. Subtests depend on those before.
func TestVPA(t *testing.T) {
	ctx := context.WithoutCancel(t.Context()) // the cluster must outlive it: its logs are read in the clean-up
	cluster, err := localcluster.Start(ctx, localcluster.Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{Cluster: cluster, installed: make(chan installed, 1)}
	t.Cleanup(func() {
		for _, child := range s.children() {
			if t.Failed() {
				t.Logf("log of %s:\n%s", child.Name(), component.Tail(child.LogPath(), 30))
			}
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	go func() { // takes its time, which the tests of metrics-server use
		vpa, err := addons.StartVPA(ctx, cluster, speedup)
		s.installed <- installed{vpa: vpa, err: err}
	}()
	s.connect(t)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"kubectl top", testTop},
		{"metrics need a permission", testForbidden},
		{"kubelets know who asks", testIdentity},
		{"stock periods", testDefaults},
		{"recommends and resizes", testResize},
		{"new pods begin with the recommendation", testAdmission},
		{"stays within its permissions", testPermissions},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, s) }) {
			return
		}
	}
}

// connect makes the administrator's clients, a node and its kubelet.
func (s *suite) connect(t *testing.T) {
	t.Helper()
	var err error
	if s.client, err = kubernetes.NewForConfig(s.AdminConfig()); err != nil {
		t.Fatal(err)
	}
	if s.vpas, err = vpaclientset.NewForConfig(s.AdminConfig()); err != nil {
		t.Fatal(err)
	}
	shape := localcluster.NodeShape{
		Capacity: v1.ResourceList{v1.ResourceCPU: resource.MustParse("8"), v1.ResourceMemory: resource.MustParse("32Gi")},
	}
	if err := s.AddNodes(t.Context(), "n", 1, shape); err != nil {
		t.Fatal(err)
	}
	s.kubelet = startKubelet(t, s.Cluster, s.client)
}

// children are the processes under test, those that run.
func (s *suite) children() []*localcluster.Child {
	var list []*localcluster.Child
	if s.metrics != nil {
		list = append(list, s.metrics)
	}
	if s.vpa != nil {
		list = append(list, s.vpa.Recommender, s.vpa.Updater, s.vpa.AdmissionController)
	}
	return list
}
