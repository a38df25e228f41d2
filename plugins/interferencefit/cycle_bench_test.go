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
	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

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
	k := nodemix.Learn(m)
	for _, batch := range []int{1, 20} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(5, 6))
			draw := func() *v1.Pod { return byhand.Several(1, k.Names()[rng.IntN(len(k.Names()))])[0] }
			infos := make([]*byhand.NodeInfo, nodes)
			for i := range infos {
				infos[i] = byhand.Node(fmt.Sprint("node-", i))
				infos[i].Generation = int64(i)
				for range 10 {
					infos[i].Pods = append(infos[i].Pods, byhand.PodInfo{Pod: draw()})
				}
			}
			p := &InterferenceFit{cache: nodemix.NewCache(nil)}
			cycle := &cycle{condition: condition{Mode: v1alpha1.Active, Known: k}}
			state := &fakeState{data: cycle}
			pods, at := 0, 0
			used := processorTime(b)
			for b.Loop() {
				if pods%batch == 0 {
					cycle.class = rng.IntN(len(k.Names()))
				}
				pods++
				for range looked {
					if _, status := p.Score(b.Context(), state, nil, infos[at]); status != nil {
						b.Fatal(status)
					}
					at = (at + 1) % nodes
				}
				changed := infos[at]
				changed.Generation = int64(nodes + pods)
				changed.Pods[rng.IntN(10)] = byhand.PodInfo{Pod: byhand.Several(1, k.Names()[cycle.class])[0]}
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
