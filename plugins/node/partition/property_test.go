package partition

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// TestEveryStepIsLegal: plans from random wishes to random wishes, step by step on a separate model of the kernel. At no step is an
// operation refused, a group of others changed, a way shared that two partitions share neither before nor after (unless a note says so);
// the end is the planned one, planning again gives nothing to do, and undoing from any step leads back.
func TestEveryStepIsLegal(t *testing.T) {
	for name, c := range machines() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(7, uint64(len(name))))
			planned := 0
			for range 40 {
				have := inhabited(c, random)
				for range 4 {
					wish := randomWish(c, random)
					p, err := New(c, have, wish, random.IntN(2) == 0)
					if err != nil {
						continue
					}
					planned++
					have = walk(t, p, wish)
					for i := range have.Groups {
						have.Groups[i].Tasks = random.IntN(3)
					}
				}
			}
			if planned < 40 {
				t.Fatalf("only %d of the random wishes could be planned: the test shows little", planned)
			}
		})
	}
}

// walk carries a plan out on the model and returns the state there.
func walk(t *testing.T, p Plan, wish []Partition) schemata.State {
	t.Helper()
	k := newKernel(p.Capacity, p.Before)
	start, end := newKernel(p.Capacity, p.Before), newKernel(p.Capacity, p.After)
	for i, o := range p.Operations {
		asked := slices.ContainsFunc(wish, func(w Partition) bool { return w.Name == "." })
		if ours := strings.HasPrefix(o.Group, "ballast-") || o.Group == "." && asked; !ours {
			t.Fatalf("step %d touches %s\n%s", i+1, o.Group, p)
		}
		if err := k.do(o); err != nil {
			t.Fatalf("step %d: %v\n%s", i+1, err, p)
		}
		if o.Action != Create {
			newSharing(t, p, i, k, start, end)
		}
		undo(t, p, i+1, k)
	}
	now := k.state()
	if d := schemata.Difference(p.After, now); len(d) > 0 {
		t.Fatalf("after the plan: %v\n%s", d, p)
	}
	return now
}

// newSharing fails where two partitions share ways that they share neither at the start nor at the end.
func newSharing(t *testing.T, p Plan, step int, k, start, end *kernel) {
	t.Helper()
	if slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, "change places") }) {
		return
	}
	for _, a := range p.After.Groups {
		for _, b := range p.After.Groups {
			if a.Name >= b.Name {
				continue
			}
			for where, ways := range k.shared(a.Name, b.Name) {
				if fresh := ways &^ start.shared(a.Name, b.Name)[where] &^ end.shared(a.Name, b.Name)[where]; fresh != 0 {
					t.Fatalf("step %d: %s and %s share %s:%x for a while\n%s", step+1, a.Name, b.Name, where, fresh, p)
				}
			}
		}
	}
}

// undo carries out the way back from a step on a copy of the model.
func undo(t *testing.T, p Plan, done int, k *kernel) {
	t.Helper()
	back := newKernel(p.Capacity, k.state())
	u := p.Undo(done)
	for i, o := range u.Operations {
		if err := back.do(o); err != nil {
			t.Fatalf("undo of %d steps, step %d: %v\nplan:\n%sundo:\n%s", done, i+1, err, p, u)
		}
	}
	if d := schemata.Difference(alike(p.Before, p.Capacity), alike(back.state(), p.Capacity)); len(d) > 0 {
		t.Fatalf("after undoing %d steps: %v\nplan:\n%sundo:\n%s", done, d, p, u)
	}
}

// alike gives all values that are no limit, of which a kernel may keep two, one number.
func alike(s schemata.State, c schemata.Capacity) schemata.State {
	s = s.Clone()
	for _, g := range s.Groups {
		for _, r := range c.Resources {
			for d, v := range g.Schemata[r.Name] {
				if r.Bandwidth != nil && v >= 4294967290 {
					g.Schemata[r.Name][d] = 4294967295
				}
			}
		}
	}
	return s
}

func (k *kernel) state() schemata.State {
	var s schemata.State
	for _, name := range slices.Sorted(maps.Keys(k.groups)) {
		g := k.groups[name]
		s.Put(schemata.Group{Name: name, Mode: g.mode, Schemata: g.values.Clone(), Tasks: g.tasks, Monitors: make([]string, g.monitors)})
	}
	return s
}

// inhabited is a machine with up to two groups of others, one of which may be exclusive.
func inhabited(c schemata.Capacity, random *rand.Rand) schemata.State {
	s := fresh(c)
	if random.IntN(2) == 0 {
		s = with(s, schemata.Group{Name: "foreign", Tasks: 3, Monitors: []string{"m"}})
	}
	if random.IntN(3) == 0 {
		g := schemata.Group{Name: "locked", Mode: "exclusive", Schemata: schemata.Values{}}
		for _, r := range c.Resources {
			if r.Cache != nil {
				g.Schemata[r.Name] = all(r, uint32(3)<<(r.Cache.Ways()-2))
			}
		}
		if len(g.Schemata) > 0 {
			root, _ := s.Group(".")
			for _, r := range c.Resources { // the kernel lets a group be exclusive only if no other overlaps, the default group included
				if r.Cache != nil {
					root.Schemata[r.Name] = all(r, uint32(1)<<(r.Cache.Ways()-2)-1)
				}
			}
			s = schemata.State{Groups: []schemata.Group{root}}
			s = with(s, g)
		}
	}
	return s
}

