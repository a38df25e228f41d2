package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/ballast-k8s/ballast/simulator/demo"
)

// placementView is the first half.
type placementView struct {
	*demo.Result

	Means   template.HTML
	Parks   []parkView
	Legend  []legendEntry
	Summary string
}

type parkView struct {
	demo.Park
	Distribution, ByClass template.HTML
	Rows                  []rowView
	Maps                  []mapView
}

// rowView is a line of the table.
type rowView struct {
	Name, Mean, OfBound, Satisfied, Predicted, DecisionsPerSecond, AgainstStock string

	IsBound bool
}

// mapView shows each node of an arm with its containers.
type mapView struct {
	Name  string
	Nodes []nodeView
}

type nodeView struct {
	Title      string
	Containers []containerView
}

type containerView struct {
	Colour template.CSS
	Title  string
}

type legendEntry struct {
	Class  string
	Colour template.CSS
}

func newPlacementView(result *demo.Result) (*placementView, error) {
	v := &placementView{Result: result, Summary: summary(result)}
	for i, class := range result.Classes {
		v.Legend = append(v.Legend, legendEntry{class, template.CSS(colour(i))}) //nolint:gosec // a constant of ours
	}
	var err error
	if v.Means, err = meansPlot(result); err != nil {
		return nil, err
	}
	for i := range result.Parks {
		p, err := newParkView(result, &result.Parks[i])
		if err != nil {
			return nil, err
		}
		v.Parks = append(v.Parks, *p)
	}
	return v, nil
}

// summary is the result in a sentence.
func summary(result *demo.Result) string {
	var parts []string
	for _, park := range result.Parks {
		if len(park.Arms) < 2 {
			continue
		}
		first, last := park.Arms[0], park.Arms[len(park.Arms)-1]
		parts = append(parts, fmt.Sprintf("on %d nodes %s gives a container %.3f of its throughput alone, %s %.3f (%+.1f %%; no placement can give more than %.3f)",
			park.Nodes, strings.ToLower(first.Name), first.Verdict.Mean, last.Name, last.Verdict.Mean, 100*(last.Verdict.Mean/first.Verdict.Mean-1), park.Bound))
	}
	s := strings.Join(parts, "; ")
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func newParkView(result *demo.Result, park *demo.Park) (*parkView, error) {
	v := &parkView{Park: *park}
	var err error
	if v.Distribution, err = distributionPlot(park); err != nil {
		return nil, err
	}
	if v.ByClass, err = classPlot(result.Classes, park); err != nil {
		return nil, err
	}
	for i := range park.Arms {
		arm := &park.Arms[i]
		against := ""
		if i > 0 {
			against = fmt.Sprintf("%+.1f %%", 100*(arm.Verdict.Mean/park.Arms[0].Verdict.Mean-1))
		}
		v.Rows = append(v.Rows, rowView{
			Name: arm.Name, Mean: fmt.Sprintf("%.3f", arm.Verdict.Mean),
			OfBound:            fmt.Sprintf("%.1f %%", 100*arm.Verdict.Mean/park.Bound),
			Satisfied:          fmt.Sprintf("%.1f %%", 100*arm.Verdict.Satisfied),
			Predicted:          fmt.Sprintf("%.3f", arm.Predicted),
			DecisionsPerSecond: fmt.Sprintf("%.0f", arm.DecisionsPerSecond),
			AgainstStock:       against,
		})
		v.Maps = append(v.Maps, newMapView(result.Classes, arm))
	}
	v.Rows = append(v.Rows, rowView{Name: "upper bound", Mean: fmt.Sprintf("%.3f", park.Bound), OfBound: "100.0 %", IsBound: true})
	return v, nil
}

func newMapView(classes []string, arm *demo.Arm) mapView {
	m := mapView{Name: arm.Name}
	next := 0 // Verdict.Performances are in the order of nodes and classes
	for i, counts := range arm.Placement {
		node := nodeView{Title: fmt.Sprintf("node %d", i+1)}
		for class, n := range counts {
			for range n {
				node.Containers = append(node.Containers, containerView{
					Colour: template.CSS(colour(class)), //nolint:gosec // a constant of ours
					Title:  fmt.Sprintf("%s %.2f", classes[class], arm.Verdict.Performances[next]),
				})
				next++
			}
		}
		m.Nodes = append(m.Nodes, node)
	}
	return m
}
