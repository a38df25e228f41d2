package drawing

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is web calling cache and db, db calling cache and web back; and an edge to a node that is not there.
func sample() *Graph {
	return &Graph{
		Nodes: []Node{{Title: "web", Detail: "50 %", Weight: 1}, {Title: `a "cache" \ <b>`}, {Title: "db\n2", Weight: math.NaN()}},
		Edges: []Edge{{From: 0, To: 1, Label: "2 calls", Weight: 0.5}, {From: 0, To: 2}, {From: 2, To: 1}, {From: 2, To: 0}, {From: 0, To: 7}},
	}
}

func TestDOT(t *testing.T) {
	want := `digraph calls {
  rankdir=LR;
  node [shape=box, style=filled, fontname="sans-serif", fontsize=11];
  edge [fontname="sans-serif", fontsize=9];
  n0 [label="web\n50 %", fillcolor="#f59b41"];
  n1 [label="a \"cache\" \\ <b>", fillcolor="#ffffff"];
  n2 [label="db\n2", fillcolor="#ffffff"];
  n0 -> n1 [label="2 calls", penwidth=3.0];
  n0 -> n2 [label="", penwidth=1.0];
  n2 -> n1 [label="", penwidth=1.0];
  n2 -> n0 [label="", penwidth=1.0];
}
`
	if diff := cmp.Diff(want, sample().DOT()); diff != "" {
		t.Errorf("DOT (-want +got):\n%s", diff)
	}
}

// shapes reads an SVG and counts its elements.
func shapes(t *testing.T, svg string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return counts
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if start, ok := token.(xml.StartElement); ok {
			counts[start.Name.Local]++
		}
	}
}

func TestSVG(t *testing.T) {
	svg := sample().SVG()
	// One path is the arrowhead.
	if got := shapes(t, svg); got["rect"] != 3 || got["path"] != 5 {
		t.Errorf("%v in\n%s", got, svg)
	}
	// Columns begin at 20, 340 and 660: web, db, and cache, to which the longest way is over db.
	for _, want := range []string{
		`<title>web 50 %</title><rect x="20"`, `<title>a &#34;cache&#34; \ &lt;b&gt; </title><rect x="660"`, "2 </title><rect x=\"340\"", "<title>web → ",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in\n%s", want, svg)
		}
	}
	if got := shapes(t, (&Graph{}).SVG()); got["svg"] != 1 || got["rect"] != 0 {
		t.Errorf("empty: %v", got)
	}
}

// In graphs without circles every edge leads to a later column, and in every graph each node has its place.
func TestColumns(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for n := range 200 {
		g := &Graph{Nodes: make([]Node, 1+random.IntN(12))}
		circles := n%2 == 0
		for range random.IntN(30) {
			e := Edge{From: random.IntN(len(g.Nodes)), To: random.IntN(len(g.Nodes))}
			if circles || e.From < e.To {
				g.Edges = append(g.Edges, e)
			}
		}
		column := map[int]int{}
		for k, nodes := range g.columns() {
			for _, i := range nodes {
				column[i] = k
			}
		}
		if len(column) != len(g.Nodes) {
			t.Fatalf("%d of %d nodes have a place", len(column), len(g.Nodes))
		}
		for _, e := range g.Edges {
			if !circles && column[e.From] >= column[e.To] {
				t.Fatalf("edge %+v from column %d to %d", e, column[e.From], column[e.To])
			}
		}
	}
}

// What an arrow is stands beside it only where arrows are few.
func TestManyArrows(t *testing.T) {
	g := &Graph{Nodes: make([]Node, 2)}
	for n, want := range map[int]int{labelsMost: 4 + labelsMost, labelsMost + 1: 4} { // two texts for each box
		g.Edges = make([]Edge, n)
		if got := shapes(t, g.SVG()); got["text"] != want || got["path"] != n+1 {
			t.Errorf("%d arrows: %v", n, got)
		}
	}
}

func TestLongTitles(t *testing.T) {
	g := &Graph{Nodes: []Node{{Title: strings.Repeat("ä", 40)}}}
	if want := ">" + strings.Repeat("ä", 27) + "…<"; !strings.Contains(g.SVG(), want) {
		t.Errorf("no %s in\n%s", want, g.SVG())
	}
}
