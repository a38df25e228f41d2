package interferencefit

import (
	"math"
	"strconv"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// class describes a class of a model that can be worked out by hand: its performance is the product of base, of perUnit[j] for
// each unit of neighbour j, and of presence[j] for each neighbour j that is there. A factor that is not given is 1.
type class struct {
	name       string
	base       float64 // 0 means 1
	perUnit    map[string]float64
	presence   map[string]float64
	unmeasured bool
	residual   float64
}

// The three classes that most tests use:
//
//	quiet   halved by each unit of loud; 1.5 times as fast where a helper is present
//	loud    0.8 times for each further unit of loud
//	helper  nothing touches it
func trio() []class {
	return []class{
		{name: "quiet", perUnit: map[string]float64{"loud": 0.5}, presence: map[string]float64{"helper": 1.5}},
		{name: "loud", perUnit: map[string]float64{"loud": 0.8}},
		{name: "helper"},
	}
}

// Indices of trio.
const (
	quiet = iota
	loud
	helper
)

func document(classes ...class) interference.Document {
	n := len(classes)
	d := interference.Document{Format: interference.Format, Rank: n}
	for i, c := range classes {
		unit := make([]float64, n)
		unit[i] = 1
		response := make([]float64, 1+2*n)
		response[0] = log(c.base)
		for j, neighbour := range classes {
			response[1+j] = log(c.perUnit[neighbour.name])
			response[1+n+j] = log(c.presence[neighbour.name])
		}
		observations := 9
		if c.unmeasured {
			observations = 0
		}
		d.Classes = append(d.Classes, interference.Class{
			Name: c.name, Pressure: unit, Presence: unit, Response: response,
			Covariance:     make([]float64, (1+2*n)*(2+2*n)/2),
			ResidualStdDev: c.residual, IntervalScale: 1, Min: 0.001, Max: 10, Observations: observations,
		})
	}
	d.Version = interference.Fingerprint(d)
	return d
}

func log(factor float64) float64 {
	if factor == 0 {
		return 0
	}
	return math.Log(factor)
}

func learn(t testing.TB, classes ...class) *knowledge {
	t.Helper()
	m, err := interference.New(document(classes...))
	if err != nil {
		t.Fatal(err)
	}
	return newKnowledge(m)
}

// learnIn learns a model fitted in setting "" that knows others too, in each of which a neighbour of quiet counts for so many.
func learnIn(t testing.TB, countsFor map[string]float64) *knowledge {
	t.Helper()
	d := document(trio()...)
	for name, weight := range countsFor {
		d.Settings = append(d.Settings, interference.Setting{Name: name, Pressure: []float64{weight, 1, 1}})
	}
	d.Version = interference.Fingerprint(d)
	m, err := interference.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return newKnowledge(m)
}

// fakeNode is what the plugin reads of a NodeInfo.
type fakeNode struct {
	fwk.NodeInfo
	node       *v1.Node
	pods       []fwk.PodInfo
	generation int64
}

func (f *fakeNode) Node() *v1.Node         { return f.node }
func (f *fakeNode) GetPods() []fwk.PodInfo { return f.pods }
func (f *fakeNode) GetGeneration() int64   { return f.generation }

type fakePodInfo struct {
	fwk.PodInfo
	pod *v1.Pod
}

func (f fakePodInfo) GetPod() *v1.Pod { return f.pod }

func nodeOf(name string, pods ...*v1.Pod) *fakeNode {
	n := &fakeNode{node: &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, generation: 1}
	for _, p := range pods {
		n.pods = append(n.pods, fakePodInfo{pod: p})
	}
	return n
}

// fakeState is a CycleState with one entry.
type fakeState struct {
	fwk.CycleState
	data fwk.StateData
}

func (f *fakeState) Read(fwk.StateKey) (fwk.StateData, error) {
	if f.data == nil {
		return nil, fwk.ErrNotFound
	}
	return f.data, nil
}
func (f *fakeState) Write(_ fwk.StateKey, data fwk.StateData) { f.data = data }
func (f *fakeState) IsPodGroupSchedulingCycle() bool          { return false }

// podOf is a pod of a class by label; floor "" for none.
func podOf(class, floor string) *v1.Pod {
	p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: class, UID: types.UID(class + floor), Labels: map[string]string{}, Annotations: map[string]string{}}}
	if class != "" {
		p.Labels[v1alpha1.ClassLabel] = class
	}
	if floor != "" {
		p.Annotations[v1alpha1.MinPerformanceAnnotation] = floor
	}
	return p
}

// ownedPod is a pod of a controller, without a label.
func ownedPod(namespace, kind, owner string) *v1.Pod {
	controller := true
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: namespace, Name: owner + "-x", Labels: map[string]string{},
		OwnerReferences: []metav1.OwnerReference{{Kind: kind, Name: owner, Controller: &controller}},
	}}
}

// several repeats a class.
func several(n int, class string) []*v1.Pod {
	var pods []*v1.Pod
	for i := range n {
		p := podOf(class, "")
		p.UID += types.UID(strconv.Itoa(i))
		pods = append(pods, p)
	}
	return pods
}

func near(t testing.TB, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) < 1e-9) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// instant is when the tests happen.
var instant = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// noModels is a client of an API server without any of our types.
func noModels() dynamic.Interface { return dynamicfake.NewSimpleDynamicClient(runtime.NewScheme()) }
