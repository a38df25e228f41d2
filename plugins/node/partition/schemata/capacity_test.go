package schemata

import (
	"math/bits"
	"strings"
	"testing"
)

// TestCheck: masks and bandwidths against the kernel's rules, with the words that name the broken one.
func TestCheck(t *testing.T) {
	cache := Resource{Name: "L3", Domains: []int{0, 2}, Cache: &Cache{Full: 0x7ff, MinBits: 2}}
	amd := Resource{Name: "L3", Domains: []int{0}, Cache: &Cache{Full: 0xffff, Sparse: true}}
	percent := Resource{Name: "MB", Domains: []int{0}, Bandwidth: &Bandwidth{Unit: Percent, Min: 10, Step: 10, Max: 100}}
	loop := Resource{Name: "MB", Domains: []int{0}, Bandwidth: &Bandwidth{Unit: MBps, Min: 10, Step: 10, Max: 4294967295}}
	tests := []struct {
		r      Resource
		domain int
		value  uint32
		want   string // in the error; empty: legal
	}{
		{cache, 0, 0x7ff, ""},
		{cache, 2, 0x3, ""},
		{cache, 1, 0x3, "has no domain 1: it has 0,2"},
		{cache, 0, 0x800, "is not within 7ff"},
		{cache, 0, 0, "is not within 7ff"},
		{cache, 0, 0x1, "fewer ways"},
		{cache, 0, 0x5, "not one run"},
		{amd, 0, 0, ""},
		{amd, 0, 0x5, ""},
		{percent, 0, 10, ""},
		{percent, 0, 100, ""},
		{percent, 0, 0, "not within 10 to 100"},
		{percent, 0, 110, "not within 10 to 100"},
		{percent, 0, 55, "not a multiple of 10"},
		{loop, 0, 4294967290, ""},
		{loop, 0, 4294967295, "leave the domain out, or write 4294967290"},
		{Resource{Name: "XX", Domains: []int{0}}, 0, 1, "neither"},
	}
	for _, test := range tests {
		err := test.r.Check(test.domain, test.value)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %d=%x: %v, want %q", test.r.Name, test.domain, test.value, err, test.want)
		}
	}
}

// TestIsRun compares with a search over all runs.
func TestIsRun(t *testing.T) {
	runs := map[uint32]bool{0: true}
	for from := range 32 {
		for to := from + 1; to <= 32; to++ {
			if n := bits.OnesCount32(Run(from, to)); n != to-from {
				t.Fatalf("Run(%d, %d) has %d bits", from, to, n)
			}
			runs[Run(from, to)] = true
		}
	}
	for _, high := range []uint32{0, 1 << 31, 0xffff0000} {
		for low := range uint32(1 << 16) {
			if got := IsRun(high | low); got != runs[high|low] {
				t.Fatalf("IsRun(%b) = %v", high|low, got)
			}
		}
	}
}

// TestClasses: the poorest resource decides; devices take one.
func TestClasses(t *testing.T) {
	l3 := Resource{Name: "L3", Classes: 16, Cache: &Cache{}}
	device := Resource{Name: "L3", Classes: 8, Cache: &Cache{DeviceClass: true}}
	mb := Resource{Name: "MB", Classes: 8, Bandwidth: &Bandwidth{}}
	for want, c := range map[int]Capacity{
		0: {}, 16: {Resources: []Resource{l3}}, 8: {Resources: []Resource{l3, mb}}, 7: {Resources: []Resource{device, mb}},
	} {
		if got := c.Classes(); got != want {
			t.Errorf("%d classes, want %d: %+v", got, want, c)
		}
	}
}

// TestDifference names what is missing, other and too much, and leaves alone what is not stated and what belongs to others.
func TestDifference(t *testing.T) {
	want := State{Groups: []Group{
		{Name: "ballast-a", Schemata: Values{"L3": {0: 0xf, 1: 0xf}, "MB": {0: 50}}},
		{Name: "ballast-b"},
	}}
	have := State{Groups: []Group{
		{Name: "."},
		{Name: "ballast-a", Schemata: Values{"L3": {0: 0xf0, 5: 1}, "MB": {0: 60}}},
		{Name: "ballast-c"},
		{Name: "other"},
	}}
	got := strings.Join(Difference(want, have), "\n")
	expected := `group ballast-a has L3:0=f0, wanted f
group ballast-a has no value for L3 domain 1
group ballast-a has MB:0=60, wanted 50
group ballast-b is missing
group ballast-c should not be there`
	if got != expected {
		t.Errorf("got:\n%s\nwant:\n%s", got, expected)
	}
}

func TestLinesAndRanges(t *testing.T) {
	c := Capacity{Resources: []Resource{{Name: "L3", Cache: &Cache{}}, {Name: "MB", Bandwidth: &Bandwidth{}}}}
	v := Values{"MB": {1: 20, 0: 10}, "L3": {16: 0xff, 2: 0xf}, "L9": {0: 1}}
	if got := strings.Join(v.Lines(c), " "); got != "L3:2=f;16=ff MB:0=10;1=20" {
		t.Errorf("lines %q", got)
	}
	for want, mask := range map[string]uint32{"none": 0, "0": 1, "0-3,8": 0x10f, "31": 1 << 31, "0-31": 1<<32 - 1} {
		if got := WayRanges(mask); got != want {
			t.Errorf("WayRanges(%x) = %q, want %q", mask, got, want)
		}
	}
}
