package orders_test

import (
	"math"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/containers"
	"github.com/ballast-k8s/ballast/plugins/node/counters"
	"github.com/ballast-k8s/ballast/plugins/node/orders"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/placement"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// Of the partitions only one has a group, by the prefix of ours.
func TestGroups(t *testing.T) {
	w := placement.Wish{Partitions: []membership.Partition{{Name: "lc"}, {Name: "be"}}}
	orders.Groups(&w, &resctrl.Inventory{
		Capacity: schemata.Capacity{Monitoring: &schemata.Monitoring{RMIDs: 64}},
		State:    schemata.State{Groups: []schemata.Group{{Name: "."}, {Name: "lc"}, {Name: "ballast-be"}}},
	})
	if len(w.Groups) != 1 || w.Groups["be"] != "ballast-be" || w.RMIDs != 64 {
		t.Errorf("%+v", w)
	}
}

// A container that used 3 s of CPU in 2 s uses 1.5 cores; of one that is new, or whose counter went back, that is not known. One without a name is left out.
func TestKnown(t *testing.T) {
	at := time.Unix(1000, 0)
	sample := func(id string, after, used time.Duration) counters.Sample {
		return counters.Sample{Container: counters.Container{ID: id, QoS: "burstable", Pod: "uid"}, Time: at.Add(after), CPU: &counters.CPU{Total: used}}
	}
	first := sample("a", 0, 10*time.Second)
	got := orders.Known(&containers.View{Containers: []containers.Container{
		{Name: "x", Sample: sample("a", 2*time.Second, 13*time.Second), Before: &first},
		{Name: "y", Sample: sample("b", 0, 0)},
		{Name: "z", Sample: sample("c", 2*time.Second, time.Second), Before: &first},
		{Sample: sample("d", 0, 0)},
	}})
	if len(got) != 3 || got[0].Use != 1.5 || !math.IsNaN(got[1].Use) || !math.IsNaN(got[2].Use) || got[0].QoS != membership.Burstable || got[0].PodUID != "uid" {
		t.Errorf("%+v", got)
	}
}

// A limit below the kubelet's is ours.
func TestLeft(t *testing.T) {
	inf := math.Inf(1)
	got := orders.Left(&placement.View{Containers: []placement.Placed{
		{ID: "a", Limit: 0.5, Kubelet: inf}, {ID: "b", Limit: 2, Kubelet: 2}, {ID: "c", Limit: inf, Kubelet: inf},
	}})
	if len(got) != 1 || got["a"] != 0.5 {
		t.Errorf("%v", got)
	}
}
