package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/plant"
)

// Inputs is what a demonstration is run on.
type Inputs struct {
	// Source says in a sentence where mixes, batch and truth come from; Judge what the truth is.
	Source, Judge string
	// Model is what ballast-scheduler decides by; Notes what a user should know of its data.
	Model *interference.Model
	Notes []string
	// Truth is what both placements are judged by.
	Truth plant.Truth
	// Batch are the containers of each class to place, in the order of Truth.Classes.
	Batch []int
}

// Parameters of the generated inputs. With the 644 mixes of one or two classes, 680 more make 1,324, as many distinct mixes as the
// published campaign has; the noise is the scatter of its repeats (2 to 3.6 %), and the batch its smallest.
const (
	generatedMixes = 680
	generatedNoise = 0.03
	batchSize      = 200
)

// MetisInputs are the published measurements of Metis (SC'20): the model is fitted to mixes and pairs, the batch is the first row
// of batches, and forest, the published simulator's view of every mix, is the truth.
func MetisInputs(mixes, pairs, batches, forest *interference.Table) (*Inputs, error) {
	model, notes, err := fit("Metis (SC'20): "+mixes.Name+", "+pairs.Name, mixes, pairs)
	if err != nil {
		return nil, err
	}
	classes := forest.Classes
	if !slices.Equal(classes, batches.Classes) {
		return nil, fmt.Errorf("%s has classes %v, %s has %v: expected the same", batches.Name, batches.Classes, forest.Name, classes)
	}
	const slots = 8 // a measured node has 16 CPU and 64 GB, a container 2 CPU and 8 GB
	truth := plant.NewTable(classes, slots)
	for _, row := range forest.Rows {
		if err := truth.Add(whole(row.Counts), row.Performance); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", forest.Name, row.Line, err)
		}
	}
	return &Inputs{
		Source: "measured co-location of seven applications (Metis, SC'20), batch 0 of 200 containers",
		Judge:  "the paper's own simulator, a random forest fitted to one of the same campaigns; the model has not seen its answers",
		Model:  model, Notes: notes, Truth: truth, Batch: whole(batches.Rows[0].Counts),
	}, nil
}

// GeneratedInputs need no data: an analytic model of cores, cache and memory bandwidth is measured with noise, the Ballast model
// is fitted to what was measured, and the analytic model without noise is the truth.
func GeneratedInputs(seed uint64) (*Inputs, error) {
	rng := rand.New(rand.NewPCG(seed, 0x6261_6c6c)) //nolint:gosec // a simulation wants a seed, not secrecy
	truth := plant.Example()
	model, notes, err := Learn(truth, rng)
	if err != nil {
		return nil, err
	}
	return &Inputs{
		Source: fmt.Sprintf("generated: %d mixes of seven made-up classes, measured with %.0f %% noise (seed %d)",
			model.Document().Fit.Mixes, 100*generatedNoise, seed),
		Judge: "the analytic cache and bandwidth model that generated them, without the noise; it is not the predictor's form",
		Model: model, Notes: notes, Truth: truth, Batch: plant.Batch(len(truth.Classes()), batchSize, rng),
	}, nil
}

// Learn measures mixes of a truth with noise and fits the model to them: all that Ballast knows of the truth. The notes are what a
// user should know of the data.
func Learn(truth plant.Truth, rng *rand.Rand) (model *interference.Model, notes []string, err error) {
	samples, err := plant.Measure(truth, generatedMixes, generatedNoise, rng)
	if err != nil {
		return nil, nil, err
	}
	table := &interference.Table{Name: "generated mixes", Classes: truth.Classes()}
	for i, s := range samples {
		row := interference.Row{Line: i + 1, Performance: s.Performance}
		for _, n := range s.Counts {
			row.Counts = append(row.Counts, float64(n))
		}
		table.Rows = append(table.Rows, row)
	}
	return fit("analytic model of cache and bandwidth, generated", table)
}

func fit(source string, tables ...*interference.Table) (*interference.Model, []string, error) {
	ds, err := interference.Pool(tables...)
	if err != nil {
		return nil, nil, err
	}
	model, err := interference.Fit(ds, source)
	return model, ds.Notes, err
}

func whole(counts []float64) []int {
	n := make([]int, len(counts))
	for i, c := range counts {
		n[i] = int(c)
	}
	return n
}

// arrival is the order in which the containers of a batch arrive: shuffled, because real pods do not come sorted by class, and
// the same for both schedulers.
func arrival(batch []int, seed uint64) []int {
	var order []int
	for class, n := range batch {
		for range n {
			order = append(order, class)
		}
	}
	rng := rand.New(rand.NewPCG(seed, 0x6f72_6472)) //nolint:gosec // a simulation wants a seed, not secrecy
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}
