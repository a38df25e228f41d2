package resctrl

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
)

// failing is a tree of which one file answers an errno.
type failing struct {
	texts

	file  string
	errno syscall.Errno
}

func (f failing) ReadFile(name string) ([]byte, error) {
	if name == f.file {
		return nil, &fs.PathError{Op: "read", Path: name, Err: f.errno}
	}
	return f.texts.ReadFile(name)
}

// halves is a machine whose cache is mounted with code and data apart.
func halves() texts {
	m := machine()
	for name, text := range maps.Clone(m) {
		if file, is := strings.CutPrefix(name, "info/L3/"); is {
			delete(m, name)
			m["info/L3CODE/"+file], m["info/L3DATA/"+file] = text, text
		}
	}
	m["schemata"] = "MB:0=100;1=100\nL3DATA:0=7ff;1=7ff\nL3CODE:0=7ff;1=7ff\n"
	return m
}

// TestHalfACache: with code alone read, a partition would get its ways for code and all ways for data, and be called in force.
func TestHalfACache(t *testing.T) {
	for file, caches := range map[string]int{"none": 2, "info/L3DATA/cbm_mask": 0, "info/L3CODE/num_closids": 0} {
		got, err := Read(failing{halves(), file, syscall.EIO})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range got.Capacity.Resources {
			if r.Cache != nil {
				n++
			}
		}
		if said := strings.Contains(strings.Join(got.Unread, "\n"), "other half"); n != caches || said != (caches == 0) {
			t.Errorf("%s: %d caches, want %d; unread %q", file, n, caches, got.Unread)
		}
	}
}

// removed is a tree from which a group is removed while its file is read.
type removed struct {
	texts

	group, file string
	errno       syscall.Errno
}

func (r removed) ReadFile(name string) ([]byte, error) {
	if name != path.Join(r.group, r.file) {
		return r.texts.ReadFile(name)
	}
	maps.DeleteFunc(r.texts, func(name, _ string) bool { return strings.HasPrefix(name, r.group+"/") })
	return nil, &fs.PathError{Op: "read", Path: name, Err: r.errno}
}

// TestAGroupThatGoesWhileItIsRead is left out, and nothing of it is noted: without the values that it has, a plan would not know whose ways it
// shares.
func TestAGroupThatGoesWhileItIsRead(t *testing.T) {
	for _, group := range []string{"ballast-a", "other"} {
		for _, file := range []string{"tasks", "mode", "schemata"} {
			for _, errno := range []syscall.Errno{syscall.ENODEV, syscall.ENOENT} {
				m := machine()
				maps.Copy(m, texts{
					group + "/tasks": "", group + "/mode": "shareable\n", group + "/cpus_list": "\n", group + "/schemata": "L3:0=1;16=1\n",
				})
				got, err := Read(removed{m, group, file, errno})
				if err != nil || len(got.State.Groups) != 2 || len(got.Unread) != 0 || len(got.Unknown) != 0 {
					t.Errorf("%s of %s, %v: %v, %+v", file, group, errno, err, got)
				}
			}
		}
	}
}

// TestAGroupThatStaysWithoutAFile takes a class all the same: one of others is noted, of ours it is an error, as of the file that a locked group
// whose cache is offline does not show.
func TestAGroupThatStaysWithoutAFile(t *testing.T) {
	for _, group := range []string{"ballast-a", "other"} {
		for _, file := range []string{"tasks", "schemata"} {
			for errno, word := range map[syscall.Errno]string{syscall.ENODEV: "no such device", syscall.ENOENT: "absent", syscall.EACCES: "denied"} {
				m := machine()
				maps.Copy(m, texts{
					group + "/tasks": "7\n", group + "/mode": "pseudo-locked\n", group + "/cpus_list": "\n", group + "/schemata": "L3:0=1;16=1\n",
				})
				got, err := Read(failing{m, path.Join(group, file), errno})
				if group == "ballast-a" {
					if err == nil || !errors.Is(err, errno) || !strings.Contains(err.Error(), file) {
						t.Errorf("%s of %s, %v: %v", file, group, errno, err)
					}
					continue
				}
				if err != nil || len(got.State.Groups) != 3 || len(got.Unread) != 1 || !strings.Contains(got.Unread[0], group+"/"+file+": ") ||
					!strings.Contains(got.Unread[0], word) {
					t.Errorf("%s of %s, %v: %v, %+v", file, group, errno, err, got)
				}
				if got.Knows(group, file) || !got.Knows(group, "mode") || !got.Knows(".", file) {
					t.Errorf("%s of %s, %v: unknown %v", file, group, errno, got.Unknown)
				}
			}
		}
	}
}

