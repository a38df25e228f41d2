// Package report renders the result of a demonstration as one HTML file that needs nothing else: plots are inline SVG, styles
// inline, no script, no font and no address outside the file.
package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"

	"github.com/ballast-k8s/ballast/simulator/closedloop"
	"github.com/ballast-k8s/ballast/simulator/demo"
)

// pages are the page and its two halves.
//
//go:embed *.html
var pages embed.FS

// Result is what both halves showed; one that did not run is nil.
type Result struct {
	Placement *demo.Result       `json:"placement,omitempty"`
	Loop      *closedloop.Result `json:"loop,omitempty"`
}

// Write renders the report.
func Write(w io.Writer, result *Result) error {
	var v view
	var err error
	if result.Placement != nil {
		if v.Placement, err = newPlacementView(result.Placement); err != nil {
			return err
		}
	}
	if result.Loop != nil {
		if v.Loop, err = newLoopView(result.Loop); err != nil {
			return err
		}
	}
	t, err := template.ParseFS(pages, "*.html")
	if err != nil {
		return fmt.Errorf("parsing the report's template: %w", err)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "report.html", v); err != nil {
		return fmt.Errorf("rendering the report: %w", err)
	}
	_, err = w.Write(out.Bytes())
	return err
}

// view is what the template shows.
type view struct {
	Placement *placementView
	Loop      *loopView
}
