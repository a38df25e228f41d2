package plant

import "fmt"

// Truth says how each class performs in a mix.
type Truth interface {
	// Classes are the class names, in the order of counts.
	Classes() []string
	// Performance returns the performance of one container of each class when counts containers of each share a node: 1 =
	// alone, 0 where the class is absent. The error says which mix is outside the truth's domain.
	Performance(counts []int) ([]float64, error)
	// Slots is the largest number of containers a node takes.
	Slots() int
}

// Table is a truth by look-up: a performance for every mix that can occur.
type Table struct {
	classes []string
	slots   int
	rows    map[string][]float64
}

var _ Truth = (*Table)(nil)

// NewTable returns an empty table for nodes of the given number of slots.
func NewTable(classes []string, slots int) *Table {
	return &Table{classes: classes, slots: slots, rows: map[string][]float64{}}
}

// Add enters one mix. Entries for absent classes are ignored.
func (t *Table) Add(counts []int, performance []float64) error {
	if len(counts) != len(t.classes) || len(performance) != len(t.classes) {
		return fmt.Errorf("mix %v has %d counts and %d performances, expected %d of each", counts, len(counts), len(performance), len(t.classes))
	}
	row := make([]float64, len(counts))
	for i, n := range counts {
		switch {
		case n < 0:
			return fmt.Errorf("mix %v has a negative count", counts)
		case n > 0 && !(performance[i] > 0):
			return fmt.Errorf("mix %v has no performance of %s", counts, t.classes[i])
		case n > 0:
			row[i] = performance[i]
		}
	}
	t.rows[mixKey(counts)] = row
	return nil
}

// Classes implements Truth.
func (t *Table) Classes() []string { return t.classes }

// Slots implements Truth.
func (t *Table) Slots() int { return t.slots }

// Performance implements Truth. A mix that is not in the table is an error: a truth does not extrapolate.
func (t *Table) Performance(counts []int) ([]float64, error) {
	if row, ok := t.rows[mixKey(counts)]; ok {
		return row, nil
	}
	if total(counts) == 0 {
		return make([]float64, len(t.classes)), nil
	}
	return nil, fmt.Errorf("mix %v is not in the table", counts)
}

// mixKey packs counts below 256 into a string; larger ones never stand in a table of at most 255 slots.
func mixKey(counts []int) string {
	b := make([]byte, len(counts))
	for i, n := range counts {
		b[i] = byte(min(max(n, 0), 255)) //nolint:gosec // clamped to a byte
	}
	return string(b)
}

func total(counts []int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
