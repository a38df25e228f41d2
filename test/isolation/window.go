package isolation

import (
	"math"
	"slices"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// tail is the 99th percentile of the latencies of the last 2 s, or of the last 200 requests where 2 s have fewer (firm-aquatope-drpc 5.7).
type tail struct {
	steps [][]float64
	quiet int // steps without a reading, in a row
}

const (
	tailSteps    = 20 // 2 s
	tailRequests = 200
	mostSteps    = 100 // 10 s: what is older says nothing of now
)

func (t *tail) add(latencies []float64) {
	if latencies == nil {
		t.quiet++
		return
	}
	t.quiet = 0
	t.steps = append(t.steps, slices.Clone(latencies))
	if len(t.steps) > mostSteps {
		t.steps = t.steps[1:]
	}
}

// slack is (target − p99)/target, nil where nothing was read for a second.
func (t *tail) slack(target float64) *float64 {
	const second = 10
	if t.quiet >= second {
		return nil
	}
	var all []float64
	for k := len(t.steps) - 1; k >= 0 && (len(t.steps)-k <= tailSteps || len(all) < tailRequests); k-- {
		all = append(all, t.steps[k]...)
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	p99 := all[int(math.Ceil(0.99*float64(len(all))))-1]
	return new((target - p99) / target)
}

// batchCores is the CPU that batch jobs used in the last second, nil between seconds or where a counter is missing.
func batchCores(r *plant.Reading) *float64 {
	var sum float64
	read := false
	for j := range r.Jobs {
		switch c := r.Jobs[j].Counters; {
		case c != nil:
			sum, read = sum+c.CPUSeconds/c.Seconds, true
		case r.Jobs[j].Present:
			return nil
		}
	}
	if !read {
		return nil
	}
	return &sum
}

// batchGIPS is how many 10^9 instructions a second batch jobs executed in the last second, nil like batchCores, and where events are not counted.
func batchGIPS(r *plant.Reading) *float64 {
	var sum float64
	read := false
	for j := range r.Jobs {
		switch c := r.Jobs[j].Counters; {
		case c != nil && c.Events:
			sum, read = sum+c.Instructions/c.Seconds/1e9, true
		case r.Jobs[j].Present:
			return nil
		}
	}
	if !read {
		return nil
	}
	return &sum
}
