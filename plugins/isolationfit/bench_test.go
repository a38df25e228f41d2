package isolationfit

import (
	"fmt"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// benchNode is a node of 30 pods, of which one is of a workload with which etl was seen to interfere, and three declare a bandwidth.
func benchNode(i int) *fakeNode {
	n := &fakeNode{node: &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", i)}}}
	for j := range 30 {
		p := pod(fmt.Sprintf("app-%d", j), fmt.Sprintf("app-%d-%d", j, i))
		if j%10 == 0 {
			p.Annotations = map[string]string{v1alpha1.MemoryBandwidthAnnotation: "500"}
		}
		n.pods = append(n.pods, fakePod{pod: p})
	}
	return n
}

// bench are 500 nodes with reports and what is known of them.
func bench(b *testing.B) (nodes []*fakeNode, know *knowledge) {
	b.Helper()
	r := &reports{}
	for i := range 500 {
		nodes = append(nodes, benchNode(i))
		if err := r.Add(report(nodes[i].node.Name, instant, 3, int64(i), 5000)); err != nil {
			b.Fatal(err)
		}
	}
	know = r.take(instant.Add(time.Second), lister(), &map[v1alpha1.ContainerName]workload{})
	know.partners.add(workload{namespace: "shop", controller: "app-7"}, workload{namespace: "shop", controller: "etl"}, 0.2, "x")
	return nodes, know
}

func BenchmarkScore(b *testing.B) {
	nodes, know := bench(b)
	for name, c := range map[string]*cycle{
		"of no pair": {mode: v1alpha1.Active, know: know},
		"of a pair":  {mode: v1alpha1.Active, know: know, partners: know.partners[workload{namespace: "shop", controller: "etl"}]},
	} {
		b.Run(name, func(b *testing.B) {
			p, state := &IsolationFit{}, &fakeState{data: c}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, status := p.Score(b.Context(), state, nil, nodes[i%len(nodes)]); !status.IsSuccess() {
					b.Fatal(status)
				}
			}
		})
	}
}

func BenchmarkFilter(b *testing.B) {
	nodes, know := bench(b)
	for name, mbps := range map[string]float64{"fits": 1000, "rejects": 9999} {
		b.Run(name, func(b *testing.B) {
			p, state := &IsolationFit{}, &fakeState{}
			begin(p, know, v1alpha1.Active)
			asks := asking(pod("a", "new"), fmt.Sprint(mbps))
			p.PreFilter(b.Context(), state, asks, nil)
			b.ReportAllocs()
			for i := 1; b.Loop(); i++ {
				_ = p.Filter(b.Context(), state, asks, nodes[i%len(nodes)])
			}
		})
	}
}

// fakeNode is a node of a snapshot.
type fakeNode struct {
	fwk.NodeInfo
	node *v1.Node
	pods []fwk.PodInfo
}

func (f *fakeNode) Node() *v1.Node         { return f.node }
func (f *fakeNode) GetPods() []fwk.PodInfo { return f.pods }
