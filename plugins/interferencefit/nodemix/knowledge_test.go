package nodemix

import (
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Indices of byhand.Trio.
const quiet, loud, helper = byhand.Quiet, byhand.Loud, byhand.Helper

func learn(t testing.TB, classes ...byhand.Class) *Knowledge {
	t.Helper()
	return Learn(byhand.Model(t, classes...))
}

func learnIn(t testing.TB, countsFor map[string]float64) *Knowledge {
	t.Helper()
	return Learn(byhand.ModelIn(t, countsFor))
}

func TestKnowledgeFindsClassesWithoutAllocating(t *testing.T) {
	k := learn(t, byhand.Class{Name: "redis"}, byhand.Class{Name: "shop/web"}, byhand.Class{Name: "shop/db"}, byhand.Class{Name: "bank/web"})
	web := byhand.WithLabel(byhand.Owned("shop", "ReplicaSet", "web-7d4b9c"), "pod-template-hash", "7d4b9c")
	cases := map[string]struct {
		pod  *v1.Pod
		want int
	}{
		"label":                  {byhand.Pod("redis", ""), 0},
		"controller":             {web, 1},
		"other namespace":        {byhand.Owned("bank", "StatefulSet", "web"), 3},
		"unknown label":          {byhand.Pod("mystery", ""), interference.Unknown},
		"unknown namespace":      {byhand.Owned("zoo", "StatefulSet", "web"), interference.Unknown},
		"unknown controller":     {byhand.Owned("shop", "StatefulSet", "cache"), interference.Unknown},
		"bare":                   {byhand.Pod("", ""), interference.Unknown},
		"label beats controller": {byhand.WithLabel(byhand.Owned("shop", "StatefulSet", "db"), "ballast.dev/class", "mystery"), interference.Unknown},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := k.Class(c.pod); got != c.want {
				t.Errorf("class is %d, want %d", got, c.want)
			}
			if n := testing.AllocsPerRun(100, func() { k.Class(c.pod) }); n != 0 {
				t.Errorf("looking up a class allocates %v times", n)
			}
		})
	}
}

func TestKnowledgeTellsWhoPressesAndWhoHelps(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	for i, want := range []struct{ presses, helps bool }{quiet: {false, false}, loud: {true, false}, helper: {false, true}} {
		if k.presses[i] != want.presses || k.helps[i] != want.helps {
			t.Errorf("%s presses=%v helps=%v, want %+v", k.names[i], k.presses[i], k.helps[i], want)
		}
	}
}
