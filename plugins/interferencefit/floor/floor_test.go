package floor

import (
	"math"
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
)

func TestOf(t *testing.T) {
	for text, want := range map[string]float64{"0.8": 0.8, "1": 1, "1e-3": 0.001} {
		if got, err := Of(byhand.Pod("x", text)); got != want || err != nil {
			t.Errorf("floor of %q is %v, %v", text, got, err)
		}
	}
	if got, err := Of(&v1.Pod{}); got != 0 || err != nil {
		t.Errorf("floor without annotation is %v, %v", got, err)
	}
	const want = `annotation ballast.dev/min-performance is "80%", expected a number above 0 and up to 1, such as "0.8"; it is ignored`
	if _, err := Of(byhand.Pod("x", "80%")); err == nil || err.Error() != want {
		t.Errorf("floor of 80%% gives %v, want %s", err, want)
	}
	for _, text := range []string{"0", "-0.5", "1.01", "NaN", "+Inf", " 0.8", "0,8"} {
		if got, err := Of(byhand.Pod("x", text)); err == nil || got != 0 {
			t.Errorf("floor of %q is %v, %v, want an error", text, got, err)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("0.8")
	f.Add("nan")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Of(byhand.Pod("x", text))
		if text != "" && err == nil && !(got > 0 && got <= 1) {
			t.Errorf("floor of %q is %v", text, got)
		}
		if math.IsNaN(got) {
			t.Errorf("floor of %q is not a number", text)
		}
	})
}

func TestPromised(t *testing.T) {
	p := NewPromised()
	if !p.Any() {
		t.Error("before the first list anybody may have been promised something")
	}
	p.complete = func() bool { return true }
	with, without := byhand.Pod("quiet", "0.5"), byhand.Pod("quiet", "")
	without.UID = with.UID
	for i, step := range []struct {
		do   func()
		want bool
	}{
		{func() {}, false},
		{func() { p.set(with) }, true},
		{func() { p.set(with) }, true},
		{func() { p.set(without) }, false},
		{func() { p.set(byhand.Pod("quiet", "a lot")) }, false},
		{func() { p.Add("x") }, true},
		{func() { p.Remove("x"); p.Remove("x") }, false},
	} {
		step.do()
		if got := p.Any(); got != step.want {
			t.Errorf("step %d: any is %v, want %v", i, got, step.want)
		}
	}
}
