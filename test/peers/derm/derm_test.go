package derm

import (
	"fmt"
	"math"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers/internal/dermerms"
)

// published is the parameters of TrainTicket: two classes of call graph, of which the first has the given share.
func published(t testing.TB, first, target, workload float64) Problem {
	p := Problem{Services: make([]Service, 12), Shares: []float64{first, 1 - first}, Target: target, Workload: workload}
	for _, r := range dermerms.Rows(t, "derm_all_pars.csv") {
		s := &p.Services[int(r.Number("ms"))]
		if s.Calls == nil {
			*s = Service{Calls: make([]float64, 2), Slope: r.Number("a1"), Intercept: r.Number("b1"), Containers: r.Number("pod_num")}
		}
		s.Calls[int(r.Number("chain"))-1] = r.Number("n")
	}
	return p
}

func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, reference %v", what, got, want)
	}
}

// Every row of the reference, those without a result, too.
func TestReferenceRows(t *testing.T) {
	for _, r := range dermerms.Rows(t, "derm_ref_heuristic.csv") {
		name := fmt.Sprintf("share %s, target %s, workload %s", r.Text("p_graph1"), r.Text("sla_ms"), r.Text("workload"))
		p := published(t, r.Number("p_graph1"), r.Number("sla_ms"), r.Number("workload"))
		best, all, err := Allocate(p)
		if err != nil {
			t.Fatal(err)
		}
		if feasible := r.Text("feasible") == "1"; feasible != (best >= 0) {
			t.Errorf("%s: best step %d, reference feasible %v", name, best, feasible)
			continue
		}
		if best < 0 {
			continue
		}
		step := all[best]
		within(t, name+": step", float64(best), r.Number("best_iteration"), 0)
		within(t, name+": percentile", step.P95, r.Number("p95_ms"), 1e-4)
		within(t, name+": containers", step.Total, r.Number("containers_total"), 1e-4)
		for m := range p.Services {
			within(t, fmt.Sprintf("%s: load of %d", name, m), step.Loads[m], r.Number(fmt.Sprintf("w_ms%d", m)), 1e-4)
			within(t, fmt.Sprintf("%s: containers of %d", name, m), step.Containers[m], r.Number(fmt.Sprintf("containers_ms%d", m)), 1e-4)
		}
	}
}

// The way there, too: every step of the first row.
func TestReferenceSteps(t *testing.T) {
	_, all, err := Allocate(published(t, 0.5, 550, 10))
	if err != nil {
		t.Fatal(err)
	}
	for k, r := range dermerms.Rows(t, "derm_ref_iterations.csv") {
		name, step := fmt.Sprintf("step %d", k), all[k]
		within(t, name+": percentile", step.P95, r.Number("p95_ms"), 1e-4)
		within(t, name+": containers", step.Total, r.Number("containers_total"), 1e-4)
		within(t, name+": bisections", float64(step.Bisections), r.Number("bisect_steps"), 0)
		within(t, name+": residues replaced", float64(step.Negative), r.Number("negative_residues"), 0)
		within(t, name+": rows clipped", float64(step.Clipped), r.Number("clipped_rows"), 0)
		within(t, name+": multiplier", step.Multiplier, r.Number("multiplier_pi"), 1e-4)
	}
}
