package podclass

import (
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
)

func TestName(t *testing.T) {
	cases := map[string]struct {
		pod  *v1.Pod
		want string
	}{
		"label":                      {byhand.Pod("redis", ""), "redis"},
		"label before controller":    {byhand.WithLabel(byhand.Owned("shop", "StatefulSet", "db"), "ballast.dev/class", "redis"), "redis"},
		"stateful set":               {byhand.Owned("shop", "StatefulSet", "db"), "shop/db"},
		"deployment":                 {byhand.WithLabel(byhand.Owned("shop", "ReplicaSet", "web-7d4b9c"), "pod-template-hash", "7d4b9c"), "shop/web"},
		"bare replica set":           {byhand.Owned("shop", "ReplicaSet", "web-7d4b9c"), "shop/web-7d4b9c"},
		"hash of somebody else":      {byhand.WithLabel(byhand.Owned("shop", "ReplicaSet", "web-7d4b9c"), "pod-template-hash", "9c"), "shop/web-7d4b9c"},
		"replica set named the hash": {byhand.WithLabel(byhand.Owned("shop", "ReplicaSet", "7d4b9c"), "pod-template-hash", "7d4b9c"), "shop/7d4b9c"},
		"cron job":                   {byhand.Owned("shop", "Job", "report-29123456"), "shop/report"},
		"job":                        {byhand.Owned("shop", "Job", "report-2912345"), "shop/report-2912345"},
		"job of digits":              {byhand.Owned("shop", "Job", "29123456"), "shop/29123456"},
		"bare pod":                   {byhand.Pod("", ""), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Name(c.pod); got != c.want {
				t.Errorf("Name is %q, want %q", got, c.want)
			}
		})
	}
}

func TestBackgroundIsNoLoad(t *testing.T) {
	static := byhand.Pod("redis", "")
	static.Annotations[v1.MirrorPodAnnotationKey] = "x"
	done := byhand.Pod("redis", "")
	done.Status.Phase = v1.PodSucceeded
	failed := byhand.Pod("redis", "")
	failed.Status.Phase = v1.PodFailed
	cases := map[string]struct {
		pod  *v1.Pod
		want bool
	}{
		"ordinary":        {byhand.Pod("redis", ""), false},
		"daemon set":      {byhand.WithLabel(byhand.Owned("kube-system", "DaemonSet", "cni"), "ballast.dev/class", "redis"), true},
		"static":          {static, true},
		"owned by a node": {byhand.Owned("kube-system", "Node", "n1"), true},
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

// FuzzWorkload checks that no name makes the suffix rules slice out of range or return nothing for an owned pod.
func FuzzWorkload(f *testing.F) {
	f.Add("ReplicaSet", "web-7d4b9c", "7d4b9c")
	f.Add("Job", "-12345678", "")
	f.Add("ReplicaSet", "-", "-")
	f.Fuzz(func(t *testing.T, kind, owner, hash string) {
		p := byhand.WithLabel(byhand.Owned("ns", kind, owner), "pod-template-hash", hash)
		if got := Workload(p); got == "" && owner != "" {
			t.Errorf("Workload of %s %q with hash %q is empty", kind, owner, hash)
		}
	})
}
