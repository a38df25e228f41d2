package isolation

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Print writes what of the nodes a terminal shows.
func Print(w io.Writer, nodes []Node) error {
	if len(nodes) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nHow the nodes of Ballast's arm are divided: "+
		"ballast-node follows each node's NodeIsolation object, on an emulated resctrl tree")
	fmt.Fprintf(w, "(%s).\n%s\n\n", Processor, Honest)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range Table(nodes) {
		fmt.Fprintln(tw, "  "+strings.Join(row, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\n  "+legend)
	for i := range nodes {
		for _, d := range nodes[i].Differences {
			fmt.Fprintf(w, "  %s: %s\n", nodes[i].Name, d)
		}
	}
	return nil
}

// Honest says what partitions do here, and what they do not.
const Honest = "Partitions are applied to the emulated tree and read back; " +
	"threads are not placed in them yet, so they do not change the figures."

const legend = "One letter a way: s services, b batch, * shared, d devices, o others; " +
	"the default group may use all, and no thread has left it."

// Table is a line for each node, below one of titles.
func Table(nodes []Node) [][]string {
	last := 0
	for i := range nodes {
		last = max(last, nodes[i].Ways-1)
	}
	table := [][]string{{
		"node", fmt.Sprintf("ways 0-%d", last), Services + ": ways, bandwidth", Batch + ": the same", "pods on it", "spec, report, tree",
		"ballast-node says",
	}}
	for i := range nodes {
		n := &nodes[i]
		agree := "agree"
		if len(n.Differences) > 0 {
			agree = "differ"
		}
		table = append(table, []string{
			n.Name, n.letters(), n.share(Services), n.share(Batch), n.guests(), agree, n.Condition(v1alpha1.ConditionApplied).Message,
		})
	}
	return table
}

// letters are the ways, lowest first.
func (n *Node) letters() string {
	var b strings.Builder
	for way := range n.Ways {
		switch holders := n.Holders(way); {
		case len(holders) > 1:
			b.WriteByte('*')
		case len(holders) == 1 && n.Groups[holders[0]].Owner == Ours:
			b.WriteByte(n.Groups[holders[0]].Name[0])
		case len(holders) == 1:
			b.WriteByte('o')
		case slices.Contains(n.DeviceWays, way):
			b.WriteByte('d')
		default:
			b.WriteByte('.')
		}
	}
	return b.String()
}

// share is what a partition has, in words.
func (n *Node) share(partition string) string {
	for i := range n.Groups {
		if g := &n.Groups[i]; g.Owner == Ours && g.Name == partition {
			return g.Ways.String() + ", " + g.Limit()
		}
	}
	return "none"
}

// Limit is its bandwidth in words.
func (g *Group) Limit() string {
	if g.Bandwidth >= unlimited {
		return "no limit"
	}
	return fmt.Sprintf("%d %%", g.Bandwidth)
}

// guests are the pods on the node, in short.
func (n *Node) guests() string {
	return fmt.Sprintf("%d of services, %d batch that %s", len(n.Services), n.Batch, n.BatchDoes())
}

// BatchDoes says what the batch pods do.
func (n *Node) BatchDoes() string {
	if n.Streaming {
		return "stream"
	}
	return "compute"
}
