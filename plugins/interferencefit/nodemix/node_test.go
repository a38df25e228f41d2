package nodemix

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

func TestObserve(t *testing.T) {
	k := learn(t, append(byhand.Trio(), byhand.Class{Name: "new", Unmeasured: true})...)
	pods := append(byhand.Several(2, "loud"), byhand.Pod("quiet", "0.2"), byhand.Pod("mystery", ""), byhand.Pod("new", "0.5"),
		byhand.Pod("quiet", "nonsense"), byhand.Owned("kube-system", "DaemonSet", "cni"))
	n := observe(byhand.Node("n1", pods...), k, nodesetting.Report{}, "")

	// Unknown, 2 quiet, 2 loud, 1 new; the DaemonSet's pod does not count.
	full := interference.Mix{{Class: interference.Unknown, Units: 1}, {Class: quiet, Units: 2}, {Class: loud, Units: 2}, {Class: 3, Units: 1}}
	if diff := cmp.Diff(full, n.Mix); diff != "" {
		t.Errorf("mix (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(full[1:], n.known); diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(full[1:3], n.trusted); diff != "" {
		t.Errorf("trusted (-want +got):\n%s", diff)
	}
	// quiet beside 2 loud: 0.5² = 0.25; loud beside one more: 0.8; new: 1.
	byhand.Near(t, "value", n.values[0], 2*0.25+2*0.8+1)
	// One floor: the unmeasured class is not protected, and nonsense is no floor.
	if len(n.floors) != 1 || n.floors[0].floor != 0.2 {
		t.Fatalf("floors are %+v, want one of 0.2", n.floors)
	}
	byhand.Near(t, "performance under the floor", n.floors[0].here, 0.25)

	without := observe(byhand.Node("n1", pods...), k, nodesetting.Report{}, pods[0].UID)
	if got := without.Mix.Units(loud); got != 1 {
		t.Errorf("leaving out one loud pod leaves %v", got)
	}
}

func TestGain(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	cases := map[string]struct {
		class int
		pods  []*v1.Pod
		want  float64
	}{
		"empty node": {quiet, nil, 1},
		// quiet: 0.5; loud loses nothing.
		"quiet beside loud": {quiet, byhand.Several(1, "loud"), 0.5},
		// loud itself: 1; two quiet fall from 1 to 0.5 each.
		"loud beside two quiet": {loud, byhand.Several(2, "quiet"), 1 - 2*0.5},
		// helper itself: 1; two quiet rise from 1 to 1.5 each.
		"helper beside two quiet": {helper, byhand.Several(2, "quiet"), 1 + 2*0.5},
		// Both loud run at 0.8: 1.6 after, 1 before.
		"loud beside loud": {loud, byhand.Several(1, "loud"), 0.6},
		// An unknown neighbour counts as the mean of the three: ln 0.5 / 3 a unit for quiet, and its help is not assumed.
		"quiet beside unknown": {quiet, byhand.Several(1, "mystery"), math.Cbrt(0.5)},
		// Unknown load presses on loud itself by the mean (ln 0.8 / 3); the loss of quiet, 0.5, is counted as without it.
		"loud beside quiet and unknown": {loud, append(byhand.Several(1, "quiet"), byhand.Several(1, "mystery")...), math.Cbrt(0.8) - 0.5},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n := observe(byhand.Node("n1", c.pods...), k, nodesetting.Report{}, "")
			byhand.Near(t, "gain", n.Gain(c.class), c.want)
			if allocs := testing.AllocsPerRun(100, func() { n.Gain(c.class) }); allocs != 0 {
				t.Errorf("gain allocates %v times", allocs)
			}
		})
	}
}

// By V(mix + pod) - V(mix) alone, unknown load would make this node look better for loud: it would leave quiet less to lose. The
// case is worked out here so that nobody simplifies gain back to it.
func TestUnknownLoadDoesNotHideALoss(t *testing.T) {
	k := learn(t,
		byhand.Class{Name: "quiet", PerUnit: map[string]float64{"loud": 0.2}},
		byhand.Class{Name: "loud", PerUnit: map[string]float64{"quiet": 0.3}})
	// Plain: (0.2 + 0.3) - 1 = -0.5. With unknown load of factors sqrt(0.2) on quiet and sqrt(0.3) on loud:
	// 0.2·0.447 + 0.3·0.548 - 0.447 = -0.193, which is better than -0.5.
	clean := observe(byhand.Node("n1", byhand.Pod("quiet", "")), k, nodesetting.Report{}, "")
	crowded := observe(byhand.Node("n2", byhand.Pod("quiet", ""), byhand.Pod("mystery", "")), k, nodesetting.Report{}, "")
	byhand.Near(t, "gain without unknown load", clean.Gain(1), -0.5)
	byhand.Near(t, "gain with unknown load", crowded.Gain(1), 0.3*math.Sqrt(0.3)-0.8)
}

// TestUnknownLoadNeverHelps is the property over random models and mixes, providers included.
func TestUnknownLoadNeverHelps(t *testing.T) {
	src := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		k, pods := randomNode(t, src)
		for c := range k.names {
			last := math.Inf(1)
			for unknown := range 4 {
				n := observe(byhand.Node("n", append(byhand.Several(unknown, "mystery"), pods...)...), k, nodesetting.Report{}, "")
				if got := n.Gain(c); got > last+1e-12 {
					t.Fatalf("gain of class %d rises from %v to %v with unknown load %d in %v", c, last, got, unknown, n.Mix)
				} else {
					last = got
				}
			}
		}
	}
}

// randomNode draws a model of up to five classes and up to eight pods.
func randomNode(t testing.TB, src *rand.Rand) (*Knowledge, []*v1.Pod) {
	t.Helper()
	classes := make([]byhand.Class, 1+src.IntN(5))
	for i := range classes {
		classes[i] = byhand.Class{Name: fmt.Sprintf("c%d", i), Base: 0.5 + src.Float64(), PerUnit: map[string]float64{}, Presence: map[string]float64{}}
		for j := range classes {
			classes[i].PerUnit[fmt.Sprintf("c%d", j)] = 0.4 + 0.8*src.Float64()
			classes[i].Presence[fmt.Sprintf("c%d", j)] = 0.6 + 0.9*src.Float64()
		}
	}
	var pods []*v1.Pod
	for range src.IntN(8) {
		pods = append(pods, byhand.Pod(fmt.Sprintf("c%d", src.IntN(len(classes))), ""))
	}
	return learn(t, classes...), pods
}
