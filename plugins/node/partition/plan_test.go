package partition

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenCase is a plan whose text an operator has looked at.
type goldenCase struct {
	machine   string
	groups    []schemata.Group // besides the default group
	wish      []Partition
	moveTasks bool
}

func goldenCases() map[string]goldenCase {
	amd := machines()["amd"].Resources[0]
	return map[string]goldenCase{
		// 20 ways, the two highest used by devices: lc gets ways 0-11, be 12-15, the third what is left, 16-19.
		"first plan": {machine: "intel full", groups: []schemata.Group{{Name: "Guaranteed"}}, wish: []Partition{
			{Name: "lc", Ways: []Ways{{Cache: "L3", Count: 12}}},
			{Name: "be", Ways: []Ways{{Cache: "L3", Count: 4}}, Bandwidth: []Limit{{Resource: "MB", Percent: 35}}},
			{Name: "mid"},
		}},
		// lc grows from 8 to 12 ways into ways that be gives up: be is written first.
		"shrink before grow": {machine: "intel full", groups: []schemata.Group{
			{Name: "ballast-lc", Schemata: schemata.Values{"L3": all(machines()["intel full"].Resources[0], 0xff)}},
			{Name: "ballast-be", Schemata: schemata.Values{"L3": all(machines()["intel full"].Resources[0], 0xfff00)}},
		}, wish: []Partition{
			{Name: "lc", Ways: []Ways{{Cache: "L3", From: 0, To: 12}}},
			{Name: "be", Ways: []Ways{{Cache: "L3", From: 12, To: 20}}, Bandwidth: []Limit{{Resource: "MB", Percent: 20}}},
		}},
		// lc and be change places and hold all ways: be is cut to one way for two writes, so that they never share.
		"change places": {machine: "L2", groups: []schemata.Group{
			{Name: "ballast-be", Schemata: schemata.Values{"L2": all(machines()["L2"].Resources[0], 0x0f)}},
			{Name: "ballast-lc", Schemata: schemata.Values{"L2": all(machines()["L2"].Resources[0], 0xf0)}},
		}, wish: []Partition{
			{Name: "be", Ways: []Ways{{Cache: "L2", From: 4, To: 8}}},
			{Name: "lc", Ways: []Ways{{Cache: "L2", From: 0, To: 4}}},
		}},
		"leftovers are kept": {machine: "intel full", groups: []schemata.Group{
			{Name: "ballast-old", Tasks: 3, Monitors: []string{"a", "b"}}, {Name: "ballast-empty", Monitors: []string{"c"}},
		}, wish: []Partition{{Name: "lc", Ways: []Ways{{Cache: "L3", Count: 6}}}}},
		"leftovers are moved": {machine: "intel full", groups: []schemata.Group{
			{Name: "ballast-old", Tasks: 3, Monitors: []string{"a", "b"}}, {Name: "ballast-empty", Monitors: []string{"c"}},
		}, wish: []Partition{{Name: "lc", Ways: []Ways{{Cache: "L3", Count: 6}}}}, moveTasks: true},
		// 30000 MB/s = 240 x 125 MB/s; 30001 is rounded up to 241.
		"amd by domain": {machine: "amd", wish: []Partition{
			{Name: "lc", Ways: []Ways{{Cache: "L3", Domains: []int{0, 1, 16}, Count: 12}, {Cache: "L3", Domains: amd.Domains[2:8], Count: 4}}},
			{Name: "be", Bandwidth: []Limit{{Resource: "MB", MBps: 30000, Domains: []int{0, 1}}, {Resource: "MB", MBps: 30001, Domains: []int{23}}}},
		}},
		"code and data": {machine: "code and data", wish: []Partition{
			{Name: "lc", Ways: []Ways{{Cache: "L3", Count: 10}}},
			{Name: "jit", Ways: []Ways{{Cache: "L3CODE", From: 10, To: 14}, {Cache: "L3DATA", From: 12, To: 16}}},
		}},
		"the default group": {machine: "few ways", wish: []Partition{
			{Name: ".", Ways: []Ways{{Cache: "L3", From: 8, To: 11}}},
			{Name: "lc", Ways: []Ways{{Cache: "L3", Count: 8}}},
		}},
		"only monitoring": {machine: "none"},
	}
}

