package monitoring

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// Random groups come and go: nobody gets an RMID that another has, none is lost, exhaustion is EBUSY if and only if limbo is not empty, and in
// each domain the counters that are assigned and those that are available are all there are.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	const rmids, counters = 12, 5
	m := New(Spec{
		NumRMIDs: rmids, Events: []string{LLCOccupancy, MBMTotalBytes, MBMLocalBytes}, CacheBytes: 1 << 20, OccupancyUnit: 1, NodesPerCache: 2,
		AssignableCounters: counters,
	}, []int{0, 4}, kerneltext.NewBuffer(512, kerneltext.Modern))
	used := map[int]bool{0: true}
	m.AssignAll(0)
	reached := map[string]bool{}
	for range 5000 {
		switch rnd.IntN(4) {
		case 0, 1:
			rmid, errno := m.Alloc()
			switch {
			case errno == 0 && used[rmid]:
				t.Fatalf("RMID %d is given out twice", rmid)
			case errno == 0:
				used[rmid] = true
				m.AssignAll(rmid)
				m.Set(rmid, rnd.IntN(4), LLCOccupancy, Counter{Value: rnd.Uint64N(1 << 20)})
			case (errno == syscall.EBUSY) != (len(m.limbo) > 0), len(m.free) > 0:
				t.Fatalf("%v with %d in limbo and %d free", errno, len(m.limbo), len(m.free))
			default:
				reached[errno.Error()] = true
			}
		case 2:
			for rmid := range used {
				if rmid != 0 {
					delete(used, rmid)
					m.Release(rmid)
					break
				}
			}
		case 3:
			m.CheckLimbo(rnd.Float64())
		}
		if len(used)+len(m.free)+len(m.limbo) != rmids {
			t.Fatalf("%d used, %d free, %d in limbo of %d RMIDs", len(used), len(m.free), len(m.limbo), rmids)
		}
		assigned := map[int]int{}
		for rmid := range used {
			for l := range strings.Lines(m.Assignments(rmid)) {
				for domain := range 4 {
					assigned[domain] += strings.Count(l, fmt.Sprintf("%d=e", domain))
				}
			}
		}
		want := fmt.Sprintf("0=%d;1=%d;2=%d;3=%d\n", counters-assigned[0], counters-assigned[1], counters-assigned[2], counters-assigned[3])
		if got := m.AvailableCounters(); got != want {
			t.Fatalf("available %q, want %q", got, want)
		}
	}
	if len(reached) != 2 {
		t.Errorf("only %v was reached: the test does not try EBUSY and ENOSPC", reached)
	}
}
