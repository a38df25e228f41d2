package membership_test

import (
	"testing"

	"github.com/ballast-k8s/ballast/api/membership"
)

func TestOf(t *testing.T) {
	partitions := []membership.Partition{
		{Name: "empty"},
		{Name: "nothing-given", Members: []membership.Member{{}}},
		{Name: "web", Members: []membership.Member{{Namespace: "shop", Pod: "web-*"}, {Namespace: "shop", Pod: "cart"}}},
		{Name: "shop", Members: []membership.Member{{Namespace: "shop", QoS: membership.Guaranteed}}},
		{Name: "batch", Members: []membership.Member{{QoS: membership.BestEffort}, {Namespace: "jobs"}}},
		{Name: "named", Members: []membership.Member{{Pod: "*"}}},
	}
	for _, tt := range []struct {
		namespace, pod, qos string
		want                string // "" for none
	}{
		{"shop", "web-1", "Guaranteed", "web"}, // the first that has it, though shop has it too
		{"shop", "web-", "BestEffort", "web"},  // the prefix itself
		{"shop", "web", "Guaranteed", "shop"},  // shorter than the prefix
		{"shop", "cart", "Burstable", "web"},
		{"shop", "cart-2", "Burstable", "named"}, // a name without a star is the whole name
		{"jobs", "x", "Burstable", "batch"},
		{"other", "x", "BestEffort", "batch"},
		{"other", "x", "Burstable", "named"},
		{"", "", "BestEffort", "batch"}, // a container without a name has a class
		{"", "", "Burstable", ""},       // and nothing else
		{"", "", "", ""},
	} {
		got, ok := membership.Of(partitions, membership.Container{Namespace: tt.namespace, Pod: tt.pod, QoS: tt.qos})
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s/%s of class %q is in %q, %v; want %q", tt.namespace, tt.pod, tt.qos, got, ok, tt.want)
		}
	}
}

func TestQoSOf(t *testing.T) {
	const uid, slice = "pod8f1cbe6c-3a3c-4d55-8a2b-0d7f4c4a6e11", "pod8f1cbe6c_3a3c_4d55_8a2b_0d7f4c4a6e11.slice"
	for path, want := range map[string]string{
		"/kubepods/besteffort/" + uid:                              membership.BestEffort,
		"/kubepods/burstable/" + uid + "/0123abcd":                 membership.Burstable,
		"/kubepods/" + uid:                                         membership.Guaranteed,
		"/ballast-1/node-1/kubepods/burstable/x":                   membership.Burstable,
		"/burstable/kubepods/" + uid:                               membership.Guaranteed, // a class before kubepods is none
		"kubepods-besteffort-" + slice:                             membership.BestEffort,
		"kubepods-" + slice:                                        membership.Guaranteed,
		"kubepods-burstable-" + slice + ":cri-containerd:0123abcd": membership.Burstable,
		"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" + slice + "/cri-containerd-0123.scope": membership.Burstable,
		"/kubepods.slice/kubepods-" + slice: membership.Guaranteed,
		"/outer.slice/outer-kubepods.slice/outer-kubepods-besteffort.slice/outer-kubepods-besteffort-" + slice: membership.BestEffort,
		"/kubepods":                         "",
		"/system.slice/containerd.service":  "",
		"/docker/podman-burstable/0123abcd": "",
		"":                                  "",
	} {
		if got := membership.QoSOf(path); got != want {
			t.Errorf("class of %q is %q, want %q", path, got, want)
		}
	}
}
