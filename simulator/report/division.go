package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/closedloop"
	"github.com/ballast-k8s/ballast/simulator/closedloop/isolation"
)

// divisionView shows how the nodes of an arm are divided.
type divisionView struct {
	Arm, Processor, Honest string
	Nodes                  []dividedNode
	// Blind is what the agents say they do not see, each sentence once.
	Blind []string
}

// dividedNode is one node's picture.
type dividedNode struct {
	Name, Reading string
	Ways          []wayView
	Rows          []groupView
	Services      []guestView
	Batch         string
	// Applied is the agent's sentence. Problem is empty where spec, report and tree agree.
	Applied, Problem string
}

// wayView heads a column.
type wayView struct {
	Number  int
	Devices bool
}

// groupView is a row of the picture. Kind chooses its colour.
type groupView struct {
	Name, Kind, Size, Limit string
	Bandwidth               int // percent
	Cells                   []cellView
}

// cellView is a way of a group. Class is how it is drawn: own, shared or free.
type cellView struct {
	Class, Title string
	Devices      bool
}

// guestView is a service with its pods on a node.
type guestView struct {
	Service string
	Pods    int
}

// newDivisionViews are those of the arms whose nodes are divided.
func newDivisionViews(result *closedloop.Result) []divisionView {
	var out []divisionView
	for i := range result.Arms {
		a := &result.Arms[i]
		if len(a.Divided) == 0 {
			continue
		}
		v := divisionView{Arm: a.Name, Processor: isolation.Processor, Honest: isolation.Honest}
		for k := range a.Divided {
			n := &a.Divided[k]
			v.Nodes = append(v.Nodes, newDividedNode(n))
			if blind := says(n, v1alpha1.ConditionBlind); !slices.Contains(v.Blind, blind) {
				v.Blind = append(v.Blind, blind)
			}
		}
		out = append(out, v)
	}
	return out
}

func newDividedNode(n *isolation.Node) dividedNode {
	v := dividedNode{
		Name: n.Name, Reading: n.Reading(), Applied: says(n, v1alpha1.ConditionApplied),
		Batch: fmt.Sprintf("%d batch pods that %s", n.Batch, n.BatchDoes()), Problem: strings.Join(n.Differences, "; "),
	}
	for way := range n.Ways {
		v.Ways = append(v.Ways, wayView{way, slices.Contains(n.DeviceWays, way)})
	}
	for i := range n.Groups {
		v.Rows = append(v.Rows, newGroupView(n, i))
	}
	for _, s := range n.Services {
		if last := len(v.Services) - 1; last >= 0 && v.Services[last].Service == s {
			v.Services[last].Pods++
			continue
		}
		v.Services = append(v.Services, guestView{s, 1})
	}
	return v
}

// says is a condition as kubectl describe shows it.
func says(n *isolation.Node, kind string) string {
	c := n.Condition(kind)
	return fmt.Sprintf("%s: %s (%s) %s", c.Type, c.Status, c.Reason, c.Message)
}

func newGroupView(n *isolation.Node, i int) groupView {
	g := &n.Groups[i]
	v := groupView{Name: g.Name, Kind: string(g.Owner), Size: n.Size(len(g.Ways)), Limit: g.Limit(), Bandwidth: g.Bandwidth}
	if g.Owner == isolation.Ours {
		v.Kind = "partition"
		if g.Name == isolation.Batch {
			v.Kind = "batch"
		}
	}
	for way := range n.Ways {
		c := cellView{Class: "free", Devices: slices.Contains(n.DeviceWays, way), Title: fmt.Sprintf("way %d: not of %s", way, g.Name)}
		if slices.Contains(g.Ways, way) {
			c.Class, c.Title = "own", fmt.Sprintf("way %d: %s", way, g.Name)
			if g.Owner != isolation.Kernel && len(n.Holders(way)) > 1 {
				c.Class, c.Title = "shared", c.Title+", shared with another partition"
			}
		}
		if c.Devices {
			c.Title += "; devices use it too"
		}
		v.Cells = append(v.Cells, c)
	}
	return v
}
