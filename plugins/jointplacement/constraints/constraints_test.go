package constraints_test

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
)

// The examples of Medea's paper and a comment.
const text = `
# Medea, section 4
{storm, {hb & mem, 1, inf}, node}
{storm, {hb ∧ sec, 0, 0}, upgrade-domain} 2   # none there
{spark, {spark, 3, 10}, rack} 0.5
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := constraints.Parse(text)
	want := []constraints.Constraint{
		{Subject: []string{"storm"}, Target: []string{"hb", "mem"}, Least: 1, Most: constraints.Unlimited, Group: "node", Weight: 1},
		{Subject: []string{"storm"}, Target: []string{"hb", "sec"}, Group: "upgrade-domain", Weight: 2},
		{Subject: []string{"spark"}, Target: []string{"spark"}, Least: 3, Most: 10, Group: "rack", Weight: 0.5},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"redis":                                        "line 1: expected {subject",
		"{a, {b, 0, 0}, node":                          "expected {subject",
		"{a {b, 0, 0}, node}":                          "expected {subject",
		"{a, {b, 0, 0} node}":                          "expected {subject",
		"{a, {b, 0}, node}":                            "expected {subject",
		"{a, {b, x, 0}, node}":                         `least is "x"`,
		"{a, {b, 0, y}, node}":                         `most is "y"`,
		"{a, {b, 2, 1}, node}":                         "most is 1",
		"{a, {b, -1, 1}, node}":                        "least is -1",
		"{a, {b, 0, inf}, node}":                       "holds always",
		"{a, {b, 0, 0}, }":                             `node group ""`,
		"{, {b, 0, 0}, node}":                          `subject: ""`,
		"{a & a, {b, 0, 0}, node}":                     "stands twice",
		"{a, {b c, 0, 0}, node}":                       `target: "b c"`,
		"{a, {b, 0, 0}, node} w":                       `weight is "w"`,
		"{a, {b, 0, 0}, node} 0":                       "weight is 0",
		"{a, {b, 0, 0}, node} NaN":                     "weight is NaN",
		"{a, {b, 0, 9000000}, node}":                   "most is 9000000",
		strings.Repeat("{a, {b, 0, 0}, node}\n", 1001): "line 1001: more than",
	} {
		if _, err := constraints.Parse(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", line, err, want)
		}
	}
}

func compile(t *testing.T, text string, tags ...[]string) *constraints.Set {
	t.Helper()
	all, err := constraints.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := constraints.Compile(all, tags)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCostByHand(t *testing.T) {
	t.Parallel()
	// Classes: redis, mms with a gpu, mms without, which both carry mms.
	s := compile(t, `
{redis, {redis, 0, 1}, node}      # at most one other redis
{redis, {mms, 0, 0}, node} 2
{mms & gpu, {redis, 1, inf}, node} 3
{mms, {mms, 2, 4}, rack}
{web, {redis, 1, inf}, node}      # nobody is web
`, []string{"redis"}, []string{"mms", "gpu"}, []string{"mms"})
	for _, c := range []struct {
		group  string
		counts []int
		want   float64
	}{
		{"node", []int{0, 0, 0}, 0},
		{"node", []int{2, 0, 0}, 0},
		{"node", []int{3, 0, 0}, 3},  // each of three has one other too many
		{"node", []int{4, 0, 0}, 8},  // each of four has two
		{"node", []int{1, 1, 2}, 6},  // 2 × 1 redis × 3 mms; the gpu has its redis
		{"node", []int{0, 2, 1}, 6},  // 3 × 2 of gpu × 1 missing
		{"rack", []int{9, 1, 0}, 2},  // one mms, two others missing
		{"rack", []int{9, 1, 2}, 0},  // each of three has two others
		{"rack", []int{0, 2, 5}, 14}, // each of seven has six others: two too many
		{"zone", []int{9, 9, 9}, 0},  // no constraint there
	} {
		if got := s.Cost(c.group, c.counts); got != c.want {
			t.Errorf("%s %v: cost %v, want %v", c.group, c.counts, got, c.want)
		}
	}
	if got := s.Idle(); !slices.Equal(got, []int{4}) {
		t.Errorf("idle %v, want the constraint of web", got)
	}
	if got := s.Groups(); !slices.Equal(got, []string{"node", "rack"}) {
		t.Errorf("groups %v", got)
	}
	want := []constraints.Broken{
		{Constraint: 1, Class: 0, Containers: 3, Others: 1, Cost: 6},
		{Constraint: 0, Class: 0, Containers: 3, Others: 2, Cost: 3},
	}
	if got := s.Broken("node", []int{3, 1, 0}); !slices.Equal(got, want) {
		t.Errorf("broken %+v, want %+v", got, want)
	}
	if got := s.Broken("zone", []int{3, 1, 0}); got != nil {
		t.Errorf("broken %+v in a group without constraints", got)
	}
}

// A container without the subject's tags changes the cost only through the target; without both it changes nothing.
func TestBystandersCostNothing(t *testing.T) {
	t.Parallel()
	s := compile(t, "{a, {b, 1, 2}, node}\n{b, {a & x, 0, 0}, node}", []string{"a", "x"}, []string{"b"}, []string{"c"}, []string{"a"})
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		counts := []int{rng.IntN(4), rng.IntN(4), rng.IntN(4), rng.IntN(4)}
		before := s.Cost("node", counts)
		counts[2]++
		if after := s.Cost("node", counts); after != before {
			t.Fatalf("%v: cost %v, %v without one of c", counts, after, before)
		}
		sum := 0.0
		for _, b := range s.Broken("node", counts) {
			sum += b.Cost
		}
		if sum != before {
			t.Fatalf("%v: what is broken costs %v, together %v", counts, sum, before)
		}
	}
}

func TestCompileChecks(t *testing.T) {
	t.Parallel()
	half := []constraints.Constraint{{Subject: []string{"a"}}}
	if _, err := constraints.Compile(half, nil); err == nil || !strings.Contains(err.Error(), "constraint 1: target") {
		t.Errorf("no target: error %v", err)
	}
	if _, err := constraints.Compile(make([]constraints.Constraint, 1001), nil); err == nil {
		t.Error("1,001 constraints, want an error")
	}
}

// Not parallel: AllocsPerRun would count the others' allocations.
func TestCostAllocatesNothing(t *testing.T) {
	s := compile(t, "{a, {b, 0, 0}, node}\n{b, {a, 1, 2}, rack}", []string{"a"}, []string{"b"})
	counts := []int{3, 2}
	if got := testing.AllocsPerRun(100, func() { s.Cost("node", counts) }); got != 0 {
		t.Errorf("%v allocations for a cost", got)
	}
}

// What is read is valid, and its text is read back as the same.
func FuzzParse(f *testing.F) {
	f.Add(text)
	f.Add("{a, {b, 0, 0}, node} 1e-3")
	f.Add("{a&b, {c/d=e, 1, ∞}, x.y/z}")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := constraints.Parse(text)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, c := range all {
			if err := c.Validate(); err != nil {
				t.Fatalf("%q was taken: %v", c, err)
			}
			again.WriteString(c.String() + "\n")
		}
		back, err := constraints.Parse(again.String())
		if err != nil || len(back) != len(all) {
			t.Fatalf("%q: %v", again.String(), err)
		}
		for i := range all {
			if !reflect.DeepEqual(all[i], back[i]) {
				t.Fatalf("%+v read back as %+v", all[i], back[i])
			}
		}
	})
}
