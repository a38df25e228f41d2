package interferencefit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// A node that is kept says the same as one that was just observed, also the second time, and to many at once, with load of no known class too.
func TestRememberedGainIsTheGain(t *testing.T) {
	k := learn(t, append(trio(), class{name: "unmeasured", unmeasured: true, base: 0.9, perUnit: map[string]float64{"loud": 0.7}})...)
	cache := newMixCache(nil)
	for i, pods := range [][]*v1.Pod{nil, several(2, "loud"), several(3, "quiet"), append(several(2, "loud"), several(1, "mystery")...)} {
		info := nodeOf("node", pods...)
		info.generation = int64(i)
		fresh, kept := observe(info, k, nodesetting.Report{}, ""), cache.get(info, k)
		for class := interference.Unknown; class < len(k.names); class++ {
			want := fresh.gain(class)
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for range 2 {
						if got := kept.gain(class); got != want {
							t.Errorf("node %d: gain of class %d is %v, want %v", i, class, got, want)
						}
					}
				})
			}
			all.Wait()
		}
		if got := math.Float64frombits(kept.gains.Load()[quiet].Load()); fresh.gains.Load() != nil || got != fresh.gain(quiet) {
			t.Errorf("node %d: remembered is %v, want %v, and nothing on a node that is not kept", i, got, fresh.gain(quiet))
		}
	}
	// A pod more is another node.
	crowd := nodeOf("node", several(3, "loud")...)
	crowd.generation = 100
	near(t, "gain on the changed node", cache.get(crowd, k).gain(quiet), observe(crowd, k, nodesetting.Report{}, "").gain(quiet))
}

// trained is a model of 200 classes fitted on 2,000 drawn mixes: each class slows every other by a factor of its own for each unit.
var trained = sync.OnceValues(func() (*interference.Model, error) {
	const classes = interference.MaxClasses
	rng := rand.New(rand.NewPCG(200, 1))
	var effect [classes][classes]float64
	for t := range classes {
		for j := range classes {
			effect[t][j] = -0.1 * rng.Float64()
		}
	}
	var text strings.Builder
	for class := range classes {
		fmt.Fprintf(&text, "n_class-%d,perf_class-%d,", class, class)
	}
	text.WriteString("line\n")
	for line := range interference.MaxMixes {
		var mix [classes]int
		for range 1 + rng.IntN(14) {
			mix[rng.IntN(classes)]++
		}
		for t, units := range mix {
			if units == 0 {
				text.WriteString("0,,")
				continue
			}
			ln := -effect[t][t] + 0.03*rng.NormFloat64()
			for j, neighbours := range mix {
				ln += float64(neighbours) * effect[t][j]
			}
			text.WriteString(strconv.Itoa(units) + "," + strconv.FormatFloat(math.Exp(ln), 'g', -1, 64) + ",")
		}
		fmt.Fprintln(&text, line)
	}
	table, err := interference.ReadMixes("drawn", strings.NewReader(text.String()))
	if err != nil {
		return nil, err
	}
	ds, err := interference.Pool(table)
	if err != nil {
		return nil, err
	}
	return interference.Fit(ds, "drawn")
})

// BenchmarkCycle is what the plugin costs a scheduling cycle of a large cluster, per node: each pod is scored on the nodes that the scheduler
// looks at (10 % of 5,000, from where it stopped), after the pod before it changed a node. Every node holds ten pods of any of 200 classes.
// Where pods come in batches of one class, as replicas do, most gains are remembered; where any class comes, few are.
func BenchmarkCycle(b *testing.B) {
	const nodes, looked = 5000, 500
	m, err := trained()
	if err != nil {
		b.Fatal(err)
	}
	k := newKnowledge(m)
	for _, batch := range []int{1, 20} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(5, 6))
			draw := func() *v1.Pod { return several(1, k.names[rng.IntN(len(k.names))])[0] }
			infos := make([]*fakeNode, nodes)
			for i := range infos {
				infos[i] = nodeOf(fmt.Sprint("node-", i))
				infos[i].generation = int64(i)
				for range 10 {
					infos[i].pods = append(infos[i].pods, fakePodInfo{pod: draw()})
				}
			}
			p := &InterferenceFit{cache: newMixCache(nil)}
			cycle := &cycle{condition: condition{Mode: v1alpha1.Active, Known: k}}
			state := &fakeState{data: cycle}
			pods, at := 0, 0
			used := processorTime(b)
			for b.Loop() {
				if pods%batch == 0 {
					cycle.class = rng.IntN(len(k.names))
				}
				pods++
				for range looked {
					if _, status := p.Score(b.Context(), state, nil, infos[at]); status != nil {
						b.Fatal(status)
					}
					at = (at + 1) % nodes
				}
				changed := infos[at]
				changed.generation = int64(nodes + pods)
				changed.pods[rng.IntN(10)] = fakePodInfo{pod: several(1, k.names[cycle.class])[0]}
			}
			b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(pods*looked), "cpu-ns/node")
		})
	}
}

// processorTime is the processor time of this process so far: what it works, whatever else the machine does meanwhile.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
