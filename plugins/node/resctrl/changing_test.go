package resctrl

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
)

// fading lists a group whose files are gone when they are read.
type fading struct{ texts }

func (f fading) ReadDir(folder string) ([]string, error) {
	names, err := f.texts.ReadDir(folder)
	if folder == "." {
		names = append(names, "going/")
	}
	return names, err
}

func (f fading) ReadFile(name string) ([]byte, error) {
	if strings.HasPrefix(name, "going/") {
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.ENODEV}
	}
	return f.texts.ReadFile(name)
}

// TestAGroupThatGoesAway is left out, of the inventory and of the counters.
func TestAGroupThatGoesAway(t *testing.T) {
	m := machine()
	m["mon_data/mon_L3_00/llc_occupancy"] = "1\n"
	m["mon_data/mon_L3_16/mbm_total_bytes"] = "Unavailable\n"
	m["mon_data/mon_PERF_PKG_00/core_energy"] = "1.5\n"
	m["ballast-lc/mon_groups/pod/mon_data/mon_L3_00/mbm_local_bytes"] = "7\n"
	all, err := Read(fading{m})
	if err != nil || len(all.State.Groups) != 2 {
		t.Errorf("%v, %+v", err, all.State)
	}
	got, err := ReadCounters(fading{m})
	want := []Counters{
		{Group: ".", Domain: 0, Occupancy: Reading{Valid, 1}},
		{Group: ".", Domain: 16, Total: Reading{State: Unavailable}},
		{Group: "ballast-lc/mon_groups/pod", Domain: 0, Local: Reading{Valid, 7}},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestRulesOfACache(t *testing.T) {
	for name, change := range map[string]texts{
		"sparse":                 {"info/L3/sparse_masks": "1\n"},
		"devices hold a class":   {"info/L3/io_alloc": "enabled\n"},
		"devices hold none":      {"info/L3/io_alloc": "disabled\n", "info/L3/sparse_masks": "0\n"},
		"shared beyond the mask": {"info/L3/shareable_bits": "fe00\n"},
	} {
		m := machine()
		maps.Copy(m, change)
		all, err := Read(m)
		if err != nil {
			t.Fatal(err)
		}
		c := all.Capacity.Resources[0].Cache
		if c.Sparse != (name == "sparse") || c.DeviceClass != (name == "devices hold a class") || c.Shareable != 0x600 {
			t.Errorf("%s: %+v", name, *c)
		}
	}
}

// forking is a tree with two groups of threads, of which the first group's make new ones while they are moved.
type forking struct {
	texts

	threads map[string][]int
	births  int // how many more
	gone    int // a thread that ends before it is moved
	denied  int // a thread that may not be moved
}

func (f *forking) ReadFile(name string) ([]byte, error) {
	group, isTasks := strings.CutSuffix(name, "/tasks")
	if !isTasks {
		return f.texts.ReadFile(name)
	}
	var b strings.Builder
	for _, id := range f.threads[group] {
		fmt.Fprintln(&b, id)
	}
	return []byte(b.String()), nil
}

func (f *forking) WriteFile(_ string, data []byte) error {
	id, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return err
	}
	switch id {
	case f.gone:
		f.threads["a"] = slices.DeleteFunc(f.threads["a"], func(other int) bool { return other == id })
		return syscall.ESRCH
	case f.denied:
		return syscall.EPERM
	}
	f.threads["a"] = slices.DeleteFunc(f.threads["a"], func(other int) bool { return other == id })
	f.threads["b"] = append(f.threads["b"], id)
	if f.births > 0 {
		f.births--
		f.threads["a"] = append(f.threads["a"], id+100)
	}
	return nil
}

// TestMoveTasks: threads that come while others are moved are moved too, up to five passes; one that ends is no error, one that may not be
// moved is.
func TestMoveTasks(t *testing.T) {
	tests := map[string]struct {
		births, gone, denied int
		left                 int
		want                 error
	}{
		"all at once":     {},
		"one ends":        {gone: 2},
		"four passes":     {births: 9},
		"never ending":    {births: 99, left: 3},
		"one is not ours": {denied: 2, left: 1, want: ErrForbidden},
	}
	for name, test := range tests {
		f := &forking{
			texts: machine(), threads: map[string][]int{"a": {1, 2, 3}}, births: test.births, gone: test.gone, denied: test.denied,
		}
		err := MoveTasks(f, "a", "b")
		if (err == nil) != (test.left == 0) || test.want != nil && !errors.Is(err, test.want) || len(f.threads["a"]) != test.left {
			t.Errorf("%s: %v, left %v", name, err, f.threads["a"])
		}
	}
}

// meddled is a tree in which somebody changes the first group when the second is made.
type meddled struct {
	texts

	undone bool
}

func (m *meddled) Mkdir(name string) error {
	for file, text := range map[string]string{"tasks": "", "mode": "shareable\n", "cpus_list": "\n", "schemata": "MB:0=100;16=100\nL3:0=7ff;16=7ff\n"} {
		m.texts[name+"/"+file] = text
	}
	if name == "ballast-y" {
		m.texts["ballast-x/schemata"] = "MB:0=100;16=100\nL3:0=7ff;16=7ff\n"
	}
	return nil
}

func (m *meddled) WriteFile(name string, data []byte) error {
	m.texts[name] = "MB:0=100;16=100\n" + string(data)
	return nil
}

func (m *meddled) Remove(name string) error {
	m.undone = true
	for file := range m.texts {
		if strings.HasPrefix(file, name+"/") {
			delete(m.texts, file)
		}
	}
	return nil
}

// TestApplyLooksAtTheEnd: every write was read back rightly, but at the end a group is not as planned.
func TestApplyLooksAtTheEnd(t *testing.T) {
	m := &meddled{texts: machine()}
	for _, file := range []string{"schemata", "tasks", "mode", "cpus_list", "mon_groups/pod/tasks"} {
		delete(m.texts, "ballast-lc/"+file)
	}
	all, err := Read(m)
	if err != nil {
		t.Fatal(err)
	}
	p, err := partition.New(all.Capacity, all.State, []partition.Partition{
		{Name: "x", Ways: []partition.Ways{{Cache: "L3", Count: 2}}}, {Name: "y", Ways: []partition.Ways{{Cache: "L3", Count: 2}}},
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	var failure *PlanError
	err = Apply(m, p)
	if !errors.As(err, &failure) || !errors.Is(err, ErrReadBack) || failure.Step != len(p.Operations)+1 || failure.Rollback != nil || !m.undone {
		t.Errorf("%v", err)
	}
}
