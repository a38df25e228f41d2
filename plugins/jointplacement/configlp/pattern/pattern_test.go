package pattern_test

import (
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp/pattern"
)

// instance has items of 5 pods each in one group of nodes with 8 slots and, of each, one of another resource.
func instance(items int, value func([]int) float64) *pattern.Instance {
	in := &pattern.Instance{GroupOf: []int{0}, Budget: 1000}
	for i := range items {
		in.ItemOf = append(in.ItemOf, items-1-i) // the other way round at the caller
		in.Counts = append(in.Counts, 8)
		in.Size = append(in.Size, []int64{1, 0})
	}
	in.Add(pattern.Group{Nodes: 3, Free: []int64{8, -1}, Value: value})
	return in
}

// Seven classes on eight slots have (7+8 choose 8) = 6,435 patterns.
func TestEnumerate(t *testing.T) {
	t.Parallel()
	in := instance(7, func(counts []int) float64 { return float64(counts[6]) })
	in.Enumerate(10_000)
	k := in.Kinds[0]
	if !k.Whole || !in.Complete() || len(k.Value) != 6435 || in.Valued != 6434 { // the empty one is not asked for
		t.Fatalf("%d patterns known, %d valued, whole %v; want 6435, 6434, true", len(k.Value), in.Valued, k.Whole)
	}
	var total float64
	for c := range int32(len(k.Value)) {
		for _, e := range k.Of(c) {
			if e.Item == 0 { // the caller's item 6
				total += float64(e.Count)
			}
		}
		total -= k.Value[c]
	}
	if total != 0 {
		t.Errorf("values do not belong to their patterns: they differ by %v in all", total)
	}
	few := instance(7, func([]int) float64 { return 0 })
	few.Enumerate(6434)
	if few.Complete() || few.Valued != 0 {
		t.Errorf("one pattern more than the limit: complete %v, %d valued; want none of them", few.Complete(), few.Valued)
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	in := instance(3, func(counts []int) float64 { return float64(100*counts[2] + 10*counts[1] + counts[0]) })
	k := in.Kinds[0]
	c := int32(0)
	for _, item := range []int{2, 0, 2} {
		c = k.Changed(c, pattern.None, item)
	}
	want := []pattern.Entry{{Item: 0, Count: 1}, {Item: 2, Count: 2}}
	if !slices.Equal(k.Of(c), want) || k.Value[c] != 102 {
		t.Fatalf("pattern is %v of value %v, want %v of 102", k.Of(c), k.Value[c], want)
	}
	d := k.Changed(c, 2, 1)
	if want := []pattern.Entry{{Item: 0, Count: 1}, {Item: 1, Count: 1}, {Item: 2, Count: 1}}; !slices.Equal(k.Of(d), want) || k.Value[d] != 111 {
		t.Errorf("exchanged it is %v of value %v, want %v of 111", k.Of(d), k.Value[d], want)
	}
	if back := k.Changed(d, 1, 2); back != c {
		t.Errorf("there and back is pattern %d, not %d", back, c)
	}
	if got := k.Changed(c, 1, 0); got != pattern.None {
		t.Errorf("a pod that is not there was taken out: %v", k.Of(got))
	}
	for range 5 {
		c = k.Changed(c, pattern.None, 0)
	}
	if got := k.Changed(c, pattern.None, 1); got != pattern.None {
		t.Errorf("nine pods on eight slots: %v", k.Of(got))
	}
	known := in.Valued
	if k.Know([]pattern.Entry{{Item: 0, Count: 1}, {Item: 2, Count: 2}}); in.Valued != known {
		t.Error("a known pattern was valued again")
	}
	in.Budget = in.Valued
	if got := k.Changed(d, 0, pattern.None); got != pattern.None {
		t.Errorf("a pattern was valued beyond the budget: %v", k.Of(got))
	}
}

// Two groups that can hold the same have one list and one price for each pattern, whatever they are worth; a third has its own. With prices 1,
// 10, 100 a pattern costs what its counts say as digits.
func TestGroupsThatHoldTheSameShareAList(t *testing.T) {
	t.Parallel()
	in := instance(3, func(counts []int) float64 { return float64(counts[0]) })
	for _, free := range [][]int64{{8, -5}, {2, 0}} { // no item takes of the second resource: what is left of it makes no difference
		in.GroupOf = append(in.GroupOf, len(in.GroupOf))
		in.Add(pattern.Group{Nodes: 1, Free: free, Value: func(counts []int) float64 { return float64(2 * counts[0]) }})
	}
	in.Enumerate(1000)
	var prices pattern.Prices
	prices.Set([]float64{1, 10, 100})
	a, b, c := prices.Of(in.Kinds[0]), prices.Of(in.Kinds[1]), prices.Of(in.Kinds[2])
	if len(a) != 165 || len(c) != 10 || &a[0] != &b[0] || &a[0] == &c[0] { // (3+8 choose 8), (3+2 choose 2)
		t.Fatalf("%d, %d and %d prices, want 165 of the first two groups in one list and 10", len(a), len(b), len(c))
	}
	for at := range int32(len(a)) {
		want, first := 0.0, 0.0
		for _, e := range in.Kinds[1].Of(at) {
			want += float64(e.Count) * []float64{1, 10, 100}[e.Item]
			if e.Item == 2 { // the caller's item 0
				first = float64(e.Count)
			}
		}
		if a[at] != want || in.Kinds[0].Value[at] != first || in.Kinds[1].Value[at] != 2*first {
			t.Errorf("pattern %v: price %v, want %v; values %v and %v, want %v and twice that",
				in.Kinds[1].Of(at), a[at], want, in.Kinds[0].Value[at], in.Kinds[1].Value[at], first)
		}
	}
	prices.Set([]float64{0, 0, 2})
	if again := prices.Of(in.Kinds[1]); again[164] != 2*float64(in.Kinds[1].Of(164)[0].Count) {
		t.Errorf("after a change of prices the last pattern costs %v", again[164])
	}
}
