package rules_test

import (
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
	"github.com/ballast-k8s/ballast/test/peers/internal/published"
	"github.com/ballast-k8s/ballast/test/peers/rules"
)

func TestViolationByHand(t *testing.T) {
	t.Parallel()
	set := []rules.Rule{
		{Subject: 0, Target: 0, Threshold: 2, Weight: 1},                // at most two of class 0 together
		{Subject: 0, Target: 1, Threshold: 0, Weight: 2},                // class 0 wants no class 1
		{Subject: 1, Target: 0, AtLeast: true, Threshold: 1, Weight: 1}, // class 1 wants a class 0
		{Subject: 2, Target: 1, AtLeast: true, Threshold: 3, Weight: 5},
	}
	for _, c := range []struct {
		counts []int
		want   float64
	}{
		{[]int{0, 0, 0}, 0},
		{[]int{2, 0, 0}, 0},
		{[]int{4, 0, 0}, 8},  // 4 subjects × (4 − 2)
		{[]int{1, 3, 0}, 6},  // 2 × 1 × 3; class 1 has its class 0
		{[]int{0, 3, 0}, 3},  // 3 × (1 − 0)
		{[]int{3, 2, 0}, 15}, // 3 × 1 + 2 × 3 × 2
		{[]int{0, 1, 2}, 21}, // 1 + 5 × 2 × (3 − 1)
	} {
		if got := rules.Violation(set, c.counts); got != c.want {
			t.Errorf("%v: violation %v, want %v", c.counts, got, c.want)
		}
	}
	if got := rules.Total(set, [][]int{{4, 0, 0}, {0, 3, 0}}); got != 11 {
		t.Errorf("total %v, want 8 + 3", got)
	}
}

// The published file has 39 rules, the two affinities for redis among them, and double weight for redis against MMS and ISR
// (Metis, Experiments/interference_applist.csv and Medea.m).
func TestPublishedRules(t *testing.T) {
	t.Parallel()
	set := published.Rules(t)
	affinities, double := 0, 0
	for _, r := range set {
		if r.AtLeast {
			affinities++
			if r.Target != 0 || r.Threshold != 1 || (r.Subject != 1 && r.Subject != 6) {
				t.Errorf("affinity %+v, want only MMS and ISR for one redis", r)
			}
		}
		if r.Weight == 2 {
			double++
		}
	}
	if len(set) != 39 || affinities != 2 || double != 2 {
		t.Errorf("%d rules, %d affinities, %d of double weight; want 39, 2, 2", len(set), affinities, double)
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	head := "subject_app_1based,target_app_1based,type_0max_1min,threshold,medea_weight\n"
	for text, want := range map[string]string{
		"":                   "f:1: expected the columns",
		"a,b\n":              "f:1: expected the columns",
		head + "1,x,0,1,1\n": `f:2: column target_app_1based: "x"`,
		head + "1,3,0,1,1\n": "f:2: applications 1 and 3, expected 1 to 2",
		head + "1,2,2,1,1\n": "expected 0 or 1",
		head + "1,2,1,1,0\n": "weight 0",
	} {
		if _, err := rules.Read("f", strings.NewReader(text), 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// The product's constraint language costs every one of the 6,435 mixes of up to 8 containers what the closed form says.
func TestLanguageCostsTheSame(t *testing.T) {
	t.Parallel()
	set := published.Rules(t)
	compiled, err := rules.Compile(set, published.Names())
	if err != nil {
		t.Fatal(err)
	}
	mixes, broken := 0, 0
	counts := make([]int, published.Classes)
	var each func(class, room int)
	each = func(class, room int) {
		if class == len(counts) {
			mixes++
			want := rules.Violation(set, counts)
			if want > 0 {
				broken++
			}
			if got := compiled.Cost(constraints.Node, counts); got != want {
				t.Errorf("%v: cost %v, want %v", counts, got, want)
			}
			return
		}
		for n := range room + 1 {
			counts[class] = n
			each(class+1, room-n)
		}
		counts[class] = 0
	}
	each(0, 8)
	if mixes != 6435 || broken < 5000 {
		t.Errorf("%d mixes of which %d break a rule, want 6435 and most", mixes, broken)
	}
	all, err := rules.Language(set, published.Names())
	if err != nil {
		t.Fatal(err)
	}
	// Rules 1, 2 and 8 of the file, in words.
	for i, want := range map[int]string{
		0: "{redis, {redis, 0, 1}, node}", 1: "{redis, {mms, 0, 0}, node} 2", 7: "{mms, {redis, 1, inf}, node}",
	} {
		if got := all[i].String(); got != want {
			t.Errorf("rule %d is %s, want %s", i+1, got, want)
		}
	}
}

func TestLanguageRefusesWhatItCannotSay(t *testing.T) {
	t.Parallel()
	if _, err := rules.Language([]rules.Rule{{Weight: 1}}, []string{"a"}); err == nil || !strings.Contains(err.Error(), "rule 1") {
		t.Errorf("at most 0 of the own class: error %v", err)
	}
	all, err := rules.Language([]rules.Rule{{AtLeast: true, Threshold: 3, Weight: 1}}, []string{"a"})
	if err != nil || all[0].Least != 2 {
		t.Errorf("at least 3 of the own class are 2 others: %+v, %v", all, err)
	}
}

func BenchmarkCost(b *testing.B) {
	set := published.Constraints(b)
	counts := []int{1, 2, 1, 1, 1, 1, 1}
	for b.Loop() {
		set.Cost(constraints.Node, counts)
	}
}