func TestGoldenPlans(t *testing.T) {
	for name, g := range goldenCases() {
		t.Run(name, func(t *testing.T) {
			c := machines()[g.machine]
			s := fresh(c)
			for _, group := range g.groups {
				s = with(s, group)
			}
			p, err := New(c, s, g.wish, g.moveTasks)
			if err != nil {
				t.Fatal(err)
			}
			walk(t, p, g.wish)
			got := p.String() + "-- undone by:\n" + p.Undo(len(p.Operations)).String()
			file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("plan differs (-want +got); with -update the file is written anew:\n%s", d)
			}
		})
	}
}

// one is a partition a with one part of a cache.
func one(w Ways) []Partition { return []Partition{{Name: "a", Ways: []Ways{w}}} }

// two are partitions a and b with one part of a cache each.
func two(a, b Ways) []Partition { return append(one(a), Partition{Name: "b", Ways: []Ways{b}}) }

// limited is a partition a with one limit.
func limited(l Limit) []Partition { return []Partition{{Name: "a", Bandwidth: []Limit{l}}} }

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		machine string
		groups  []schemata.Group
		wish    []Partition
		want    error
		text    string
	}{
		"bad name":        {"L2", nil, []Partition{{Name: "Lc"}}, ErrInvalid, `name "Lc"`},
		"path as name":    {"L2", nil, []Partition{{Name: "../x"}}, ErrInvalid, `name "../x"`},
		"name twice":      {"L2", nil, []Partition{{Name: "a"}, {Name: "a"}}, ErrInvalid, "stands twice"},
		"no such cache":   {"L2", nil, one(Ways{Cache: "L3", Count: 1}), ErrInvalid, "it divides L2"},
		"MB as cache":     {"no L3", nil, one(Ways{Cache: "MB", Count: 1}), ErrInvalid, "it divides MB"},
		"no such domain":  {"amd", nil, one(Ways{Cache: "L3", Count: 1, Domains: []int{8}}), ErrInvalid, "has no domain 8: it has 0-7,16-23"},
		"count and range": {"L2", nil, one(Ways{Cache: "L2", Count: 1, To: 3}), ErrInvalid, "either"},
		"empty range":     {"L2", nil, one(Ways{Cache: "L2", From: 3, To: 3}), ErrInvalid, "is empty"},
		"range too high":  {"L2", nil, one(Ways{Cache: "L2", From: 3, To: 9}), ErrNoWays, "ways 0 up to 8"},
		"below the least": {"no MB", nil, one(Ways{Cache: "L3", Count: 1}), ErrNoWays, "takes 2 to 20"},
		"given twice": {"L2", nil, []Partition{
			{Name: "a", Ways: []Ways{{Cache: "L2", Count: 1}, {Cache: "L2", Count: 2}}},
		}, ErrInvalid, "given twice"},
		"both want way 3": {
			"L2", nil, two(Ways{Cache: "L2", To: 4}, Ways{Cache: "L2", From: 3, To: 6, Shared: true}), ErrNoWays,
			"both want ways 3",
		},
		"nothing is left": {"L2", nil, append(one(Ways{Cache: "L2", Count: 8}), Partition{Name: "b"}), ErrNoWays, "b wants no ways"},
		"too much":        {"L2", nil, two(Ways{Cache: "L2", Count: 5}, Ways{Cache: "L2", Count: 4}), ErrNoWays, "no run of 4 ways"},
		"an exclusive one": {"L2", []schemata.Group{
			{Name: "x", Mode: "exclusive", Schemata: schemata.Values{"L2": {0: 0xc0, 1: 0xc0}}},
		}, one(Ways{Cache: "L2", From: 4, To: 7}), ErrNoWays, "ways 6 of L2"},
		// 4 classes: 1 default, 1 foreign, 1 left free: 1 remains.
		"classes":           {"L2", []schemata.Group{{Name: "x"}}, []Partition{{Name: "a"}, {Name: "b"}}, ErrNoClass, "2 partitions, room for 1"},
		"nothing to divide": {"none", nil, []Partition{{Name: "a"}}, ErrInvalid, "divides neither"},
		"our group locked": {
			"L2",
			[]schemata.Group{{Name: "ballast-a", Mode: "exclusive"}},
			[]Partition{{Name: "a"}},
			ErrInvalid,
			"write shareable",
		},
		"no unit":         {"no L3", nil, limited(Limit{Resource: "MB"}), ErrInvalid, "either percent or MB/s"},
		"two units":       {"no L3", nil, limited(Limit{Resource: "MB", Percent: 1, MBps: 1}), ErrInvalid, "either percent or MB/s"},
		"MB/s of percent": {"no L3", nil, limited(Limit{Resource: "MB", MBps: 1}), ErrUnit, "give percent, or what"},
		"percent of MB/s": {"amd", nil, limited(Limit{Resource: "MB", Percent: 50}), ErrUnit, "give MB/s, or what"},
		"101 percent":     {"no L3", nil, limited(Limit{Resource: "MB", Percent: 101}), ErrInvalid, "1 to 100"},
		"L3 as bandwidth": {"intel full", nil, limited(Limit{Resource: "L3", Percent: 10}), ErrInvalid, "does not limit"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := machines()[test.machine]
			s := fresh(c)
			for _, g := range test.groups {
				s = with(s, g)
			}
			p, err := New(c, s, test.wish, false)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got error %v, want %v with %q; plan:\n%s", err, test.want, test.text, p)
			}
		})
	}
}

