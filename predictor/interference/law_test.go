package interference

import (
	"math"
	"testing"
)

// The law is its row times the response, where nothing interacts, with the variance of the covariance: neither bounded nor looked up.
func TestLawIsItsRowTimesTheResponse(t *testing.T) {
	t.Parallel()
	d := twoClasses(MeasuredMix{Classes: []int{0, 1}, Units: []float64{2, 1}, Performance: []float64{0.3, 0.3}, Repeats: []int{5, 5}})
	m := mustNew(t, d)
	mix := Mix{{Class: Unknown, Units: 3}, {Class: 0, Units: 2}, {Class: 1, Units: 1}}
	known := mix[1:]
	for class := range 2 {
		z := m.Row([]float64{42}, mix, class)
		if z[0] != 42 || z[1] != 1 || len(z) != 2+2*d.Rank {
			t.Fatalf("row %v, want 1 and %d numbers appended to 42", z, 2*d.Rank)
		}
		z = z[1:]
		mean, variance := m.Law(known, class)
		near(t, "law", mean, dot(z, m.Document().Classes[class].Response))
		near(t, "variance", variance, m.coefficientVariance(known, class))
	}
	// One container of class 0 has one more of its own and one of class 1 beside it.
	z := m.Row(nil, known, 0)
	rank := d.Rank
	for i := range rank {
		near(t, "pressure", z[1+i], d.Classes[0].Pressure[i]+d.Classes[1].Pressure[i])
		near(t, "presence", z[1+rank+i], d.Classes[0].Presence[i]+d.Classes[1].Presence[i])
	}
	if mean, _ := m.Law(known[:1], 1); !math.IsNaN(mean) {
		t.Errorf("the law of a class that is not there is %v", mean)
	}
}

func TestProvenanceIsChecked(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Provenance{
		"another source":  {From: "hearsay"},
		"negative counts": {From: "updates", Updates: -1},
		"negative sums":   {From: "updates", Above: -1},
		"no number":       {From: "updates", Below: math.NaN()},
	} {
		d := twoClasses()
		d.Classes[0].Provenance = &p
		d.Version = Fingerprint(d)
		if _, err := New(d); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	d := twoClasses()
	d.Classes[0].Provenance = &Provenance{From: "probes", Probes: 4}
	d.Version = Fingerprint(d)
	if m := mustNew(t, d); m.Document().Classes[0].Provenance.Probes != 4 {
		t.Error("provenance is not kept")
	}
}
