package endtoend

import (
	"bytes"
	"encoding/csv"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"gonum.org/v1/gonum/mathext"

	"github.com/ballast-k8s/ballast/predictor/application"
)

// petWindow is 5 minutes of a node of PetShop: requests, mean and two percentiles of their latency, seconds; 0 where nothing was called.
type petWindow struct{ requests, mean, p90, p99 float64 }

// readPetshop reads a table by node.
func readPetshop(t *testing.T, path string) map[string][]petWindow {
	t.Helper()
	in := csv.NewReader(bytes.NewReader(read(t, path)))
	in.FieldsPerRecord = -1
	rows, err := in.ReadAll()
	if err != nil || len(rows) < 5 {
		t.Fatalf("%s: %v", path, err)
	}
	nodes := map[string][]petWindow{}
	for k, node := range rows[0] {
		for i, row := range rows[4:] {
			if len(nodes[node]) <= i {
				nodes[node] = append(nodes[node], petWindow{})
			}
			if k >= len(row) {
				continue
			}
			x, err := strconv.ParseFloat(row[k], 64)
			if err != nil {
				continue // empty: not called
			}
			w := &nodes[node][i]
			switch rows[2][k] {
			case "Sum":
				w.requests = x
			case "p90":
				w.p90 = x
			case "p99":
				w.p99 = x
			case "Average":
				if rows[1][k] == "latency" {
					w.mean = x
				}
			}
		}
	}
	return nodes
}

// The node whose percentiles are composed, of what it calls one after the other.
const adoption = "payforadoption_AWS::ECS::Container"

var adoptionCalls = []string{
	"PetAdoptionStatusUpdater/prod_AWS::ApiGateway::Stage", "amazon.com_remote", "www.amazon.com_remote",
	"adoptions@services-database.us-west-2.rds.amazonaws.com_Database::SQL",
}

// adoptionModel is what windows without issue say: the calls of a request, the shape of each callee's time, and the node's own.
type adoptionModel struct {
	calls, shapes []float64
	own           float64
	tails         [2]float64
}