// TestBandwidthValues: percent rounds down to a step but not below the least; MB/s rounds up to 1/8 GB/s; a measured peak converts. What is
// not just as asked gives a note.
func TestBandwidthValues(t *testing.T) {
	intel := schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100}
	arm := schemata.Bandwidth{Unit: schemata.Percent, Min: 1, Step: 2, Max: 100}
	amd := schemata.Bandwidth{Unit: schemata.EighthGBps, Step: 1, Max: 2048}
	loop := schemata.Bandwidth{Unit: schemata.MBps, Min: 10, Step: 10, Max: 4294967295}
	peak := func(b schemata.Bandwidth, mbps uint32) schemata.Bandwidth { b.PeakMBps = mbps; return b }
	tests := []struct {
		b    schemata.Bandwidth
		l    Limit
		want uint32
		note string // without its beginning; empty: none
	}{
		{intel, Limit{Percent: 35}, 30, "30 % instead of 35 %: MB of domain 0 goes in steps of 10 %, from 10 %."},
		{intel, Limit{Percent: 30}, 30, ""},
		{intel, Limit{Percent: 3}, 10, "10 % instead of 3 %: MB of domain 0 goes in steps of 10 %, from 10 %."},
		{intel, Limit{Percent: 99}, 90, "90 % instead of 99 %: MB of domain 0 goes in steps of 10 %, from 10 %."},
		{intel, Limit{Percent: 100}, 100, ""},
		{arm, Limit{Percent: 1}, 2, "2 % instead of 1 %: MB of domain 0 goes in steps of 2 %, from 1 %."},
		{arm, Limit{Percent: 51}, 50, "50 % instead of 51 %: MB of domain 0 goes in steps of 2 %, from 1 %."},
		{peak(intel, 40000), Limit{MBps: 15000}, 30, "30 % instead of 15000 MB/s: MB of domain 0 goes in steps of 10 %, from 10 %."}, // 37.5 %
		{peak(intel, 40000), Limit{MBps: 12000}, 30, ""},
		{peak(intel, 40000), Limit{MBps: 40000}, 100, ""},
		{peak(intel, 40000), Limit{MBps: 1}, 10, "10 % instead of 1 MB/s: MB of domain 0 goes in steps of 10 %, from 10 %."},
		{amd, Limit{MBps: 2000}, 16, ""},
		{amd, Limit{MBps: 2001}, 17, "2125 MB/s instead of 2001 MB/s: MB of domain 0 goes in steps of 125 MB/s, from 0 MB/s."},
		{amd, Limit{MBps: 1}, 1, "125 MB/s instead of 1 MB/s: MB of domain 0 goes in steps of 125 MB/s, from 0 MB/s."},
		{amd, Limit{MBps: 999999}, 2048, ""}, // more than there is
		{amd, Limit{Percent: 100}, 2048, ""},
		{peak(amd, 40000), Limit{Percent: 50}, 160, ""}, // 20,000 / 125
		{peak(amd, 40000), Limit{Percent: 51}, 164, "20500 MB/s instead of 51 %: MB of domain 0 goes in steps of 125 MB/s, from 0 MB/s."}, // 163.2
		// 1234 * 10^6 / 2^20 = 1176.8; 32,768 * 10^6 / 2^20 = 31,250; half of 40,000 MB/s is 19,073.5 MiB/s.
		{loop, Limit{MBps: 1234}, 1170, "1170 MiB/s instead of 1234 MB/s: MB of domain 0 goes in steps of 10 MiB/s, from 10 MiB/s."},
		{loop, Limit{MBps: 32768}, 31250, ""},
		{loop, Limit{Percent: 100}, 4294967295, ""},
		{peak(loop, 40000), Limit{Percent: 50}, 19070, "19070 MiB/s instead of 50 %: MB of domain 0 goes in steps of 10 MiB/s, from 10 MiB/s."},
	}
	for _, test := range tests {
		got, err := value(test.b, test.l)
		if err != nil || got != test.want {
			t.Errorf("%+v of %+v: %d, %v; want %d", test.l, test.b, got, err, test.want)
		}
		c := schemata.Capacity{Resources: []schemata.Resource{{Name: "MB", Domains: []int{0}, Bandwidth: &test.b}}}
		test.l.Resource = "MB"
		var want []string
		if test.note != "" {
			want = []string{"ballast-a is limited to " + test.note}
		}
		if diff := cmp.Diff(want, roundings(c, []Partition{{Name: "a", Bandwidth: []Limit{test.l}}})); diff != "" {
			t.Errorf("%+v of %+v: notes -want +got:\n%s", test.l, test.b, diff)
		}
	}
}

