package localize

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// outcome counts samples of a kind: the true cause first, among the first three, and above the bar; of quiet ones, any above the bar.
type outcome struct{ n, first, three, named float64 }

// outcomes is by kind of fault, "quiet", and all CPU faults together.
type outcomes map[string]*outcome

const allCPU = "all of CPU"

func (o outcomes) at(kind string) *outcome {
	if o[kind] == nil {
		o[kind] = &outcome{}
	}
	return o[kind]
}

// count adds a sample, and reports whether the cause is first. A tie is lost.
func (o outcomes) count(s *sample, scores []float64, bar, weight float64) bool {
	kinds := []string{s.kind}
	if strings.HasPrefix(s.kind, "cpu") {
		kinds = append(kinds, allCPU)
	}
	rank := 0
	for i, x := range scores {
		if s.truth >= 0 && (i == s.truth || x >= scores[s.truth]) {
			rank++
		}
	}
	for _, kind := range kinds {
		one := o.at(kind)
		one.n += weight
		if rank == 1 {
			one.first += weight
		}
		if 1 <= rank && rank <= 3 {
			one.three += weight
		}
		if s.truth >= 0 && scores[s.truth] > bar || s.truth < 0 && slices.Max(scores) > bar {
			one.named += weight
		}
	}
	return s.truth < 0 || rank == 1
}

// String is a table.
func (o outcomes) String() string {
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(o)) {
		one := o[kind]
		if kind == "quiet" {
			fmt.Fprintf(&b, "\n  %-15s %3.0f  a service is named in %.1f", kind, one.n, one.named)
			continue
		}
		fmt.Fprintf(&b, "\n  %-15s %3.0f  first %.2f, among three %.2f, named %.2f", kind, one.n, one.first/one.n, one.three/one.n, one.named/one.n)
	}
	return b.String()
}

// trial trains a method and counts on other samples. It returns the faults that slow things and whose cause is not first.
func trial(m method, learn, test []*sample, result outcomes, weight float64) (missed []*sample) {
	score := m.train(learn)
	for _, s := range test {
		if !result.count(s, score(s), m.bar, weight) && slow(s.kind) {
			missed = append(missed, s)
		}
	}
	return missed
}
