package nodemix

import (
	"fmt"
	"math"
	"sync"
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

func TestCacheFollowsGenerationAndModel(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	cache := NewCache(nil)
	info := byhand.Node("n1", byhand.Pod("quiet", ""))
	first := cache.Get(info, k)
	if cache.Get(info, k) != first {
		t.Error("an unchanged node was observed again")
	}
	// A clone for preemption has another generation: same name, other content.
	clone := byhand.Node("n1")
	clone.Generation = 2
	if got := cache.Get(clone, k); len(got.Mix) != 0 {
		t.Errorf("the clone's mix is %v, want none", got.Mix)
	}
	if got := cache.Get(info, k); len(got.Mix) != 1 {
		t.Errorf("the node's mix after the clone is %v, want one class", got.Mix)
	}
	other := learn(t, byhand.Trio()[:2]...)
	if got := cache.Get(info, other); got.know != other {
		t.Error("the node was not observed again for another model")
	}
	if n := testing.AllocsPerRun(100, func() { cache.Get(info, other) }); n != 0 {
		t.Errorf("a hit allocates %v times", n)
	}
}

func TestCacheIsBounded(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	cache := NewCache(nil)
	for i := range 2 * shards * shardNodes {
		info := byhand.Node("node")
		info.Generation = int64(i)
		cache.Get(info, k)
	}
	total := 0
	for i := range cache.shards {
		total += len(cache.shards[i].nodes)
	}
	if limit := shards * shardNodes; total > limit {
		t.Errorf("the cache holds %d nodes, want at most %d", total, limit)
	}
}

func TestCacheServesManyAtOnce(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	cache := NewCache(nil)
	t.Run("group", func(t *testing.T) {
		for g := range 4 {
			t.Run(fmt.Sprint(g), func(t *testing.T) {
				t.Parallel()
				for i := range 2000 {
					info := byhand.Node(fmt.Sprintf("node-%d", i%7), byhand.Several(1+(g+i)%3, "loud")...)
					info.Generation = int64(1 + (g+i)%3)
					if got := cache.Get(info, k).Mix.Units(loud); got != float64(1+(g+i)%3) {
						t.Fatalf("mix of generation %d has %v loud", info.Generation, got)
					}
				}
			})
		}
	})
}

// A node that is kept says the same as one that was just observed, also the second time, and to many at once, with load of no known class too.
func TestRememberedGainIsTheGain(t *testing.T) {
	k := learn(t, append(byhand.Trio(), byhand.Class{Name: "unmeasured", Unmeasured: true, Base: 0.9, PerUnit: map[string]float64{"loud": 0.7}})...)
	cache := NewCache(nil)
	for i, pods := range [][]*v1.Pod{nil, byhand.Several(2, "loud"), byhand.Several(3, "quiet"), append(byhand.Several(2, "loud"), byhand.Several(1, "mystery")...)} {
		info := byhand.Node("node", pods...)
		info.Generation = int64(i)
		fresh, kept := observe(info, k, nodesetting.Report{}, ""), cache.Get(info, k)
		for class := interference.Unknown; class < len(k.names); class++ {
			want := fresh.Gain(class)
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for range 2 {
						if got := kept.Gain(class); got != want {
							t.Errorf("node %d: gain of class %d is %v, want %v", i, class, got, want)
						}
					}
				})
			}
			all.Wait()
		}
		if got := math.Float64frombits(kept.gains.Load()[quiet].Load()); fresh.gains.Load() != nil || got != fresh.Gain(quiet) {
			t.Errorf("node %d: remembered is %v, want %v, and nothing on a node that is not kept", i, got, fresh.Gain(quiet))
		}
	}
	// A pod more is another node.
	crowd := byhand.Node("node", byhand.Several(3, "loud")...)
	crowd.Generation = 100
	byhand.Near(t, "gain on the changed node", cache.Get(crowd, k).Gain(quiet), observe(crowd, k, nodesetting.Report{}, "").Gain(quiet))
}
