package fleet

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

const (
	// filled is the share of a node's cores that is requested at all times, fillerLeast what batch work never yields.
	filled, fillerLeast = 0.96, 0.02
	// MemoryBytes is what every pod uses: the comparison is about CPU, and memory takes the same way in all arms.
	MemoryBytes = 300e6
	// StartBytes is what a developer requests of it.
	StartBytes = 512e6
)

// Pod is a pod as its manifest has it.
type Pod struct {
	Service, Node int
	Number        int
	Milli         int64 // requested CPU, millicores
	Memory        int64 // requested, bytes
	Changed       float64
	id            queueing.PodID
}

// Fleet is the pods and the nodes that they request of. Without a simulation it only keeps the books.
type Fleet struct {
	Services []hotel.Service
	Nodes    []float64 // cores
	Pods     []Pod
	fillers  []queueing.PodID
	sim      *queueing.Simulation

	Resizes, Deferred int
}

// New deploys the application with some requests, in cores per pod by service.
func New(requests []float64) *Fleet {
	f := &Fleet{Services: hotel.Services()}
	index, count := map[string]int{}, map[string]int{}
	for i, s := range f.Services {
		index[s.Name] = i
	}
	node := map[string]int{}
	for i, m := range hotel.Machines() {
		node[m.Name] = i
		f.Nodes = append(f.Nodes, m.Cores)
	}
	for _, p := range hotel.Placement() {
		s := index[p.Service]
		f.Pods = append(f.Pods, Pod{
			Service: s, Node: node[p.Machine], Number: count[p.Service], Milli: Millicores(requests[s]), Memory: StartBytes, Changed: math.Inf(-1),
		})
		count[p.Service]++
	}
	return f
}

// Guessed are the developer's requests.
func Guessed() []float64 {
	var out []float64
	for _, s := range hotel.Services() {
		out = append(out, s.RequestCores)
	}
	return out
}

// Millicores rounds cores.
func Millicores(cores float64) int64 { return int64(math.Round(1000 * cores)) }

// Cores is the request.
func (p *Pod) Cores() float64 { return float64(p.Milli) / 1000 }

// Deploy puts the pods into a simulation, with batch work on every node.
func (f *Fleet) Deploy(sim *queueing.Simulation) error {
	f.sim = sim
	machines := hotel.Machines()
	var err error
	for i := range f.Pods {
		p := &f.Pods[i]
		p.id, err = sim.AddPod(queueing.PodSpec{
			Service: f.Services[p.Service].Name, Machine: machines[p.Node].Name, RequestCores: p.Cores(), Started: true,
		})
		if err != nil {
			return err
		}
	}
	for n, m := range machines {
		id, err := sim.AddBatch(queueing.BatchSpec{Machine: m.Name, Threads: int(2 * m.Cores), RequestCores: f.rest(n)})
		if err != nil {
			return err
		}
		f.fillers = append(f.fillers, id)
	}
	return nil
}

// Requested is what the application requests of a node.
func (f *Fleet) Requested(node int) float64 {
	var sum int64
	for i := range f.Pods {
		if f.Pods[i].Node == node {
			sum += f.Pods[i].Milli
		}
	}
	return float64(sum) / 1000
}

// rest is what batch work requests of a node.
func (f *Fleet) rest(node int) float64 {
	return max(filled*f.Nodes[node]-f.Requested(node), fillerLeast*f.Nodes[node])
}

// room is what the application could still request of a node: batch work yields.
func (f *Fleet) room(node int) float64 {
	return (1-fillerLeast)*f.Nodes[node] - f.Requested(node)
}

// Resize gives a pod its requests, in place, or counts it as deferred if the node has no room. What is there already is no resize.
func (f *Fleet) Resize(now float64, i int, milli, memory int64) error {
	p := &f.Pods[i]
	if p.Milli == milli && p.Memory == memory {
		return nil
	}
	if float64(milli-p.Milli)/1000 > f.room(p.Node) {
		f.Deferred++
		return nil
	}
	p.Milli, p.Memory, p.Changed = milli, memory, now
	f.Resizes++
	if f.sim == nil {
		return nil
	}
	if err := f.sim.Resize(p.id, p.Cores(), 0); err != nil {
		return err
	}
	if err := f.sim.Resize(f.fillers[p.Node], f.rest(p.Node), 0); err != nil {
		return fmt.Errorf("making room for batch work: %w", err)
	}
	return nil
}

// Total is what the application requests in cores.
func (f *Fleet) Total() float64 {
	var sum float64
	for n := range f.Nodes {
		sum += f.Requested(n)
	}
	return sum
}

// Millis are the requests of all pods, in millicores.
func (f *Fleet) Millis() []int64 {
	out := make([]int64, len(f.Pods))
	for i := range f.Pods {
		out[i] = f.Pods[i].Milli
	}
	return out
}
