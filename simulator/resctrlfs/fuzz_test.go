package resctrlfs

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// content reads all files, so that two trees, or one tree before and after, can be compared.
func content(t *testing.T, tree *Tree) map[string]string {
	t.Helper()
	files := map[string]string{}
	var walk func(dir string)
	walk = func(dir string) {
		names, err := tree.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			full := strings.TrimPrefix(dir+"/"+name, "./")
			if sub, isDir := strings.CutSuffix(full, "/"); isDir {
				walk(sub)
				continue
			}
			data, err := tree.ReadFile(full)
			if err != nil {
				t.Fatal(err)
			}
			files[full] = string(data)
		}
	}
	walk(".")
	return files
}

// legal says what is wrong with a machine's state, by rules written down anew: masks within the machine and of one run where it must be,
// bandwidth in steps, nobody in an exclusive group's ways, and as many rows and domains as there are.
func legal(spec Spec, files map[string]string) error {
	exclusive, shared := map[int]uint64{}, map[int]uint64{}
	for name, text := range files {
		if name != "schemata" && !strings.HasSuffix(name, "/schemata") {
			continue
		}
		mode, own := files[strings.TrimSuffix(name, "schemata")+"mode"], map[int]uint64{}
		for l := range strings.Lines(text) {
			kind, values, _ := strings.Cut(strings.TrimSpace(l), ":")
			for i, item := range strings.Split(values, ";") {
				var id int
				var value uint64
				_, err := fmt.Sscanf(item, map[bool]string{true: "%d=%x", false: "%d=%d"}[kind != "MB"], &id, &value)
				if err != nil || id != spec.CacheIDs[i] {
					return fmt.Errorf("%s: %q: %w", name, item, err)
				}
				if kind == "MB" && spec.Options.MBps {
					continue
				}
				if kind == "MB" {
					if value%uint64(spec.MB.Granularity) != 0 || value > uint64(spec.MB.Max) {
						return fmt.Errorf("%s: bandwidth %q", name, item)
					}
					continue
				}
				run := value >> bits.TrailingZeros64(value|1<<63)
				if value >= 1<<spec.L3.Ways || bits.OnesCount64(value) < spec.L3.MinCBMBits || !spec.L3.SparseMasks && run&(run+1) != 0 {
					return fmt.Errorf("%s: mask %q", name, item)
				}
				if mode == "exclusive\n" {
					if value&(exclusive[id]&^own[id]|uint64(spec.L3.ShareableBits)) != 0 {
						return fmt.Errorf("%s: ways %q of an exclusive group are used twice", name, item)
					}
					exclusive[id] |= value
					own[id] |= value // its code may lie in its data
				} else {
					shared[id] |= value
				}
				if exclusive[id]&shared[id] != 0 {
					return fmt.Errorf("%s: %q shares ways with an exclusive group", name, item)
				}
			}
		}
	}
	return nil
}

// fuzzedMachines are those on which a write is done as a whole or not at all.
var fuzzedMachines = []func() Spec{skylake, milan, cdp, oldIntel, oldAMD, oldest}

// FuzzSchemata writes anything to the schemata of a group among others, one of them exclusive. It never panics; what is refused
// changes nothing; what is accepted is legal, and to write what was read changes nothing.
func FuzzSchemata(f *testing.F) {
	for _, seed := range []string{
		"L3:0=f;1=3\nMB:0=15\n", "L3:0=7\n", "MB:0=11;1=99\n", " L3 : 0 = 3 \n", "L3:0=1f;1=1f\nMB:1=30\n", "L3:0=600\n", "L3:;\n",
		"L3:0=0x3;\n", "\x00\n", "L3:0=f\x00\n",
		"L3:0=f0\n", "L3:16=5\n", "MB:0=0\nMB:16=4\n", "L3:0=1 \n", "L3:0=+1\n", "L3:00=1\n", "a:b\n", ":\n",
	} {
		for machine := range fuzzedMachines {
			f.Add(seed, uint8(machine))
			f.Add(strings.Replace(seed, "L3", "L3CODE", 1), uint8(machine))
		}
	}
	f.Fuzz(func(t *testing.T, data string, machine uint8) {
		spec := fuzzedMachines[int(machine)%len(fuzzedMachines)]()
		tree := mount(t, spec)
		mkdir("a", ok)(t, tree)
		mkdir("b", ok)(t, tree)
		caches := []string{"L3"}
		if spec.Options.CDP {
			caches = []string{"L3CODE", "L3DATA"}
		}
		for _, id := range spec.CacheIDs {
			for _, cache := range caches {
				write("schemata", fmt.Sprintf("%s:%d=f\n", cache, id), ok)(t, tree)
				write("a/schemata", fmt.Sprintf("%s:%d=100\n", cache, id), ok)(t, tree)
				write("b/schemata", fmt.Sprintf("%s:%d=f\n", cache, id), ok)(t, tree)
			}
		}
		write("a/mode", "exclusive\n", ok)(t, tree)
		for _, group := range []string{"a", "b"} {
			before := content(t, tree)
			err := tree.WriteFile(group+"/schemata", []byte(data))
			after := content(t, tree)
			if err := legal(spec, after); err != nil {
				t.Error(err)
			}
			if err == nil {
				read := after[group+"/schemata"]
				write(group+"/schemata", read, ok)(t, tree)
				reads(group+"/schemata", read)(t, tree)
				continue
			}
			if !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.E2BIG) {
				t.Errorf("write %q: %v", data, err)
			}
			delete(before, "info/last_cmd_status")
			for name, text := range before {
				if after[name] != text {
					t.Errorf("%q was refused (%v) and yet %s went from %q to %q", data, err, name, text, after[name])
				}
			}
		}
	})
}

