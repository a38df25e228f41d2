package drawing

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
)

// Sizes of the SVG in pixels.
const (
	boxWidth, boxHeight = 190, 40
	gapAcross, gapDown  = 130, 20
	margin              = 20
	titleMost           = 28 // characters that fit in a box
	labelsMost          = 25 // arrows: more have what they are as tooltips only
)

// SVG writes the graph as a drawing: a column for each distance from where requests come in, arrows from left to right, with what they
// are as tooltips and, where these are few, beside them. For graphs with many crossings Graphviz draws better: see DOT.
func (g *Graph) SVG() string {
	columns := g.columns()
	x, y := make([]int, len(g.Nodes)), make([]int, len(g.Nodes))
	tallest := 0
	for _, column := range columns {
		tallest = max(tallest, len(column))
	}
	for k, column := range columns {
		for row, i := range column {
			x[i] = margin + k*(boxWidth+gapAcross)
			y[i] = margin + row*(boxHeight+gapDown) + (tallest-len(column))*(boxHeight+gapDown)/2
		}
	}
	width, height := 2*margin+len(columns)*(boxWidth+gapAcross)-gapAcross, 2*margin+tallest*(boxHeight+gapDown)-gapDown
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" font-family="sans-serif">`+"\n",
		max(width, 2*margin), max(height, 2*margin), max(width, 2*margin))
	out.WriteString(`<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" ` +
		`markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>` + "\n")
	for _, e := range g.Edges {
		if g.valid(e) {
			g.arrow(&out, e, x, y)
		}
	}
	for i, n := range g.Nodes {
		fmt.Fprintf(&out, `<g><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="4" fill="%s" stroke="#555"/>`,
			html.EscapeString(n.Title+" "+n.Detail), x[i], y[i], boxWidth, boxHeight, shade(n.Weight))
		fmt.Fprintf(&out, `<text x="%d" y="%d" font-size="12">%s</text><text x="%d" y="%d" font-size="10">%s</text></g>`+"\n",
			x[i]+8, y[i]+16, html.EscapeString(fit(n.Title)), x[i]+8, y[i]+31, html.EscapeString(fit(n.Detail)))
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// arrow draws an edge; one that leads back, or to itself, bends below.
func (g *Graph) arrow(out *strings.Builder, e Edge, x, y []int) {
	x1, y1 := x[e.From]+boxWidth, y[e.From]+boxHeight/2
	x2, y2 := x[e.To], y[e.To]+boxHeight/2
	bend := gapAcross / 2
	if x2 < x1 {
		bend = gapAcross
	}
	fmt.Fprintf(out, `<path d="M%d %dC%d %d %d %d %d %d" fill="none" stroke="#555" stroke-opacity="0.7" stroke-width="%.1f" marker-end="url(#a)">`+
		"<title>%s → %s: %s</title></path>\n", x1, y1, x1+bend, y1, x2-bend, y2, x2, y2, thickness(e.Weight),
		html.EscapeString(g.Nodes[e.From].Title), html.EscapeString(g.Nodes[e.To].Title), html.EscapeString(e.Label))
	if len(g.Edges) > labelsMost {
		return
	}
	// In the middle of the curve, where those that end in one box are apart.
	fmt.Fprintf(out, `<text x="%d" y="%d" font-size="8" fill="#444" text-anchor="middle">%s</text>`+"\n",
		(x1+x2)/2, (y1+y2)/2-3, html.EscapeString(fit(e.Label)))
}

// fit shortens a text to what a box holds.
func fit(text string) string {
	runes := []rune(text)
	if len(runes) <= titleMost {
		return text
	}
	return string(runes[:titleMost-1]) + "…"
}

// columns orders the nodes by the length of the longest way to them without the edges that close a circle, and in a column by the
// middle of their callers.
func (g *Graph) columns() [][]int {
	depth := g.depths()
	callers := make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		if g.valid(e) && depth[e.From] < depth[e.To] {
			callers[e.To] = append(callers[e.To], e.From)
		}
	}
	var columns [][]int
	row := make([]float64, len(g.Nodes))
	for k := 0; ; k++ {
		var column []int
		for i := range g.Nodes {
			if depth[i] == k {
				column = append(column, i)
			}
		}
		if len(column) == 0 {
			return columns
		}
		middle := make(map[int]float64)
		for _, i := range column {
			sum := 0.0
			for _, caller := range callers[i] {
				sum += row[caller]
			}
			middle[i] = sum / float64(max(len(callers[i]), 1))
		}
		slices.SortStableFunc(column, func(a, b int) int { return cmp.Compare(middle[a], middle[b]) })
		for at, i := range column {
			row[i] = float64(at) - float64(len(column))/2
		}
		columns = append(columns, column)
	}
}

// depths returns the column of each node: the length of the longest way to it.
func (g *Graph) depths() []int {
	order, forward := g.forward()
	depth := make([]int, len(g.Nodes))
	for _, i := range order {
		for _, to := range forward[i] {
			depth[to] = max(depth[to], depth[i]+1)
		}
	}
	return depth
}

// forward returns the edges that close no circle, by where they begin, and the nodes in an order in which all of these lead forward:
// the reverse of that in which a walk in depth is done with nodes. The edges that close a circle lead to nodes it is not done with.
func (g *Graph) forward() (order []int, forward [][]int) {
	const (
		unseen = iota
		open
		done
	)
	next, forward := make([][]int, len(g.Nodes)), make([][]int, len(g.Nodes))
	for _, e := range g.Edges {
		if g.valid(e) {
			next[e.From] = append(next[e.From], e.To)
		}
	}
	state := make([]int, len(g.Nodes))
	for first := range g.Nodes {
		if state[first] != unseen {
			continue
		}
		state[first] = open
		for stack := []int{first}; len(stack) > 0; {
			i := stack[len(stack)-1]
			if len(next[i]) == 0 {
				state[i] = done
				order = append(order, i)
				stack = stack[:len(stack)-1]
				continue
			}
			to := next[i][0]
			next[i] = next[i][1:]
			if state[to] != open {
				forward[i] = append(forward[i], to)
			}
			if state[to] == unseen {
				state[to] = open
				stack = append(stack, to)
			}
		}
	}
	slices.Reverse(order)
	return order, forward
}
