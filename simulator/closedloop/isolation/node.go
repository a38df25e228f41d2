package isolation

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// Node is how a node is divided, as its agent reports it, and who is on it.
type Node struct {
	Name string `json:"name"`
	// Ways is the number of ways of its L3 cache, WayBytes the size of one. DeviceWays are numbers of those that devices use too.
	Ways       int   `json:"ways"`
	WayBytes   int64 `json:"wayBytes"`
	DeviceWays Ways  `json:"deviceWays"`
	// Groups are the control groups, partitions first, the default group last.
	Groups []Group `json:"groups"`
	// Services has the service of each of the application's pods on the node, sorted. Batch is the number of batch pods; Streaming says
	// whether they stream through memory, else they compute.
	Services  []string `json:"services"`
	Batch     int      `json:"batch"`
	Streaming bool     `json:"streaming"`
	// Conditions are what the agent says: Applied, Blind, Ready.
	Conditions []metav1.Condition `json:"conditions"`
	// Notes are the agent's.
	Notes []string `json:"notes,omitempty"`
	// Differences say where spec, report and tree do not agree, one sentence each; none: the partitions are applied.
	Differences []string `json:"differences,omitempty"`
}

// Group is a control group.
type Group struct {
	// Name is the partition's, "default group", or the folder's where the group is somebody else's.
	Name  string `json:"name"`
	Owner Owner  `json:"owner"`
	// Ways are those it may use.
	Ways Ways `json:"ways"`
	// Bandwidth is how much of the memory bandwidth it may use, in percent; 100 is no limit.
	Bandwidth int `json:"bandwidthPercent"`
	// Threads in it.
	Threads int64 `json:"threads"`
}

// Owner says whose a group is.
type Owner string

// The owners.
const (
	Ours   Owner = "ballast" // a partition
	Kernel Owner = "kernel"  // the default group, which all threads are in that nobody moved
	Others Owner = "others"
)

// newNode is what an object's status says.
func newNode(o *v1alpha1.NodeIsolation) Node {
	s := &o.Status
	n := Node{Name: o.Name, Notes: s.Notes}
	if s.Capacity != nil {
		for _, r := range s.Capacity.Resources {
			if r.Name == cacheID {
				n.Ways, n.WayBytes, n.DeviceWays = int(r.Ways), r.WayBytes, parseWays(r.DeviceWays)
			}
		}
	}
	for i := range s.Groups {
		n.Groups = append(n.Groups, newGroup(&s.Groups[i]))
	}
	place := []Owner{Ours, Others, Kernel}
	slices.SortStableFunc(n.Groups, func(a, b Group) int {
		if a.Owner == b.Owner && len(a.Ways) > 0 && len(b.Ways) > 0 {
			return a.Ways[0] - b.Ways[0]
		}
		return slices.Index(place, a.Owner) - slices.Index(place, b.Owner)
	})
	for _, kind := range []string{v1alpha1.ConditionApplied, v1alpha1.ConditionBlind, v1alpha1.ConditionReady} {
		if c := meta.FindStatusCondition(s.Conditions, kind); c != nil {
			n.Conditions = append(n.Conditions, *c)
		}
	}
	return n
}

func newGroup(is *v1alpha1.IsolationGroup) Group {
	g := Group{Name: is.Name, Owner: Others, Threads: is.Threads, Bandwidth: unlimited}
	if is.Name == schemata.DefaultGroup {
		g.Name, g.Owner = "default group", Kernel
	} else if name, ours := strings.CutPrefix(is.Name, schemata.Prefix); ours {
		g.Name, g.Owner = name, Ours
	}
	for _, line := range is.Schemata {
		if text, ok := strings.CutPrefix(line, value(cacheID, "")); ok {
			if mask, err := strconv.ParseUint(text, 16, 32); err == nil {
				g.Ways = waysOf(uint32(mask))
			}
		}
		if text, ok := strings.CutPrefix(line, value(bandwidthID, "")); ok {
			if percent, err := strconv.Atoi(text); err == nil {
				g.Bandwidth = percent
			}
		}
	}
	return g
}

// value is a line of schemata for the one domain.
func value(resource, text string) string { return fmt.Sprintf("%s:%d=%s", resource, domain, text) }

// Condition is one of the conditions; its status is Unknown where the agent has not said anything.
func (n *Node) Condition(kind string) metav1.Condition {
	if c := meta.FindStatusCondition(n.Conditions, kind); c != nil {
		return *c
	}
	return metav1.Condition{Type: kind, Status: metav1.ConditionUnknown, Reason: "NoReport", Message: "The agent has not reported."}
}

// Holders are the indices of the groups, the default group left out, that may use a way.
func (n *Node) Holders(way int) []int {
	var out []int
	for i, g := range n.Groups {
		if g.Owner != Kernel && slices.Contains(g.Ways, way) {
			out = append(out, i)
		}
	}
	return out
}
