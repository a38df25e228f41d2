package profile

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// forestJudge places batches of Metis by the values of a model, whole containers on whole nodes, and says by how much the placements stay
// behind the bound under the published simulator, a random forest. Nothing was chosen by it.
func forestJudge(t testing.TB) func(testing.TB, *interference.Model) float64 {
	t.Helper()
	forest := metis(t, "forest.csv.gz")
	truth := make(map[string]float64, len(forest.Rows))
	key := func(counts []int) string { return fmt.Sprint(counts) }
	for _, row := range forest.Rows {
		counts, v := make([]int, len(row.Counts)), 0.0
		for k, n := range row.Counts {
			if counts[k] = int(n); n > 0 {
				v += n * row.Performance[k]
			}
		}
		truth[key(counts)] = v
	}
	var problems []configlp.Problem
	for _, of := range []struct{ nodes, containers int }{{81, 200}, {81, 300}, {81, 400}, {27, 200}} {
		batches := metis(t, fmt.Sprintf("batch_set_%d.csv", of.containers))
		for _, row := range batches.Rows[:2] {
			p := configlp.Problem{Groups: []configlp.Group{{Nodes: of.nodes, Free: []int64{slotsOfMetis}}}}
			for _, n := range row.Counts {
				p.Items = append(p.Items, configlp.Item{Count: int(n), Size: []int64{1}})
			}
			problems = append(problems, p)
		}
	}
	solve := func(t testing.TB, p configlp.Problem, value func([]int) float64) *configlp.Plan {
		p.Groups = slices.Clone(p.Groups)
		p.Groups[0].Value = value
		plan, err := configlp.Solve(p, configlp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	under := func(counts []int) float64 { return truth[key(counts)] }
	bounds := make([]float64, len(problems))
	for i, p := range problems {
		bounds[i] = solve(t, p, under).Bound
	}
	return func(t testing.TB, m *interference.Model) float64 {
		t.Helper()
		counts := make([]float64, len(m.Classes()))
		var loss float64
		for i, p := range problems {
			plan := solve(t, p, func(n []int) float64 {
				for k := range n {
					counts[k] = float64(n[k])
				}
				mix, err := interference.MixOf(counts)
				if err != nil {
					t.Fatal(err)
				}
				return m.Value(mix, nil)
			})
			var v float64
			for _, a := range plan.Groups[0] {
				v += float64(a.Nodes) * under(a.Counts)
			}
			loss += (1 - v/bounds[i]) / float64(len(problems))
		}
		return loss
	}
}
