package graphpattern

// Line is one line of a pattern's outline.
type Line struct {
	Depth  int // below the line before it that has a lower one
	Parent int // line, negative for the entry
	Text   string
}

// MostLines bounds an outline: a pattern holds equal parts once, an outline repeats them.
const MostLines = 1000

// Outline writes a pattern as an indented tree for a person to read: a call, below it what it waits for, one after the other, groups
// of branches side by side, and calls that it does not wait for. cut says that there would be more than MostLines.
func (b *Book) Outline(p int, services []string) (lines []Line, cut bool) {
	type item struct {
		part          Part
		depth, parent int
		background    bool
	}
	for stack := []item{{part: Part{Node: b.Patterns[p].Root}, parent: -1}}; len(stack) > 0; {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if len(lines) >= MostLines {
			return lines, true
		}
		n := &b.Nodes[at.part.Node]
		text := "side by side"
		switch n.Form {
		case Call:
			text = b.Labels[n.Label].text(services)
		case Series:
			text = "one after the other"
		}
		if at.part.Bucket > 0 {
			text += " " + at.part.Bucket.String()
		}
		if at.background {
			text += " (not waited for)"
		}
		lines = append(lines, Line{at.depth, at.parent, text})
		for i := range n.Background { // the last pushed is read first
			part := n.Background[len(n.Background)-1-i]
			stack = append(stack, item{part, at.depth + 1, len(lines) - 1, true})
		}
		for i := range n.Parts {
			part := n.Parts[len(n.Parts)-1-i]
			stack = append(stack, item{part, at.depth + 1, len(lines) - 1, false})
		}
	}
	return lines, false
}
