package dermnet

import (
	"encoding/csv"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
)

var epochs = flag.Int("epochs", 0, "epochs over all windows in TestShares; 30 are the artifact's and take some minutes. 0 = a tenth of the windows, twice")

func TestParameters(t *testing.T) {
	// 19,200 + 33,280 + 4,160 + 260, as the artifact's.
	if got := New(Inputs, Hidden, Classes, rand.New(rand.NewPCG(1, 2))).Parameters(); got != 56_900 {
		t.Errorf("%d parameters, want 56,900", got)
	}
}

// The derivatives of the loss by every parameter of a small network, against central differences.
func TestDerivatives(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	n := New(3, 5, 4, rng)
	windows, targets := make([][][]float64, 6), make([][]float64, 6)
	for i := range windows {
		for range 4 {
			windows[i] = append(windows[i], []float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()})
		}
		targets[i] = []float64{rng.Float64(), rng.Float64(), rng.Float64(), rng.Float64()}
	}
	loss := func() (sum float64) {
		for i, shares := range n.Predict(windows) {
			for k, p := range shares {
				sum += (p - targets[i][k]) * (p - targets[i][k]) / 24
			}
		}
		return sum
	}
	if got, want := n.backward(n.forward(windows), targets), loss(); math.Abs(got-want) > 1e-12 {
		t.Errorf("loss %v, want %v", got, want)
	}
	const h = 1e-5
	for i, p := range n.parameters {
		for j := range p {
			was := p[j]
			p[j] = was + h
			up := loss()
			p[j] = was - h
			down := loss()
			p[j] = was
			if want := (up - down) / (2 * h); math.Abs(n.derivatives[i][j]-want) > 1e-8 {
				t.Fatalf("parameter %d of tensor %d: %v, by differences %v", j, i, n.derivatives[i][j], want)
			}
		}
	}
}

// It learns a rule that persistence does not know: the share that is large moves on by one class at each step.
func TestTrain(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var windows [][][]float64
	var targets [][]float64
	share := func(at int) []float64 {
		s := []float64{0.1, 0.1, 0.1, 0.1}
		s[at%4] = 0.7
		return s
	}
	for i := range 200 {
		windows = append(windows, [][]float64{share(i), share(i + 1), share(i + 2)})
		targets = append(targets, share(i+3))
	}
	// The persistent forecast is 0.6 off in two of four classes: 0.18.
	if loss := New(4, 16, 4, rng).Train(windows, targets, 100); loss > 0.01 {
		t.Errorf("loss %v after training, want less than 0.01", loss)
	}
}

// series are the published shares of four classes, by series and step.
func series(t *testing.T) [][][]float64 {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "derm-erms", "derm_graph_probabilities.csv"))
	if err != nil {
		t.Skipf("published shares not found: %v; set BALLAST_DATA to the folder that holds derm-erms/", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all [][][]float64
	for _, row := range rows[1:] {
		var shares []float64
		for _, text := range row[2:] {
			x, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			shares = append(shares, x)
		}
		if row[1] == "0" {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], shares)
	}
	return all
}

// steps is the length of a window; the artifact's is not known.
const steps = 10

// cut makes windows and what followed.
func cut(list [][][]float64) (windows [][][]float64, targets [][]float64) {
	for _, s := range list {
		for i := steps; i < len(s); i++ {
			windows, targets = append(windows, s[i-steps:i]), append(targets, s[i])
		}
	}
	return windows, targets
}

func squared(a, b []float64) (sum float64) {
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i]) / float64(len(a))
	}
	return sum
}

// TestShares holds the network, "the same as the last" and Ballast's forecast against each other on series that the network has not seen.
func TestShares(t *testing.T) {
	all := series(t)
	windows, targets := cut(all[:40])
	rounds := *epochs
	if rounds == 0 {
		rounds = 2
		for i := range len(windows) / 10 {
			windows[i], targets[i] = windows[10*i], targets[10*i]
		}
		windows, targets = windows[:len(windows)/10], targets[:len(targets)/10]
	}
	n := New(Classes, Hidden, Classes, rand.New(rand.NewPCG(7, 8)))
	before := 0.0
	unseen, wanted := cut(all[40:])
	for i, shares := range n.Predict(unseen) {
		before += squared(shares, wanted[i]) / float64(len(unseen))
	}
	loss := n.Train(windows, targets, rounds)
	var network, last, ours float64
	for i, shares := range n.Predict(unseen) {
		network += squared(shares, wanted[i]) / float64(len(unseen))
		last += squared(unseen[i][steps-1], wanted[i]) / float64(len(unseen))
	}
	for _, s := range all[40:] {
		var f graphpattern.Forecast
		for i, now := range s {
			counts := make(map[int]int)
			for k, p := range now {
				counts[k] = int(math.Round(1000 * p))
			}
			if i >= steps {
				forecast := f.Shares()
				ours += squared([]float64{forecast[0], forecast[1], forecast[2], forecast[3]}, now) / float64(len(unseen))
			}
			f.Observe(counts)
		}
	}
	t.Logf("mean squared error on 10 series of 50: network %.3e (training %.3e, untrained %.3e), the same as the last %.3e, Ballast %.3e",
		network, loss, before, last, ours)
	if !(network < 0.8*before) {
		t.Errorf("training took the error from %v to %v only", before, network)
	}
	if ours > 1.05*last {
		t.Errorf("Ballast's forecast errs by %v, the same as the last by %v", ours, last)
	}
}
