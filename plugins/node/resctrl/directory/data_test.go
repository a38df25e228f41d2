package directory

import (
	"archive/tar"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// data is a folder of published trees, below BALLAST_DATA or the usual place.
func data(t *testing.T, parts ...string) string {
	t.Helper()
	root := os.Getenv("BALLAST_DATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "..", "shared", "data")
	}
	folder := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("published trees not found: %v; set BALLAST_DATA to the folder that holds %s/", err, parts[0])
	}
	return folder
}

// treeFacts is what a person reads in a published tree.
type treeFacts struct {
	resources string
	ways      int // of the first cache
	domains   []int
	classes   int
	monitors  int // RMIDs
	groups    int // the default one too
	wayBytes  uint64
	unread    string
}

var trees = map[string]treeFacts{
	"resctrl-trees/resctrl.full": {
		resources: "L3 MB", ways: 20, domains: []int{0, 1, 2, 3}, classes: 8, monitors: 192, groups: 5,
		wayBytes: 57671680 / 20,
	},
	"resctrl-trees/resctrl.l2":   {resources: "L2", ways: 8, domains: []int{0, 1}, classes: 4, groups: 1, wayBytes: 1048576 / 8},
	"resctrl-trees/resctrl.nol3": {resources: "MB", domains: []int{0, 1, 2, 3}, classes: 8, monitors: 192, groups: 1},
	"resctrl-trees/resctrl.nomb": {
		resources: "L3", ways: 20, domains: []int{0, 1, 2, 3}, classes: 16, monitors: 192, groups: 1,
		wayBytes: 57671680 / 20,
	},
	// The size file of this tree was made for a mask of 9 ways, which is what its schemata have: 25952256 / 9.
	"resctrl-trees/resctrl.nomb.cdp": {
		resources: "L3CODE L3DATA", ways: 20, domains: []int{0, 1, 2, 3}, classes: 8, monitors: 176, groups: 1,
		wayBytes: 25952256 / 9,
	},
	"resctrl-handmade/amd-2s16l3/t0": {
		resources: "L3 MB", ways: 16, domains: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		classes: 16, monitors: 256, groups: 3, wayBytes: 2 << 20,
	},
}

