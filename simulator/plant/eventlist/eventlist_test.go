package eventlist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Random pushes and pops against a sorted list.
func TestCalendarAgainstSorting(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	var c Calendar[float64]
	var want []float64
	for range 20_000 {
		if rng.IntN(5) < 3 {
			x := float64(rng.IntN(1000))
			c.Push(x, x)
			i, _ := slices.BinarySearch(want, x)
			want = slices.Insert(want, i, x)
			continue
		}
		if len(want) == 0 {
			if !math.IsInf(c.Next(), 1) {
				t.Fatal("an empty calendar has an event")
			}
			continue
		}
		if next, got := c.Next(), c.Pop(); next != want[0] || got != want[0] || c.Len() != len(want)-1 {
			t.Fatalf("next is %v, popped %v, want %v", next, got, want[0])
		}
		want = want[1:]
	}
}

func TestRing(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2, 1))
	var r Ring[int]
	in, out := 0, 0
	for range 10_000 {
		if rng.IntN(2) == 0 {
			r.Push(in)
			in++
		} else if r.Len() > 0 {
			if r.Peek() != out || r.Pop() != out {
				t.Fatalf("item %d did not come in its turn", out)
			}
			out++
		}
	}
	if r.Len() != in-out || r.Cap() > 1024 {
		t.Errorf("%d items in room for %d, want %d", r.Len(), r.Cap(), in-out)
	}
}

func TestAgendaAgainstScan(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 1))
	for _, n := range []int{1, 2, 5, 16, 33} {
		a := NewAgenda(n)
		times := slices.Repeat([]float64{math.Inf(1)}, n)
		for range 1000 {
			i := rng.IntN(n)
			times[i] = float64(rng.IntN(50))
			a.Set(i, times[i])
			want := slices.Index(times, slices.Min(times))
			if at, source := a.Next(); source != want || at != times[want] {
				t.Fatalf("next is %d at %v, want %d at %v", source, at, want, times[want])
			}
		}
	}
}