// closed is a tree of which one folder, and what is in it, may not be read.
type closed struct {
	texts

	folder string
}

func (c closed) deny(name string) error {
	if name == c.folder || strings.HasPrefix(name, c.folder+"/") {
		return &fs.PathError{Op: "open", Path: name, Err: syscall.EACCES}
	}
	return nil
}

func (c closed) ReadFile(name string) ([]byte, error) {
	if err := c.deny(name); err != nil {
		return nil, err
	}
	return c.texts.ReadFile(name)
}

func (c closed) ReadDir(folder string) ([]string, error) {
	if err := c.deny(folder); err != nil {
		return nil, err
	}
	return c.texts.ReadDir(folder)
}

// TestAClosedFolder of a group of others is noted once, and nothing is known of the group but that it takes a class. Its counters are missing in
// the domains that others have, for a reader that takes what there is; for one that needs all they are an error.
func TestAClosedFolder(t *testing.T) {
	m := machine()
	maps.Copy(m, texts{
		"other/tasks": "7\n", "other/mode": "shareable\n", "other/cpus_list": "\n", "other/schemata": "L3:0=1;16=1\n",
		"mon_data/mon_L3_16/mbm_total_bytes": "5\n", "other/mon_data/mon_L3_16/mbm_total_bytes": "4\n",
	})
	tree := closed{m, "other"}
	got, err := Read(tree)
	if err != nil || len(got.State.Groups) != 3 || !slices.Equal(got.Unread, []string{"other: permission denied"}) || len(got.Unknown) != groupFiles {
		t.Errorf("%v, %+v", err, got)
	}
	if g, _ := got.State.Group("other"); g.Mode != "" || g.Schemata != nil || got.Knows("other", "tasks") {
		t.Errorf("%+v, unknown %v", g, got.Unknown)
	}
	counters, unread, err := ReadableCounters(tree)
	want := []Counters{{Group: ".", Domain: 16, Total: Reading{Valid, 5}}, {Group: "other", Domain: 16}}
	if err != nil || !slices.Equal(counters, want) || len(unread) != 2 { // mon_groups and mon_data
		t.Errorf("%v, %v, unread %v", err, counters, unread)
	}
	if got, err := ReadCounters(tree); !errors.Is(err, syscall.EACCES) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := Folders(tree); !errors.Is(err, syscall.EACCES) {
		t.Errorf("%v", err)
	}
	if got, _, err := ReadableCounters(closed{m, "mon_data"}); err != nil || len(got) != 2 || got[0].Group != "other" {
		t.Errorf("without the default group's: %v, %v", got, err)
	}
	delete(m, "mon_data/mon_L3_16/mbm_total_bytes")
	if got, _, err := ReadableCounters(tree); !errors.Is(err, syscall.EACCES) {
		t.Errorf("none at all: %v, %v", got, err)
	}
	for _, folder := range []string{"ballast-lc", "ballast-lc/mon_groups"} { // of ours it is an error
		if got, err := Read(closed{m, folder}); !errors.Is(err, syscall.EACCES) {
			t.Errorf("%s: %v, %+v", folder, err, got)
		}
	}
}

// TestAPlanForAnotherMachineIsStale: a plan made while a cache was away, or could not be read, is not carried out when it is back.
func TestAPlanForAnotherMachineIsStale(t *testing.T) {
	m := machine()
	now, err := Read(m)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*schemata.Capacity){
		"a resource less": func(c *schemata.Capacity) { c.Resources = c.Resources[:1] },
		"a domain less":   func(c *schemata.Capacity) { c.Resources[0].Domains = c.Resources[0].Domains[:1] },
	} {
		c := now.Capacity
		c.Resources = append([]schemata.Resource{}, c.Resources...)
		change(&c)
		if err := Apply(m, partition.Plan{Capacity: c, Before: now.State, After: now.State}); !errors.Is(err, ErrStale) {
			t.Errorf("%s: %v, want ErrStale", name, err)
		}
	}
	if err := Apply(m, partition.Plan{Capacity: now.Capacity, Before: now.State, After: now.State}); err != nil {
		t.Errorf("the machine as it is: %v", err)
	}
}
