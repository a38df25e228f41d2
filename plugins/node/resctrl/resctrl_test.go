package resctrl

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// texts is a tree that can only be read: file contents by name.
type texts map[string]string

func (t texts) ReadFile(name string) ([]byte, error) {
	if s, ok := t[name]; ok {
		return []byte(s), nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (t texts) ReadDir(folder string) ([]string, error) {
	var out []string
	for name := range t {
		rest := name
		if folder != "." {
			var in bool
			if rest, in = strings.CutPrefix(name, folder+"/"); !in {
				continue
			}
		}
		first, _, isDir := strings.Cut(rest, "/")
		if isDir {
			first += "/"
		}
		out = append(out, first)
	}
	if len(out) == 0 && folder != "." {
		return nil, &fs.PathError{Op: "open", Path: folder, Err: fs.ErrNotExist}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (t texts) WriteFile(string, []byte) error { return syscall.EROFS }
func (t texts) Mkdir(string) error             { return syscall.EROFS }
func (t texts) Remove(string) error            { return syscall.EROFS }
func (t texts) Rename(string, string) error    { return syscall.EROFS }

// machine is a small tree: one cache of 11 ways, two domains with a gap, bandwidth in percent.
func machine() texts {
	return texts{
		"info/last_cmd_status": "ok\n", "info/L3/cbm_mask": "7ff\n", "info/L3/min_cbm_bits": "1\n", "info/L3/shareable_bits": "600\n",
		"info/L3/num_closids": "16\n", "info/MB/min_bandwidth": "10\n", "info/MB/bandwidth_gran": "10\n", "info/MB/delay_linear": "1\n",
		"info/MB/num_closids": "8\n", "info/L3_MON/num_rmids": "144\n", "info/L3_MON/mon_features": "llc_occupancy\n",
		"schemata": "    MB:0=100;16=100\n    L3:0=7ff;16=7ff\n", "size": "    MB:0=100;16=100\n    L3:0=11534336;16=11534336\n",
		"tasks": "1\n2\n", "mode": "shareable\n", "cpus_list": "0-31\n",
		"ballast-lc/schemata": "MB:0= 50;16=100\nL3:0=00f;16=7ff\n", "ballast-lc/tasks": "7\n", "ballast-lc/mode": "shareable\n",
		"ballast-lc/cpus_list": "\n", "ballast-lc/mon_groups/pod/tasks": "7\n",
	}
}

func TestRead(t *testing.T) {
	got, err := Read(machine())
	if err != nil {
		t.Fatal(err)
	}
	want := Inventory{
		Capacity: schemata.Capacity{
			Resources: []schemata.Resource{
				{Name: "L3", Classes: 16, Domains: []int{0, 16}, Cache: &schemata.Cache{
					Full: 0x7ff, Shareable: 0x600, MinBits: 1, WayBytes: map[int]uint64{0: 1 << 20, 16: 1 << 20}, // 11 MiB, 11 ways
				}},
				{Name: "MB", Classes: 8, Domains: []int{0, 16}, Bandwidth: &schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100}},
			},
			Monitoring: &schemata.Monitoring{RMIDs: 144, Features: []string{"llc_occupancy"}},
		},
		State: schemata.State{Groups: []schemata.Group{
			{Name: ".", Mode: "shareable", CPUs: "0-31", Tasks: 2, Schemata: schemata.Values{"L3": {0: 0x7ff, 16: 0x7ff}, "MB": {0: 100, 16: 100}}},
			{
				Name: "ballast-lc", Mode: "shareable", Tasks: 1, Monitors: []string{"pod"},
				Schemata: schemata.Values{"L3": {0: 0xf, 16: 0x7ff}, "MB": {0: 50, 16: 100}},
			},
		}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestReadSaysWhatItLeavesOut: what cannot be understood is left out and named; it is never taken for 0.
func TestReadSaysWhatItLeavesOut(t *testing.T) {
	tests := map[string]struct {
		file, text string // text "-" takes the file away
		unread     string
		resources  string
	}{
		"no cbm_mask":          {"info/L3/cbm_mask", "-", "info/L3: cbm_mask: absent", "MB"},
		"mask with a hole":     {"info/L3/cbm_mask", "7fd\n", "not one run", "MB"},
		"no shareable bits":    {"info/L3/shareable_bits", "-", "shareable_bits: absent", "MB"},
		"too many least bits":  {"info/L3/min_cbm_bits", "12\n", "more than the 11 ways", "MB"},
		"no number":            {"info/L3/num_closids", "many\n", "not a decimal number", "MB"},
		"no classes":           {"info/L3/num_closids", "0\n", "not within 1 to", "MB"},
		"no steps":             {"info/MB/bandwidth_gran", "0\n", "bandwidth_gran is 0", "L3"},
		"unknown unit":         {"info/MB/delay_linear", "-", "", "L3 MB"},
		"no line":              {"schemata", "L3:0=7ff\n", "no domain of it", "L3"},
		"line without info":    {"schemata", "L3:0=7ff\nMB:0=100\nXX:0=1\n", "schemata line XX", "L3 MB"},
		"no mask":              {"ballast-lc/schemata", "L3:0=x;16=f\n", "ballast-lc/schemata: L3 domain 0", "L3 MB"},
		"unknown resource":     {"info/L9/num_closids", "4\n", "info/L9: unknown resource", "L3 MB"},
		"energy counters":      {"info/PERF_PKG_MON/num_rmids", "4\n", "info/PERF_PKG_MON: these counters are not used", "L3 MB"},
		"no size":              {"size", "-", "size: absent", "L3 MB"},
		"mode not readable":    {"ballast-lc/mode", "-", "ballast-lc/mode: absent", "L3 MB"},
		"monitoring not known": {"info/L3_MON/num_rmids", "-", "info/L3_MON: num_rmids: absent", "L3 MB"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			m := machine()
			m[test.file] = test.text
			if test.text == "-" {
				delete(m, test.file)
			}
			got, err := Read(m)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, r := range got.Capacity.Resources {
				names = append(names, r.Name)
			}
			if s := strings.Join(names, " "); s != test.resources {
				t.Errorf("resources %q, want %q", s, test.resources)
			}
			if all := strings.Join(got.Unread, "\n"); !strings.Contains(all, test.unread) {
				t.Errorf("unread %q, want %q in it", all, test.unread)
			}
		})
	}
}

// TestReadRefuses: a tree whose groups cannot be counted is no ground for a plan.
func TestReadRefuses(t *testing.T) {
	for name, change := range map[string]func(texts){
		"no info":        func(m texts) { clear(m) },
		"no tasks":       func(m texts) { delete(m, "tasks") },
		"bad tasks":      func(m texts) { m["ballast-lc/tasks"] = "one\n" },
		"bad schemata":   func(m texts) { m["schemata"] = "L3 0=7ff\n" },
		"bad ones of us": func(m texts) { m["ballast-lc/schemata"] = "L3 0=7ff\n" },
		"domain twice":   func(m texts) { m["schemata"] = "L3:0=7ff;0=7ff\n" },
		"info is empty":  func(m texts) { clear(m); m["info/last_cmd_status"] = "ok\n" },
	} {
		m := machine()
		change(m)
		if got, err := Read(m); err == nil {
			t.Errorf("%s: read %+v", name, got)
		}
	}
}

// TestAGroupOfOthersIsNotOurTrouble: a group that is being locked shows a word in place of values, and what cannot be understood of a group of
// others is named; both count as groups, without values.
func TestAGroupOfOthersIsNotOurTrouble(t *testing.T) {
	for text, unread := range map[string]int{"L3:uninitialized\nMB:uninitialized\n": 0, "L3 0=7ff\n": 1} {
		m := machine()
		maps.Copy(m, texts{"locked/tasks": "", "locked/mode": "pseudo-locksetup\n", "locked/cpus_list": "\n", "locked/schemata": text})
		got, err := Read(m)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		g, there := got.State.Group("locked")
		if !there || g.Mode != "pseudo-locksetup" || len(g.Schemata) != 0 || len(got.State.Groups) != 3 || len(got.Unread) != unread {
			t.Errorf("%q: %+v, unread %v", text, g, got.Unread)
		}
	}
}

// denying is a tree that lets the schemata of one group not be read.
type denying struct{ texts }

func (d denying) ReadFile(name string) ([]byte, error) {
	if name == "other/schemata" {
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EIO}
	}
	return d.texts.ReadFile(name)
}

func TestSchemataOfOthersThatCannotBeRead(t *testing.T) {
	m := machine()
	maps.Copy(m, texts{"other/tasks": "", "other/mode": "shareable\n", "other/cpus_list": "\n"})
	got, err := Read(denying{m})
	if err != nil || len(got.State.Groups) != 3 || len(got.Unread) != 1 || !strings.Contains(got.Unread[0], "other/schemata") {
		t.Errorf("%v, %+v", err, got)
	}
}

// TestUnits: AMD has no least and is not linear; MB/s shows in a value above 100 or in the event file.
func TestUnits(t *testing.T) {
	amd := texts{
		"info/MB/min_bandwidth": "0\n", "info/MB/delay_linear": "0\n", "info/MB/bandwidth_gran": "1\n",
		"schemata": "MB:0=  16;16=2048\nL3:0=7ff\n",
	}
	tests := map[string]struct {
		files texts
		want  schemata.Bandwidth
	}{
		"intel": {nil, schemata.Bandwidth{Unit: schemata.Percent, Min: 10, Step: 10, Max: 100}},
		"amd":   {amd, schemata.Bandwidth{Unit: schemata.EighthGBps, Step: 1, Max: 2048}},
		"amd, all limited": {
			texts{
				"info/MB/min_bandwidth": "0\n", "info/MB/delay_linear": "0\n", "info/MB/bandwidth_gran": "1\n", "schemata": "MB:0=  16;16=200\n",
			}, schemata.Bandwidth{Unit: schemata.EighthGBps, Step: 1, Max: 2048},
		},
		"amd, limited to a power of two": {
			texts{
				"info/MB/min_bandwidth": "0\n", "info/MB/delay_linear": "0\n", "info/MB/bandwidth_gran": "1\n", "schemata": "MB:0=  16;16=512\n",
			}, schemata.Bandwidth{Unit: schemata.EighthGBps, Step: 1, Max: 2048},
		},
		"amd, 12 bits": {
			texts{
				"info/MB/min_bandwidth": "0\n", "info/MB/delay_linear": "0\n", "info/MB/bandwidth_gran": "1\n", "schemata": "MB:0=4096;16=3000\n",
			}, schemata.Bandwidth{Unit: schemata.EighthGBps, Step: 1, Max: 4096},
		},
		"MB/s, value": {texts{"schemata": "MB:0=4294967295\n"}, schemata.Bandwidth{Unit: schemata.MBps, Min: 10, Step: 10, Max: 1<<32 - 1}},
		"MB/s, event": {texts{"mba_MBps_event": "mbm_local_bytes\n"}, schemata.Bandwidth{Unit: schemata.MBps, Min: 10, Step: 10, Max: 1<<32 - 1}},
	}
	for name, test := range tests {
		m := machine()
		m["ballast-lc/schemata"] = ""
		maps.Copy(m, test.files)
		got, err := Read(m)
		if err != nil {
			t.Fatal(err)
		}
		if r, _ := got.Capacity.Resource("MB"); r.Bandwidth == nil || *r.Bandwidth != test.want {
			t.Errorf("%s: %+v, want %+v", name, r.Bandwidth, test.want)
		}
		limited := strings.HasPrefix(name, "amd, all") || strings.HasPrefix(name, "amd, limited")
		if said := strings.Contains(strings.Join(got.Unread, "\n"), "every group is limited"); said != limited {
			t.Errorf("%s: unread %q", name, got.Unread)
		}
	}
}

func TestReadings(t *testing.T) {
	for text, want := range map[string]Reading{
		"12\n": {Valid, 12}, "0\n": {Valid, 0}, "18446744073709551615\n": {Valid, 1<<64 - 1}, "Unavailable\n": {State: Unavailable},
		"Unassigned\n": {State: Unassigned}, "Error\n": {State: Failed}, "": {}, "-1\n": {}, "1.5\n": {}, "18446744073709551616\n": {},
	} {
		if got := ParseReading(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestRates: 300 bytes in 2 s are 150 bytes/s; what is not valid twice, or went back, has no rate.
func TestRates(t *testing.T) {
	valid := func(v uint64) Reading { return Reading{Valid, v} }
	before := []Counters{
		{Group: "a", Domain: 0, Total: valid(100), Local: valid(50)},
		{Group: "a", Domain: 1, Total: valid(100), Local: Reading{State: Unavailable}},
		{Group: "gone", Domain: 0, Total: valid(1)},
	}
	after := []Counters{
		{Group: "a", Domain: 0, Total: valid(400), Local: valid(49)},
		{Group: "a", Domain: 1, Total: valid(100), Local: valid(7)},
		{Group: "new", Domain: 0, Total: valid(1)},
	}
	want := []Rate{
		{Group: "a", Domain: 0, Total: new(150.0)},
		{Group: "a", Domain: 1, Total: new(0.0)},
		{Group: "new", Domain: 0},
		{Group: "gone", Domain: 0},
	}
	if d := cmp.Diff(want, Rates(before, after, 2*time.Second)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if got := Rates(before, after, 0)[0].Total; got != nil {
		t.Errorf("a rate over no time: %v", *got)
	}
}

// TestErrorKinds: what the kernel answers, old and new texts, and what it means.
func TestErrorKinds(t *testing.T) {
	tests := []struct {
		operation string
		err       error
		status    string
		want      error
	}{
		{"mkdir", syscall.ENOSPC, "Out of CLOSIDs\n", ErrNoRoom},
		{"mkdir", syscall.ENOSPC, "out of CLOSIDs\n", ErrNoRoom},
		{"mkdir", syscall.ENOSPC, "Out of RMIDs\n", ErrNoMonitor},
		{"mkdir", syscall.EBUSY, "Out of RMIDs\n", ErrDraining},
		{"mkdir", syscall.ENOSPC, "No space on L3:0\n", ErrNoWays},
		{"write", syscall.EINVAL, "ok\n", ErrUnknownDomain},
		{"write", syscall.EINVAL, "Mask out of range\n", ErrInvalid},
		{"write", syscall.ENODEV, "ok\n", ErrGone},
		{"write", syscall.ESRCH, "No task 5\n", ErrGone},
		{"write", syscall.EPERM, "No permission to move task 5\n", ErrForbidden},
		{"mkdir", syscall.EACCES, "ok\n", ErrForbidden},
		{"mkdir", syscall.EEXIST, "ok\n", nil},
	}
	for _, test := range tests {
		err := refused(texts{"info/last_cmd_status": test.status}, test.operation, "x", &fs.PathError{Op: "open", Path: "x", Err: test.err})
		var e *Error
		if !errors.As(err, &e) || !errors.Is(e.Kind, test.want) || !errors.Is(err, test.err) {
			t.Errorf("%s %v %q: kind %v, want %v; %v", test.operation, test.err, test.status, e.Kind, test.want, err)
		}
		if status := strings.TrimSpace(test.status); status != "ok" && !strings.Contains(err.Error(), status) {
			t.Errorf("%v does not say %q", err, status)
		}
	}
}

// TestWritesFit: values of 1,000 domains are split into writes of at most 4,096 bytes that name each domain once, and each resource once in a
// write.
func TestWritesFit(t *testing.T) {
	var c schemata.Capacity
	values := schemata.Values{}
	for name, value := range map[string]uint32{"MB": 1<<32 - 1, "L2": 1, "L3": 1} {
		r := schemata.Resource{Name: name, Cache: &schemata.Cache{}}
		if name == "MB" {
			r.Cache, r.Bandwidth = nil, &schemata.Bandwidth{}
		}
		for d := range 1000 {
			r.Domains = append(r.Domains, d)
			values.Set(name, d, value)
		}
		c.Resources = append(c.Resources, r)
	}
	seen := map[string]bool{}
	for _, text := range writes(values, c) {
		if len(text) > MaxWrite || !strings.HasSuffix(text, "\n") {
			t.Fatalf("%d bytes, ending in %q", len(text), text[len(text)-1:])
		}
		lines, err := schemata.ParseLines(text) // which takes a resource once
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			for _, d := range l.Domains {
				seen[fmt.Sprint(l.Resource, d)] = true
			}
		}
	}
	if len(seen) != 3000 {
		t.Errorf("%d values written", len(seen))
	}
}

// TestParseTasks: ids are separated by white space, as of a copy that was edited elsewhere, or commas.
func TestParseTasks(t *testing.T) {
	for text, want := range map[string][]int{"": nil, "\n": nil, "1\n2\n": {1, 2}, "1\r\n2\r\n": {1, 2}, "1,2\t3": {1, 2, 3}} {
		if got, err := ParseTasks([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"one", "-1\n", "1;2", "99999999999\n"} {
		if got, err := ParseTasks([]byte(text)); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestControlGroup(t *testing.T) {
	for folder, want := range map[string]string{
		".": ". ", "lc": "lc ", "mon_groups/a": ". a", "lc/mon_groups/a": "lc a", "info": "no", "mon_groups": "no", "info/L3": "no",
		"lc/mon_data": "no", "lc/mon_groups": "no", "info/mon_groups/a": "no", "a/b/c/d": "no",
	} {
		control, monitor, ok := ControlGroup(folder)
		got := control + " " + monitor
		if !ok {
			got = "no"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", folder, got, want)
		}
	}
}

func TestSupport(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	tests := map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"mounted": {fstest.MapFS{"proc/mounts": file("resctrl /sys/fs/resctrl resctrl rw 0 0\n")}, "is mounted at /sys/fs/resctrl"},
		"not mounted": {
			fstest.MapFS{"proc/cpuinfo": file("flags\t\t: fpu cat_l3 mba\n"), "proc/filesystems": file("nodev\tresctrl\n")},
			"The processor can: cat_l3 mba. The kernel has resctrl, but it is not mounted",
		},
		"cloud": {
			fstest.MapFS{"proc/cpuinfo": file("flags\t\t: fpu\n"), "proc/filesystems": file("nodev\ttmpfs\n")},
			"hypervisor hides it",
		},
		"nothing": {fstest.MapFS{}, "could not be read"},
	}
	for name, test := range tests {
		if got := Support(test.files); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q in it", name, got, test.want)
		}
	}
}

// FuzzRead: any content of the files is read or refused, and what is read keeps its own promises.
func FuzzRead(f *testing.F) {
	for _, file := range []string{"schemata", "size", "tasks", "info/L3/cbm_mask", "info/MB/min_bandwidth", "ballast-lc/schemata"} {
		f.Add(file, machine()[file])
	}
	f.Add("ballast-lc/schemata", "L3:uninitialized\nMB:uninitialized\n")
	f.Add("schemata", "L3:uninitialized;;1=0xf\nMB:  0 = 5\n")
	f.Fuzz(func(t *testing.T, file, text string) {
		m := machine()
		m[path.Clean(strings.Trim(file, "/"))] = text
		got, err := Read(m)
		if err != nil {
			return
		}
		for _, r := range got.Capacity.Resources {
			if (r.Cache == nil) == (r.Bandwidth == nil) || r.Classes < 1 || len(r.Domains) == 0 || !slices.IsSorted(r.Domains) {
				t.Errorf("resource %+v", r)
			}
			if r.Cache != nil && (r.Cache.Full == 0 || r.Cache.MinBits > r.Cache.Ways()) {
				t.Errorf("cache %+v", *r.Cache)
			}
			if r.Bandwidth != nil && r.Bandwidth.Unit == 0 {
				t.Errorf("bandwidth %+v", *r.Bandwidth)
			}
		}
		for _, g := range got.State.Groups {
			for name := range g.Schemata {
				if _, ok := got.Capacity.Resource(name); !ok {
					t.Errorf("%s has values of unknown %s", g.Name, name)
				}
			}
		}
	})
}

func ExampleRead() {
	got, _ := Read(machine())
	for _, r := range got.Capacity.Resources {
		fmt.Println(r.Name, r.Domains)
	}
	// Output:
	// L3 [0 16]
	// MB [0 16]
}