func TestPublishedTrees(t *testing.T) {
	for name, want := range trees {
		t.Run(filepath.Base(name), func(t *testing.T) {
			all := read(t, open(t, data(t, strings.Split(name, "/")...)))
			got := treeFacts{classes: all.Capacity.Classes(), groups: len(all.State.Groups), unread: strings.Join(all.Unread, "\n")}
			var names []string
			for _, r := range all.Capacity.Resources {
				names = append(names, r.Name)
				got.domains = r.Domains
				if r.Cache != nil && got.ways == 0 {
					got.ways, got.wayBytes = r.Cache.Ways(), r.Cache.WayBytes[0]
				}
			}
			got.resources = strings.Join(names, " ")
			if m := all.Capacity.Monitoring; m != nil {
				got.monitors = m.RMIDs
			}
			if d := cmp.Diff(want, got, cmp.AllowUnexported(treeFacts{})); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}

// TestPublishedTreesRoundTrip: plan, apply, read back, plan again, restore on copies of all trees. Every file that is not of our groups
// stays byte for byte, and after the restore all do.
func TestPublishedTreesRoundTrip(t *testing.T) {
	for name := range trees {
		t.Run(filepath.Base(name), func(t *testing.T) {
			root := t.TempDir()
			if err := os.CopyFS(root, os.DirFS(data(t, strings.Split(name, "/")...))); err != nil {
				t.Fatal(err)
			}
			d := open(t, root)
			before, all := files(t, root), read(t, d)
			p := plan(t, d, fitting(all.Capacity))
			if err := resctrl.Apply(d, p); err != nil {
				t.Fatalf("%v\n%s", err, p)
			}
			for name, text := range files(t, root) {
				if old, was := before[name]; was && old != text && name != "info/last_cmd_status" {
					t.Errorf("%s changed", name)
				} else if !was && !schemata.Owned(name) {
					t.Errorf("%s is new", name)
				}
			}
			if again := plan(t, d, fitting(all.Capacity)); len(again.Operations) > 0 {
				t.Errorf("planning again:\n%s", again)
			}
			now := read(t, d)
			if len(now.State.Groups) != len(all.State.Groups)+2 {
				t.Errorf("%d groups, before %d: want 2 more", len(now.State.Groups), len(all.State.Groups))
			}
			if err := resctrl.Apply(d, partition.Restore(now.Capacity, now.State, all.State, false)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, files(t, root)); diff != "" {
				t.Errorf("after the restore, -before +after:\n%s", diff)
			}
		})
	}
}

// fitting are two partitions for any machine: half of the ways, and a quarter with a limit.
func fitting(c schemata.Capacity) []partition.Partition {
	lc, be := partition.Partition{Name: "lc"}, partition.Partition{Name: "be"}
	seen := map[string]bool{}
	for _, r := range c.Resources {
		switch {
		case r.Cache != nil && !seen[r.CacheName()]:
			seen[r.CacheName()] = true
			lc.Ways = append(lc.Ways, partition.Ways{Cache: r.CacheName(), Count: r.Cache.Ways() / 2})
			be.Ways = append(be.Ways, partition.Ways{Cache: r.CacheName(), Count: r.Cache.Ways() / 4})
		case r.Bandwidth != nil && r.Bandwidth.Unit == schemata.Percent:
			be.Bandwidth = append(be.Bandwidth, partition.Limit{Resource: r.Name, Percent: 35})
		case r.Bandwidth != nil:
			be.Bandwidth = append(be.Bandwidth, partition.Limit{Resource: r.Name, MBps: 20000})
		}
	}
	return []partition.Partition{lc, be}
}

// files are the contents of all files; of folders without files too, as an empty text.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil || e.IsDir() {
			out[filepath.ToSlash(relative)+"/"] = ""
			return err
		}
		text, err := os.ReadFile(name)
		out[filepath.ToSlash(relative)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPublishedRates: the rates between two readings of the AMD tree, one second apart, as its authors worked them out.
func TestPublishedRates(t *testing.T) {
	root := data(t, "resctrl-handmade", "amd-2s16l3")
	counters := func(name string) []resctrl.Counters {
		c, err := resctrl.ReadCounters(open(t, filepath.Join(root, name)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	rows := func(rates []resctrl.Rate) map[string]string {
		out := map[string]string{}
		for _, r := range rates {
			out[strings.TrimPrefix(path.Join("/", r.Group), "/")+","+strconv.Itoa(r.Domain)] = printed(r.Total) + "," + printed(r.Local)
		}
		return out
	}
	f, err := os.Open(filepath.Join(root, "expected_rates.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, row := range records[1:] {
		want[row[0]+","+row[1]] = row[2] + "," + row[3]
	}
	first, second := counters("t0"), counters("t1")
	if d := cmp.Diff(want, rows(resctrl.Rates(first, second, time.Second))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if d := cmp.Diff(want, rows(resctrl.CounterRates(first, second, time.Second))); d != "" {
		t.Errorf("of each counter alone, -want +got:\n%s", d)
	}
}

func printed(rate *float64) string {
	if rate == nil {
		return "missing"
	}
	return strconv.FormatFloat(*rate, 'f', -1, 64)
}

// TestMachinesWithoutResctrl: recorded machines are refused, and told what they could do.
func TestMachinesWithoutResctrl(t *testing.T) {
	root := data(t, "hw-topology")
	archives, err := filepath.Glob(filepath.Join(root, "*.tar.gz"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
		t.Run(name, func(t *testing.T) {
			machine := unpack(t, archive)
			for _, folder := range []string{".", "sys"} {
				if _, err := os.Stat(filepath.Join(machine, folder)); err != nil {
					continue
				}
				if all, err := resctrl.Read(open(t, filepath.Join(machine, folder))); !errors.Is(err, resctrl.ErrNotResctrl) {
					t.Errorf("%s: %v, read %+v", folder, err, all)
				}
			}
			want := "neither divides nor counts"
			switch name {
			case "32intel64-2p8co2t+8ve":
				want = "cat_l3 cdp_l3 mba"
			case "offline-cpu0-node0":
				want = "cqm_llc cqm_occup_llc"
			case "nri-server":
				want = "could not be read"
			}
			if got := resctrl.Support(os.DirFS(machine)); !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
				t.Errorf("support: %q, want %q in it", got, want)
			}
		})
	}
}

// unpack writes the files below proc of an archive to a temporary folder.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return root
		}
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(root, path.Clean("/"+h.Name))
		wanted := []string{"proc/cpuinfo", "proc/mounts", "sys/devices/system/cpu/online"}
		if h.Typeflag != tar.TypeReg || !slices.Contains(wanted, path.Clean(h.Name)) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(io.LimitReader(r, 1<<22))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
