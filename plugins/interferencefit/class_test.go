package interferencefit

import (
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

func withLabel(p *v1.Pod, key, value string) *v1.Pod {
	p.Labels[key] = value
	return p
}

func TestClassName(t *testing.T) {
	cases := map[string]struct {
		pod  *v1.Pod
		want string
	}{
		"label":                      {podOf("redis", ""), "redis"},
		"label before controller":    {withLabel(ownedPod("shop", "StatefulSet", "db"), "ballast.dev/class", "redis"), "redis"},
		"stateful set":               {ownedPod("shop", "StatefulSet", "db"), "shop/db"},
		"deployment":                 {withLabel(ownedPod("shop", "ReplicaSet", "web-7d4b9c"), "pod-template-hash", "7d4b9c"), "shop/web"},
		"bare replica set":           {ownedPod("shop", "ReplicaSet", "web-7d4b9c"), "shop/web-7d4b9c"},
		"hash of somebody else":      {withLabel(ownedPod("shop", "ReplicaSet", "web-7d4b9c"), "pod-template-hash", "9c"), "shop/web-7d4b9c"},
		"replica set named the hash": {withLabel(ownedPod("shop", "ReplicaSet", "7d4b9c"), "pod-template-hash", "7d4b9c"), "shop/7d4b9c"},
		"cron job":                   {ownedPod("shop", "Job", "report-29123456"), "shop/report"},
		"job":                        {ownedPod("shop", "Job", "report-2912345"), "shop/report-2912345"},
		"job of digits":              {ownedPod("shop", "Job", "29123456"), "shop/29123456"},
		"bare pod":                   {podOf("", ""), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := ClassName(c.pod); got != c.want {
				t.Errorf("ClassName is %q, want %q", got, c.want)
			}
		})
	}
}

func TestKnowledgeFindsClassesWithoutAllocating(t *testing.T) {
	k := learn(t, class{name: "redis"}, class{name: "shop/web"}, class{name: "shop/db"}, class{name: "bank/web"})
	web := withLabel(ownedPod("shop", "ReplicaSet", "web-7d4b9c"), "pod-template-hash", "7d4b9c")
	cases := map[string]struct {
		pod  *v1.Pod
		want int
	}{
		"label":                  {podOf("redis", ""), 0},
		"controller":             {web, 1},
		"other namespace":        {ownedPod("bank", "StatefulSet", "web"), 3},
		"unknown label":          {podOf("mystery", ""), interference.Unknown},
		"unknown namespace":      {ownedPod("zoo", "StatefulSet", "web"), interference.Unknown},
		"unknown controller":     {ownedPod("shop", "StatefulSet", "cache"), interference.Unknown},
		"bare":                   {podOf("", ""), interference.Unknown},
		"label beats controller": {withLabel(ownedPod("shop", "StatefulSet", "db"), "ballast.dev/class", "mystery"), interference.Unknown},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := k.class(c.pod); got != c.want {
				t.Errorf("class is %d, want %d", got, c.want)
			}
			if n := testing.AllocsPerRun(100, func() { k.class(c.pod) }); n != 0 {
				t.Errorf("looking up a class allocates %v times", n)
			}
		})
	}
}

func TestBackgroundIsNoLoad(t *testing.T) {
	static := podOf("redis", "")
	static.Annotations[v1.MirrorPodAnnotationKey] = "x"
	done := podOf("redis", "")
	done.Status.Phase = v1.PodSucceeded
	failed := podOf("redis", "")
	failed.Status.Phase = v1.PodFailed
	cases := map[string]struct {
		pod  *v1.Pod
		want bool
	}{
		"ordinary":        {podOf("redis", ""), false},
		"daemon set":      {withLabel(ownedPod("kube-system", "DaemonSet", "cni"), "ballast.dev/class", "redis"), true},
		"static":          {static, true},
		"owned by a node": {ownedPod("kube-system", "Node", "n1"), true},
		"succeeded":       {done, true},
		"failed":          {failed, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Background(c.pod); got != c.want {
				t.Errorf("background is %v, want %v", got, c.want)
			}
		})
	}
}

// FuzzTopController checks that no name makes the suffix rules slice out of range or return nothing for an owned pod.
func FuzzTopController(f *testing.F) {
	f.Add("ReplicaSet", "web-7d4b9c", "7d4b9c")
	f.Add("Job", "-12345678", "")
	f.Add("ReplicaSet", "-", "-")
	f.Fuzz(func(t *testing.T, kind, owner, hash string) {
		p := withLabel(ownedPod("ns", kind, owner), "pod-template-hash", hash)
		if got := topController(p); got == "" && owner != "" {
			t.Errorf("topController of %s %q with hash %q is empty", kind, owner, hash)
		}
	})
}

func TestKnowledgeTellsWhoPressesAndWhoHelps(t *testing.T) {
	k := learn(t, trio()...)
	for i, want := range []struct{ presses, helps bool }{quiet: {false, false}, loud: {true, false}, helper: {false, true}} {
		if k.presses[i] != want.presses || k.helps[i] != want.helps {
			t.Errorf("%s presses=%v helps=%v, want %+v", k.names[i], k.presses[i], k.helps[i], want)
		}
	}
}
