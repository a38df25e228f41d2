package schemata

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLines(t *testing.T) {
	got, err := ParseLines("    MB:0=  16;16=2048\n\nL3DATA:0=001ff; 1 =0xf;\nL2:uninitialized\n")
	want := []Line{
		{Resource: "MB", Domains: []int{0, 16}, Values: []string{"16", "2048"}},
		{Resource: "L3DATA", Domains: []int{0, 1}, Values: []string{"001ff", "0xf"}},
		{Resource: "L2"}, // of a group in mode pseudo-locksetup
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
	for text, say := range map[string]string{
		"L3\n": "a colon", ":0=1\n": "resource name", "L3:0\n": "domain=value", "L3:x=1\n": "decimal domain", "L3:-1=1\n": "decimal domain",
		"L3:0=1;0=2\n": "stands twice", "L3:0=1\nL3:1=1\n": "stands twice", "L3:99999999999=1\n": "decimal domain",
		strings.Repeat("x", 33) + ":0=1\n": "resource name",
	} {
		if got, err := ParseLines(text); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %v, %v; want %q in the error", text, got, err, say)
		}
	}
}

func TestParseNumbers(t *testing.T) {
	for text, want := range map[string]uint32{"0": 0, "001ff": 0x1ff, "0xffffffff": 1<<32 - 1, "0f\n": 15} {
		if got, err := ParseMask(text); err != nil || got != want {
			t.Errorf("mask %q: %x, %v", text, got, err)
		}
	}
	for text, want := range map[string]uint32{"0": 0, "  16": 16, "4294967295\n": 1<<32 - 1, "010": 10} {
		if got, err := ParseNumber(text); err != nil || got != want {
			t.Errorf("number %q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "g", "-1", "1ffffffff", "0x", "1 2"} {
		if got, err := ParseMask(text); err == nil {
			t.Errorf("mask %q: %x", text, got)
		}
	}
	for _, text := range []string{"", "a", "-1", "4294967296", "1.5", "0x10"} {
		if got, err := ParseNumber(text); err == nil {
			t.Errorf("number %q: %d", text, got)
		}
	}
}

// FuzzParseLines: what is read can be written and read again.
func FuzzParseLines(f *testing.F) {
	f.Add("    MB:0=  16;16=2048\n    L3:0=fffff;1=fffff\n")
	f.Add("L3DATA:0=001ff;1=001ff;\nL3CODE:0=001ff\n")
	f.Add("L3:uninitialized\nMB:uninitialized\n")
	f.Add("L3:0=;=1;;")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := ParseLines(text)
		if err != nil {
			return
		}
		values, c := Values{}, Capacity{}
		for _, l := range lines {
			r := Resource{Name: l.Resource, Cache: &Cache{}}
			c.Resources = append(c.Resources, r)
			for i, d := range l.Domains {
				if v, err := r.Parse(l.Values[i]); err == nil {
					values.Set(l.Resource, d, v)
				}
			}
		}
		again, err := ParseLines(strings.Join(values.Lines(c), "\n"))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range again {
			if !slices.IsSorted(l.Domains) {
				t.Errorf("domains %v", l.Domains)
			}
			for i, d := range l.Domains {
				if v, err := ParseMask(l.Values[i]); err != nil || v != values[l.Resource][d] {
					t.Errorf("%s:%d=%s, want %x", l.Resource, d, l.Values[i], values[l.Resource][d])
				}
			}
		}
	})
}
