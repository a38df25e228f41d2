package partition

import (
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// TestSearchFindsTheOnlyLayout: ranges leave gaps of 6 and 4 ways; 4, 3 and 3 ways fit only if the 4 go into the gap of 4, though the gap
// of 6 comes first: ways 0-2 d, 3-5 e, 6-7 the range, 8-11 c.
func TestSearchFindsTheOnlyLayout(t *testing.T) {
	c := schemata.Capacity{Resources: []schemata.Resource{l3("L3", 16, 0xfff, 0, 1, upTo(1))}}
	wish := []Partition{
		{Name: "fixed", Ways: []Ways{{Cache: "L3", From: 6, To: 8}}},
		{Name: "c", Ways: []Ways{{Cache: "L3", Count: 4}}},
		{Name: "d", Ways: []Ways{{Cache: "L3", Count: 3}}},
		{Name: "e", Ways: []Ways{{Cache: "L3", Count: 3}}},
	}
	p, err := New(c, fresh(c), wish, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]uint32{"ballast-c": 0xf00, "ballast-d": 0x007, "ballast-e": 0x038, "ballast-fixed": 0x0c0} {
		if g, _ := p.After.Group(name); g.Schemata["L3"][0] != want {
			t.Errorf("%s has %x, want %x", name, g.Schemata["L3"][0], want)
		}
	}
}

// TestRoomIsFoundWhereThereIsSome compares with trying all positions of all requests on 8 ways.
func TestRoomIsFoundWhereThereIsSome(t *testing.T) {
	c := schemata.Capacity{Resources: []schemata.Resource{l3("L3", 16, 0xff, 0, 1, upTo(1))}}
	random := rand.New(rand.NewPCG(3, 5))
	outcomes := map[bool]int{}
	for range 4000 {
		s := fresh(c)
		var wish []Partition
		for i := range 1 + random.IntN(5) {
			w := Ways{Cache: "L3", Count: 1 + random.IntN(4), Shared: random.IntN(3) == 0}
			if random.IntN(4) == 0 {
				from := random.IntN(8)
				w = Ways{Cache: "L3", From: from, To: min(from+1+random.IntN(2), 8), Shared: w.Shared}
			}
			name := fmt.Sprintf("p%d", i)
			wish = append(wish, Partition{Name: name, Ways: []Ways{w}})
			if random.IntN(2) == 0 {
				s = with(s, schemata.Group{Name: "ballast-" + name, Schemata: schemata.Values{"L3": {0: uint32(1+random.IntN(3)) << random.IntN(6)}}})
			}
		}
		p, err := New(c, s, wish, false)
		if err != nil && !errors.Is(err, ErrNoWays) {
			t.Fatal(err)
		}
		fits := exhaustive(wish, nil)
		outcomes[fits]++
		if fits != (err == nil) {
			t.Fatalf("a layout exists: %v; got %v\n%+v\n%s", fits, err, wish, p)
		}
		if err == nil {
			keepsWishes(t, p, wish)
		}
	}
	if outcomes[true] < 500 || outcomes[false] < 500 {
		t.Errorf("outcomes %v: the comparison is lopsided", outcomes)
	}
}

// keepsWishes checks the masks of the planned state against the wishes.
func keepsWishes(t *testing.T, p Plan, wish []Partition) {
	t.Helper()
	for i, a := range wish {
		ga, _ := p.After.Group("ballast-" + a.Name)
		mask := ga.Schemata["L3"][0]
		w := a.Ways[0]
		if n := bits.OnesCount32(mask); n != w.Count+w.To-w.From {
			t.Fatalf("%s has %d ways, wanted %+v", a.Name, n, w)
		}
		if w.To > 0 && bits.TrailingZeros32(mask) != w.From {
			t.Fatalf("%s has mask %x, wanted %+v", a.Name, mask, w)
		}
		for _, b := range wish[:i] {
			gb, _ := p.After.Group("ballast-" + b.Name)
			if mask&gb.Schemata["L3"][0] != 0 && (!w.Shared || !b.Ways[0].Shared) {
				t.Fatalf("%s and %s have ways in common\n%s", a.Name, b.Name, p)
			}
		}
	}
}

// exhaustive says whether the rest of the wishes has room beside the masks of the first ones.
func exhaustive(wish []Partition, masks []uint32) bool {
	if len(masks) == len(wish) {
		return true
	}
	w := wish[len(masks)].Ways[0]
	for from := range 8 {
		n := w.Count
		if w.To > 0 {
			if from != w.From {
				continue
			}
			n = w.To - w.From
		}
		if from+n > 8 {
			break
		}
		m := uint32(1<<n-1) << from
		free := true
		for i, other := range masks {
			free = free && (m&other == 0 || w.Shared && wish[i].Ways[0].Shared)
		}
		if free && exhaustive(wish, append(slices.Clip(masks), m)) {
			return true
		}
	}
	return false
}