// TestNoLimitThatCannotBeWritten: a kernel that rounds with 64 bits and keeps 32 makes (2^32-1 + 9) / 10 * 10 - 2^32 = 4 MiB/s of 2^32-1. What has
// no limit is left out of writes; what had one gets 4294967290, the last multiple of 10.
func TestNoLimitThatCannotBeWritten(t *testing.T) {
	const none, most = 4294967295, 4294967290
	loop := schemata.Resource{
		Name: "MB", Classes: 8, Domains: upTo(2),
		Bandwidth: &schemata.Bandwidth{Unit: schemata.MBps, Min: 10, Step: 10, Max: none},
	}
	c := schemata.Capacity{Resources: []schemata.Resource{l3("L3", 16, 0xff, 0, 1, upTo(2)), loop}}
	s := with(fresh(c), schemata.Group{Name: "ballast-a", Schemata: schemata.Values{"MB": {0: 500, 1: none}}})
	wish := []Partition{{Name: "a", Bandwidth: []Limit{{Resource: "MB", Percent: 100}}}, {Name: "b", Bandwidth: []Limit{{Resource: "MB", Percent: 100}}}}
	p, err := New(c, s, wish, false)
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]schemata.Values{}
	for _, o := range p.Operations {
		if o.Action == Write {
			written[o.Group] = o.Values
		}
	}
	if diff := cmp.Diff(map[int]uint32{0: most}, written["ballast-a"]["MB"]); diff != "" {
		t.Errorf("a group with a limit in one domain, -want +got:\n%s", diff)
	}
	if got, ok := written["ballast-b"]["MB"]; ok {
		t.Errorf("a new group is written %v", got)
	}
	if again, err := New(c, walk(t, p, wish), wish, false); err != nil || len(again.Operations) > 0 {
		t.Errorf("planning again: %v\n%s", err, again)
	}
	back := Restore(c, p.After, s, false)
	if g, _ := back.After.Group("ballast-a"); g.Schemata["MB"][0] != 500 || g.Schemata["MB"][1] != none {
		t.Errorf("restored: %v", g.Schemata)
	}
	limited := with(fresh(c), schemata.Group{Name: ".", Schemata: schemata.Values{"MB": {0: 20, 1: 20}}, Tasks: 1})
	back = Restore(c, limited, fresh(c), false)
	if g, _ := back.After.Group("."); g.Schemata["MB"][0] != most || len(back.Operations) != 1 {
		t.Errorf("the default group restored: %v", g.Schemata)
	}
}
