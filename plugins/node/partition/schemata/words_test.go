package schemata

import (
	"strings"
	"testing"
)

func TestWords(t *testing.T) {
	cache := Resource{Name: "L3", Domains: []int{0, 1, 2, 16}, Cache: &Cache{Full: 0xff}}
	mb := Resource{Name: "MB", Domains: []int{0}, Bandwidth: &Bandwidth{Unit: EighthGBps, Max: 2048}}
	c := Capacity{Resources: []Resource{cache, mb}}
	values := Values{"L3": {0: 0xf, 1: 0xf, 2: 0xf0, 16: 0xf}, "MB": {0: 16}, "L9": {0: 1}}
	got := strings.Join(c.Describe(values, Values{"L3": {16: 0xff}}), "\n")
	want := `L3 of domain 0-1: ways 0-3 (4 of 8)
L3 of domain 2: ways 4-7 (4 of 8)
L3 of domain 16: ways 0-3 (4 of 8), before ways 0-7 (8 of 8)
MB of domain 0: 2000 MB/s`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	for want, r := range map[string]Resource{
		"30 %":     {Bandwidth: &Bandwidth{Unit: Percent, Max: 100}},
		"30 MiB/s": {Bandwidth: &Bandwidth{Unit: MBps, Max: 1<<32 - 1}},
		"no limit": {Bandwidth: &Bandwidth{Unit: Percent, Max: 30}},
	} {
		if got := r.Words(30); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	where := cache.WaysByDomain(func(d int) uint32 { return values["L3"][d] & 0x0c })
	if where != "L3 of domain 0-1,16 ways 2-3" {
		t.Errorf("ways by domain: %q", where)
	}
}

// TestValues: copies do not share their maps; overlaid and cut values are the expected ones.
func TestValues(t *testing.T) {
	a := Values{"L3": {0: 1}}
	b := a.Overlay(Values{"L3": {1: 2}, "MB": {0: 3}})
	b.Set("L3", 0, 9)
	if v, _ := a.Value("L3", 0); v != 1 || len(a) != 1 {
		t.Errorf("the original changed: %v", a)
	}
	if got := b.Overlay(nil); got["L3"][0] != 9 || got["L3"][1] != 2 || got["MB"][0] != 3 {
		t.Errorf("overlay %v", got)
	}
	c := Capacity{Resources: []Resource{{Name: "L3", Domains: []int{1}}}}
	if got := c.Only(b); len(got) != 1 || len(got["L3"]) != 1 || got["L3"][1] != 2 {
		t.Errorf("only %v", got)
	}
	if got := Values(nil).Clone(); got != nil {
		t.Errorf("a clone of nothing: %v", got)
	}
}

func TestState(t *testing.T) {
	var s State
	for _, name := range []string{"b", "ballast-x", ".", "a", "b"} {
		s.Put(Group{Name: name, Tasks: len(s.Groups)})
	}
	s.Drop("a")
	var names []string
	for _, g := range s.Clone().Groups {
		names = append(names, g.Name)
	}
	if got := strings.Join(names, " "); got != ". b ballast-x" {
		t.Errorf("groups %s", got)
	}
	if got := strings.Join(s.Foreign(), " "); got != "b" {
		t.Errorf("foreign %s", got)
	}
	if g, ok := s.Group("b"); !ok || g.Tasks != 4 {
		t.Errorf("b is %+v: the second Put did not replace it", g)
	}
}

// TestExclusive: what is no mode, or not known, keeps nobody out; nor does a group that is still to be locked and has no ways.
func TestExclusive(t *testing.T) {
	for mode, want := range map[string]bool{
		"exclusive": true, "pseudo-locked": true, "shareable": false, "pseudo-locksetup": false, "": false, "novel": false,
	} {
		if got := (Group{Mode: mode}).Exclusive(); got != want {
			t.Errorf("mode %q: %v", mode, got)
		}
	}
}