// randomWish is a list of partitions, most of which fit.
func randomWish(c schemata.Capacity, random *rand.Rand) []Partition {
	var out []Partition
	for i := range random.IntN(5) {
		p := Partition{Name: []string{"be", "mid", "lc", "lc-strict", "batch"}[i]}
		if i == 0 && random.IntN(4) == 0 {
			p.Name = "."
		}
		for _, r := range c.Resources {
			switch {
			case r.Cache != nil && random.IntN(8) > 0:
				w := Ways{Cache: r.Name, Shared: random.IntN(6) == 0, Count: 1 + random.IntN(r.Cache.Ways()/3)}
				if random.IntN(3) == 0 {
					from := random.IntN(r.Cache.Ways())
					w = Ways{Cache: r.Name, From: from, To: from + 1 + random.IntN(r.Cache.Ways()/3), Shared: w.Shared}
				}
				if random.IntN(4) == 0 {
					w.Domains = r.Domains[:1]
				}
				p.Ways = append(p.Ways, w)
			case r.Bandwidth != nil && random.IntN(2) == 0:
				l := Limit{Resource: "MB", Percent: 1 + random.IntN(100)}
				if r.Bandwidth.Unit != schemata.Percent {
					l = Limit{Resource: "MB", MBps: 1 + random.IntN(300000)}
				}
				p.Bandwidth = append(p.Bandwidth, l)
			}
		}
		out = append(out, p)
	}
	return out
}

// TestPlanningAgainDoesNothing: the state after a plan asks for nothing more.
func TestPlanningAgainDoesNothing(t *testing.T) {
	for name, c := range machines() {
		random := rand.New(rand.NewPCG(11, 1))
		for range 50 {
			wish := randomWish(c, random)
			p, err := New(c, inhabited(c, random), wish, true)
			if err != nil {
				continue
			}
			again, err := New(c, walk(t, p, wish), wish, true)
			if err != nil || len(again.Operations) > 0 {
				t.Fatalf("%s: second plan: %v\nfirst:\n%ssecond:\n%s\nwish %s", name, err, p, again, fmt.Sprintf("%+v", wish))
			}
		}
	}
}

// TestWaitingForEachOther: a has ways 0-3 and is to have 3-6, b has 4-7 and is to have 0-2. The machine takes at least 2 ways, so that a cannot
// shrink to way 3, which it keeps. a gives up ways 0-1, b goes there, a to 3-6, b to 0-2: nobody shares at any time.
func TestWaitingForEachOther(t *testing.T) {
	c := machines()["no MB"]
	p := swapped(t, c, 0x0f, 0xf0, Ways{Cache: "L3", From: 3, To: 7}, Ways{Cache: "L3", From: 0, To: 3})
	var got []string
	for _, o := range p.Operations {
		got = append(got, fmt.Sprintf("%s %x", strings.TrimPrefix(o.Group, "ballast-"), o.Values["L3"][0]))
	}
	if text := strings.Join(got, ", "); text != "a c, b 3, a 78, b 7" || strings.Contains(p.String(), "change places") {
		t.Errorf("%s\n%s", text, p)
	}
}

// TestChangingPlaces: where all ways are in use and two groups have the least that the machine takes, one write makes them share, and a note
// says so.
func TestChangingPlaces(t *testing.T) {
	c := schemata.Capacity{Resources: []schemata.Resource{l3("L3", 4, 0xf, 0, 2, upTo(1))}}
	p := swapped(t, c, 0x3, 0xc, Ways{Cache: "L3", From: 2, To: 4}, Ways{Cache: "L3", From: 0, To: 2})
	if len(p.Operations) != 2 || !strings.Contains(p.String(), "change places") {
		t.Errorf("want 2 writes with a note:\n%s", p)
	}
}

// swapped plans, and tries on the model, the way of the groups a and b from masks to ways.
func swapped(t *testing.T, c schemata.Capacity, a, b uint32, wantA, wantB Ways) Plan {
	t.Helper()
	s := with(fresh(c), schemata.Group{Name: "ballast-a", Schemata: schemata.Values{"L3": all(c.Resources[0], a)}})
	s = with(s, schemata.Group{Name: "ballast-b", Schemata: schemata.Values{"L3": all(c.Resources[0], b)}})
	wish := []Partition{{Name: "a", Ways: []Ways{wantA}}, {Name: "b", Ways: []Ways{wantB}}}
	p, err := New(c, s, wish, false)
	if err != nil {
		t.Fatal(err)
	}
	walk(t, p, wish)
	return p
}
