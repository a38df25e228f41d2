package endtoend

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// trial is a 30 s window of the hotel under an allocation that it was under before already.
type trial struct {
	at         float64   // number of the window
	pods       []float64 // logarithms, by service
	allocation int
	above      bool // p99 over 500 ms
}

// readCilantro reads the windows of Cilantro's hotel, without the first after each change, which still have its queue.
func readCilantro(t *testing.T) []trial {
	t.Helper()
	columns, n := table(t, filepath.Join(folder(t, "cilantro-hotel"), "ucbopt.csv.gz"))
	services := []string{
		"consul", "frontend", "geo", "jaeger", "memcached-profile", "memcached-rate", "memcached-reserve", "mongodb-geo", "mongodb-profile",
		"mongodb-rate", "mongodb-recommendation", "mongodb-reservation", "mongodb-user", "profile", "rate", "recommendation", "reservation", "search",
		"user",
	}
	numbers := map[string]int{}
	var list []trial
	before := ""
	for i := range n {
		key, one := "", trial{at: float64(i), above: number(t, columns["p99_ms"][i]) > 500}
		for _, s := range services {
			key += columns[s][i] + ","
			one.pods = append(one.pods, math.Log(number(t, columns[s][i])))
		}
		if key == before {
			if _, ok := numbers[key]; !ok {
				numbers[key] = len(numbers)
			}
			one.allocation = numbers[key]
			list = append(list, one)
		}
		before = key
	}
	return list
}

// smoother says how likely a window is above the target by windows of other allocations, which weigh less the further they are in the
// logarithms of pods and in time: what drifts, such as caches and connections, shows in windows before and after.
type smoother struct{ pods, windows float64 }

// above is the share of weight above the target, NaN without any weight.
func (s smoother) above(of *trial, known []trial, past bool) float64 {
	weight, above := 0.0, 0.0
	for i := range known {
		k := &known[i]
		if k.allocation == of.allocation || past && k.at >= of.at {
			continue
		}
		square := 0.0
		for j, p := range of.pods {
			square += (p - k.pods[j]) * (p - k.pods[j])
		}
		w := math.Exp(-square/(2*s.pods*s.pods) - math.Abs(of.at-k.at)/s.windows)
		weight += w
		if k.above {
			above += w
		}
	}
	return above / weight
}

// online is the share above the target by the windows of other allocations that came before, in the mean over all smoothers: what came
// before is too little to choose one by. often is the share of these windows that were above. ok is false where there are none.
func online(of *trial, before []trial) (above, often float64, ok bool) {
	others := slices.DeleteFunc(slices.Clone(before), func(k trial) bool { return k.allocation == of.allocation })
	if len(others) == 0 {
		return 0, 0, false
	}
	for _, s := range smoothers() {
		above += s.above(of, others, true) / float64(len(smoothers()))
	}
	for i := range others {
		if others[i].above {
			often += 1 / float64(len(others))
		}
	}
	return above, often, true
}

// smoothers are those that are tried.
func smoothers() (list []smoother) {
	for _, pods := range []float64{0.5, 1, 2} {
		for _, windows := range []float64{25, 50, 100, 200, 1e9} {
			list = append(list, smoother{pods, windows})
		}
	}
	return list
}

// tally counts right answers by class.
type tally struct{ right, all [2]float64 }

func (b *tally) add(above, said bool) {
	class := 0
	if above {
		class = 1
	}
	b.all[class]++
	if above == said {
		b.right[class]++
	}
}

// balanced is the mean of the shares of right answers in both classes.
func (b *tally) balanced() float64 { return (b.right[0]/b.all[0] + b.right[1]/b.all[1]) / 2 }

// often is the share of windows above the target: where a prediction exceeds it, above is likelier than usual.
func often(list []trial) float64 {
	n := 0.0
	for i := range list {
		if list[i].above {
			n++
		}
	}
	return n / float64(len(list))
}

// best chooses the smoother that tells known windows best from those of other known allocations.
func best(known []trial) smoother {
	var chosen smoother
	most := 0.0
	for _, s := range smoothers() {
		b, limit := tally{}, often(known)
		for i := range known {
			b.add(known[i].above, s.above(&known[i], known, false) > limit)
		}
		if score := b.balanced(); score > most {
			chosen, most = s, score
		}
	}
	return chosen
}

// TestCilantro tells from an allocation that was never seen whether p99 is above 500 ms. There are no spans, so that no service has a law
// of its own: this is what the measurements themselves have to say.
func TestCilantro(t *testing.T) {
	t.Parallel()
	list := readCilantro(t)
	const folds = 5
	order := rand.New(rand.NewPCG(13, 14)).Perm(len(list)) // more than there are allocations
	var between, past, podsOnly, before, running tally
	for i := range list {
		// Where all before were above, so is the next likely; without any before there is nothing to say.
		if above, usual, ok := online(&list[i], list[:i]); ok {
			running.add(list[i].above, above > usual || usual == 1)
		}
	}
	for fold := range folds {
		test := func(tr *trial) bool { return order[tr.allocation]%folds == fold }
		known := slices.DeleteFunc(slices.Clone(list), func(tr trial) bool { return test(&tr) })
		s, limit := best(known), often(known)
		for i := range list {
			one := &list[i]
			if !test(one) {
				continue
			}
			between.add(one.above, s.above(one, known, false) > limit)
			past.add(one.above, s.above(one, known, true) > limit)
			podsOnly.add(one.above, smoother{s.pods, 1e9}.above(one, known, false) > limit)
			for k := range slices.Backward(list[:i]) {
				if list[k].allocation != one.allocation {
					before.add(one.above, list[k].above)
					break
				}
			}
		}
	}
	t.Logf("%v windows of unseen allocations, %v above 500 ms: balanced accuracy %.3f with windows of other allocations before and after, %.3f with those before, "+
		"%.3f by pods alone; as the allocation before %.3f; with all windows of other allocations before, %.3f of the %v that have any", between.all[0]+between.all[1], between.all[1], between.balanced(), past.balanced(), podsOnly.balanced(),
		before.balanced(), running.balanced(), running.all[0]+running.all[1])
	if between.balanced() < 0.85 {
		t.Errorf("balanced accuracy %.3f, want at least 0.85", between.balanced())
	}
	if running.balanced() < 0.82 {
		t.Errorf("balanced accuracy from the past %.3f, want at least 0.82", running.balanced())
	}
}
