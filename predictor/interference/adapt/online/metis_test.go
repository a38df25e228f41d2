package online

import (
	"compress/gzip"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/predictor/interference"
)

// campaign reads the rows of one campaign of Metis' published measurements (SC'20), which stand outside the project.
func campaign(t *testing.T, name string) *interference.Table {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "metis", "mixes.csv.gz"))
	if err != nil {
		t.Skipf("measured mixes not found: %v; set BALLAST_DATA to the folder that holds metis/", err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	table, err := interference.ReadMixes("mixes.csv.gz", r)
	if err != nil {
		t.Fatal(err)
	}
	out := &interference.Table{Name: name, Classes: table.Classes}
	for _, row := range table.Rows {
		if row.Campaign == name {
			out.Rows = append(out.Rows, row)
		}
	}
	return out
}

func fit(t *testing.T, tables ...*interference.Table) *interference.Model {
	t.Helper()
	ds, err := interference.Pool(tables...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := interference.Fit(ds, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// observations are the rows in an order, a minute apart.
func observations(t *testing.T, table *interference.Table, order []int) []Observation {
	t.Helper()
	var out []Observation
	for i, k := range order {
		row := table.Rows[k]
		mix, err := interference.MixOf(row.Counts)
		if err != nil {
			t.Fatal(err)
		}
		if len(mix) == 0 {
			continue
		}
		o := Observation{Mix: mix, At: time.Date(2018, 9, 5, 0, i, 0, 0, time.UTC)}
		for _, l := range mix {
			p := row.Performance[l.Class]
			if math.IsNaN(p) {
				p = 0
			}
			o.Performance = append(o.Performance, p)
		}
		out = append(out, o)
	}
	return out
}

// Between the campaigns 0902 and 0905 ISR was changed, and nothing else; every mix with ISR was measured again, the others are copies. Fitted to 0902 and
// shown 0905, in twenty orders: what is found?
func TestChangeOfISRInMetis(t *testing.T) {
	t.Parallel()
	old, newer := campaign(t, "0902"), campaign(t, "0905")
	m := fit(t, old)
	isr, _ := m.ClassIndex("isr")
	r := rand.New(rand.NewPCG(1, 1))
	const orders = 20
	missed, accused, after := 0, 0, 0
	var stale, learned, again figures
	for range orders {
		order := r.Perm(len(newer.Rows))
		half := len(order) / 2
		u := mustNew(t, m, HalfLife)
		touched, found := 0, false
		for _, o := range observations(t, newer, order) {
			if o.Mix.Units(isr) > 0 && !found {
				touched++
			}
			for _, c := range mustObserve(t, u, o) {
				if c.Class != isr {
					t.Log(c.Reason)
					accused++
				} else if !found {
					found, after = true, after+touched
				}
			}
		}
		if !found {
			missed++
		}
		// Learned from half of the campaign, how far is it off on the mixes with ISR of the other half?
		u = mustNew(t, m, HalfLife)
		for _, o := range observations(t, newer, order[:half]) {
			mustObserve(t, u, o)
		}
		now := mustModel(t, u)
		for _, o := range observations(t, newer, order[half:]) {
			if o.Mix.Units(isr) > 0 {
				stale.add(m, o, isr)
				learned.add(now, o, isr)
			}
		}
	}
	refit := fit(t, newer) // has seen them all
	for _, o := range observations(t, newer, r.Perm(len(newer.Rows))) {
		if o.Mix.Units(isr) > 0 {
			again.add(refit, o, isr)
		}
	}
	t.Logf("ISR found in %d of %d orders, after %.0f mixes with it; other classes accused %d times", orders-missed, orders, float64(after)/float64(orders-missed), accused)
	t.Logf("off on the other half: %v as fitted before, %v after half of it; a fit to all of it: %v", &stale, &learned, &again)
	if missed > 0 || accused > 2 {
		t.Errorf("ISR was missed in %d orders of %d, others were accused in %d", missed, orders, accused)
	}
	if learned.isr >= 0.7*stale.isr/stale.isrs*learned.isrs {
		t.Errorf("learning brings the error of ISR from %v to %v only", &stale, &learned)
	}
}

// Half of one campaign's mixes shown to a fit of the other half: new mixes, but nothing has changed.
func TestQuietInMetis(t *testing.T) {
	t.Parallel()
	table := campaign(t, "0905")
	r := rand.New(rand.NewPCG(2, 2))
	shown, alarms := 0, 0
	for range 6 {
		order := r.Perm(len(table.Rows))
		half := *table
		half.Rows = nil
		for _, k := range order[:len(order)/2] {
			half.Rows = append(half.Rows, table.Rows[k])
		}
		u := mustNew(t, fit(t, &half), HalfLife)
		for _, o := range observations(t, table, order[len(order)/2:]) {
			shown += len(o.Mix)
			for _, c := range mustObserve(t, u, o) {
				t.Log(c.Reason)
				alarms++
			}
		}
	}
	t.Logf("%d false alarms in %d measurements", alarms, shown)
	if alarms > 0 {
		t.Errorf("%d false alarms in %d measurements", alarms, shown)
	}
}

// figures are mean absolute errors of the law, of ISR and of those beside it.
type figures struct{ isr, isrs, beside, besides float64 }

func (f *figures) add(m *interference.Model, o Observation, isr int) {
	for k, l := range o.Mix {
		if o.Performance[k] == 0 {
			continue
		}
		mean, _ := m.Law(o.Mix, l.Class)
		e := math.Abs(math.Exp(mean)/o.Performance[k] - 1)
		if l.Class == isr {
			f.isr, f.isrs = f.isr+e, f.isrs+1
		} else {
			f.beside, f.besides = f.beside+e, f.besides+1
		}
	}
}

func (f *figures) String() string {
	return fmt.Sprintf("ISR %.4f, beside it %.4f", f.isr/f.isrs, f.beside/f.besides)
}