// shapeOf is the shape of the Gamma distribution with this ratio of 90th percentile to mean. It is at most 2.6 and, from shape 0.2 on, falls.
func shapeOf(ratio float64) float64 {
	low, high := 0.2, 1000.0
	for range 60 {
		if middle := math.Sqrt(low * high); mathext.GammaIncRegCompInv(middle, 0.1)/middle > ratio {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

func fitAdoption(nodes map[string][]petWindow, from, to int) *adoptionModel {
	m := &adoptionModel{tails: [2]float64{1, 1}}
	for _, callee := range adoptionCalls {
		var calls, shapes []float64
		for i := from; i < to; i++ {
			if c, n := nodes[callee][i], nodes[adoption][i]; c.mean > 0 && n.requests > 0 {
				calls, shapes = append(calls, c.requests/n.requests), append(shapes, shapeOf(c.p90/c.mean))
			}
		}
		m.calls, m.shapes = append(m.calls, middle(calls)), append(m.shapes, middle(shapes))
	}
	var own []float64
	for i := from; i < to; i++ {
		rest := nodes[adoption][i].mean
		for k, callee := range adoptionCalls {
			rest -= m.calls[k] * nodes[callee][i].mean
		}
		own = append(own, rest)
	}
	m.own = max(middle(own), 1e-4)
	var ratios [2][]float64
	for i := from; i < to; i++ {
		if q, ok := m.predict(nodes, i); ok {
			ratios[0], ratios[1] = append(ratios[0], nodes[adoption][i].p90/q[0]), append(ratios[1], nodes[adoption][i].p99/q[1])
		}
	}
	m.tails = [2]float64{middle(ratios[0]), middle(ratios[1])}
	return m
}

// predict composes the percentiles of a window from the means of the calls in it. A part of the requests, those that leave the callee asked
// least often out, calls nobody.
func (m *adoptionModel) predict(nodes map[string][]petWindow, i int) (q [2]float64, ok bool) {
	d := application.Document{Format: application.Format, Services: []application.Service{{
		Name: adoption, Kind: application.External, Shape: 1, Law: application.Law{Fixed: m.own},
	}}}
	calling := min(1, slices.Min(m.calls))
	own := application.Part{Service: adoption, Calls: 1}
	series := []application.Part{own}
	for k, callee := range adoptionCalls {
		c := nodes[callee][i]
		if c.mean == 0 || nodes[adoption][i].p90 == 0 {
			return q, false
		}
		d.Services = append(d.Services, application.Service{Name: callee, Kind: application.External, Shape: m.shapes[k], Law: application.Law{Fixed: c.mean}})
		series = append(series, application.Part{Service: callee, Calls: m.calls[k] / calling})
	}
	d.Entries = []application.Entry{{Service: adoption, Operation: "any", Tail: 1, TailLow: 1, TailHigh: 1, Patterns: []application.Pattern{
		{Name: "adopts", Share: calling, High: 1, Part: application.Part{Series: series}}, {Name: "asks", Share: 1 - calling, High: 1, Part: own},
	}}}
	model, err := application.New(d)
	if err != nil {
		return q, false
	}
	for k, p := range []float64{0.9, 0.99} {
		q[k] = m.tails[k] * model.Quantile(0, model.Observed(), p)
	}
	return q, true
}

// TestPetshop composes the 90th and the 99th percentile of one node from the means of what it calls, with structure and shapes of the first
// half of the windows without issue: in the second half, and in those around injected issues.
func TestPetshop(t *testing.T) {
	t.Parallel()
	dir := folder(t, "petshop/low_traffic")
	quietNodes := readPetshop(t, filepath.Join(dir, "noissue", "metrics.csv.gz"))
	half := len(quietNodes[adoption]) / 2
	m := fitAdoption(quietNodes, 0, half)
	var constants [2][]float64
	for _, w := range quietNodes[adoption][:half] {
		constants[0], constants[1] = append(constants[0], w.p90), append(constants[1], w.p99)
	}
	files, err := filepath.Glob(filepath.Join(dir, "t*", "issue_*", "metrics.csv.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no issues: %v", err)
	}
	judge := func(name string, lax []string, from int, tables ...map[string][]petWindow) {
		var composed, constant, before [2][]float64
		for _, nodes := range tables {
			for i := max(from, 1); i < len(nodes[adoption]); i++ {
				q, ok := m.predict(nodes, i)
				last := nodes[adoption][i-1]
				if !ok || last.p90 == 0 {
					continue
				}
				for k, observed := range []float64{nodes[adoption][i].p90, nodes[adoption][i].p99} {
					composed[k] = append(composed[k], math.Abs(math.Log(q[k]/observed)))
					constant[k] = append(constant[k], math.Abs(math.Log(middle(slices.Clone(constants[k]))/observed)))
					before[k] = append(before[k], math.Abs(math.Log([]float64{last.p90, last.p99}[k]/observed)))
				}
			}
		}
		for k, p := range []string{"p90", "p99"} {
			t.Logf("%s, %s, %d windows: mean |ln(predicted/observed)| composed %.3f, constant %.3f, window before %.3f", name, p, len(composed[k]), average(composed[k]),
				average(constant[k]), average(before[k]))
			if better := average(composed[k]) < min(average(constant[k]), average(before[k])); !better && !slices.Contains(lax, p) {
				t.Errorf("%s, %s: not better than both", name, p)
			}
		}
	}
	t.Logf("calls %.2f, shapes %.2f, own %.4f s, observed over composed %.3f", m.calls, m.shapes, m.own, m.tails)
	judge("no issue", nil, half, quietNodes)
	var issues []map[string][]petWindow
	for _, path := range files {
		issues = append(issues, readPetshop(t, path))
	}
	judge("issues", []string{"p99"}, 0, issues...) // there the window before is as good
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
