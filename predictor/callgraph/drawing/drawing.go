// Package drawing writes a graph of services, or a tree of calls, as DOT for Graphviz or as a plain SVG.
package drawing

import (
	"fmt"
	"strings"
)

// Graph is what is drawn. Its nodes stand in the order in which a reader should meet them.
type Graph struct {
	Nodes []Node
	Edges []Edge
}

// Node is a box.
type Node struct {
	Title  string
	Detail string  // a second line, may be empty
	Weight float64 // 0 to 1: how dark the box is
}

// Edge is an arrow between two nodes of the graph. Edges to nodes that are not there are left out.
type Edge struct {
	From, To int
	Label    string
	Weight   float64 // 0 to 1: how thick the arrow is
}

// valid reports whether both ends are there.
func (g *Graph) valid(e Edge) bool {
	return e.From >= 0 && e.From < len(g.Nodes) && e.To >= 0 && e.To < len(g.Nodes)
}

// DOT writes the graph in Graphviz' language: `dot -Tsvg` makes a drawing of it.
func (g *Graph) DOT() string {
	var out strings.Builder
	out.WriteString("digraph calls {\n  rankdir=LR;\n  node [shape=box, style=filled, fontname=\"sans-serif\", fontsize=11];\n" +
		"  edge [fontname=\"sans-serif\", fontsize=9];\n")
	for i, n := range g.Nodes {
		label := n.Title
		if n.Detail != "" {
			label += "\n" + n.Detail
		}
		fmt.Fprintf(&out, "  n%d [label=%s, fillcolor=\"%s\"];\n", i, quote(label), shade(n.Weight))
	}
	for _, e := range g.Edges {
		if g.valid(e) {
			fmt.Fprintf(&out, "  n%d -> n%d [label=%s, penwidth=%.1f];\n", e.From, e.To, quote(e.Label), thickness(e.Weight))
		}
	}
	out.WriteString("}\n")
	return out.String()
}

// quote makes a DOT string: quotation marks and backslashes are escaped, line breaks written as \n, other control characters left out.
func quote(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r >= ' ':
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// shade goes from white to an orange that black letters are legible on.
func shade(weight float64) string {
	w := unit(weight)
	return fmt.Sprintf("#%02x%02x%02x", 255-int(10*w), 255-int(100*w), 255-int(190*w))
}

func thickness(weight float64) float64 { return 1 + 4*unit(weight) }

// unit brings a weight between 0 and 1; NaN is 0.
func unit(weight float64) float64 {
	if !(weight > 0) {
		return 0
	}
	return min(weight, 1)
}