// FuzzFiles writes anything to the other files.
func FuzzFiles(f *testing.F) {
	for _, seed := range []string{
		"0-3\n", "all:1/2", "ff", "ffffffff,ffffffff", "N", "7,9\n", "0x7,\n", "exclusive\n", "65536\n", ",", "-1", "\xa0", "1-\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		tree := mount(t, skylake())
		for _, s := range []step{mkdir("a", ok), mkdir("a/mon_groups/m", ok), fork(0, 7, 7, 0), fork(0, 9, 7, 0), write("a/tasks", "9", ok)} {
			s(t, tree)
		}
		for _, name := range []string{
			"cpus", "a/cpus", "a/cpus_list", "a/mon_groups/m/cpus_list", "a/tasks", "a/mon_groups/m/tasks", "a/mode",
			"info/L3_MON/max_threshold_occupancy",
		} {
			before := content(t, tree)
			err := tree.WriteFile(name, []byte(data))
			after := content(t, tree)
			if err != nil && !strings.HasSuffix(name, "tasks") && before[name] != after[name] {
				t.Errorf("%q to %s was refused (%v) and changed it from %q to %q", data, name, err, before[name], after[name])
			}
			if lines := strings.Count(after["tasks"], "\n") + strings.Count(after["a/tasks"], "\n"); lines != 2 {
				t.Errorf("after %q to %s, %d tasks are listed, want 2", data, name, lines)
			}
		}
	})
}

// Several goroutines make, fill, rename and remove groups. Whatever the order, the end is a machine as after the mount: all CLOSIDs
// and RMIDs are back.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	spec := skylake()
	tree := mount(t, spec)
	if err := tree.Fork(0, Task{TID: 7, TGID: 7}); err != nil {
		t.Fatal(err)
	}
	before := content(t, tree)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			name := fmt.Sprintf("g%d", worker)
			for range 200 {
				if tree.Mkdir(name) != nil {
					continue // out of CLOSIDs or RMIDs
				}
				errs := errors.Join(
					tree.WriteFile(name+"/schemata", []byte("L3:0=3\nMB:1=30\n")), tree.WriteFile(name+"/tasks", []byte("7")),
				)
				if tree.Mkdir(name+"/mon_groups/m") == nil {
					errs = errors.Join(errs, tree.Rename(name+"/mon_groups/m", name+"/mon_groups/n"))
				}
				if _, err := tree.ReadFile(name + "/mon_data/mon_L3_00/llc_occupancy"); err != nil {
					errs = errors.Join(errs, err)
				}
				if errs = errors.Join(errs, tree.Remove(name)); errs != nil {
					t.Error(errs)
				}
				tree.CheckLimbo(0)
			}
		})
	}
	wg.Wait()
	tree.CheckLimbo(0)
	after := content(t, tree)
	for _, files := range []map[string]string{before, after} {
		delete(files, "info/last_cmd_status") // what the last command said
	}
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("from %q\nto   %q", before, after)
	}
	for i := range 3 { // 4 CLOSIDs, 6 RMIDs
		mkdir(fmt.Sprintf("g%d", i), ok)(t, tree)
	}
	mkdir("mon_groups/m", ok)(t, tree)
	mkdir("mon_groups/n", ok)(t, tree)
	mkdir("mon_groups/o", syscall.ENOSPC)(t, tree)
}
