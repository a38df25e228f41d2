package resctrl

import (
	"errors"
	"io/fs"
	"maps"
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

// TestAGroupThatGoesWhileItIsRead is left out: without the values that it has, a plan would not know whose ways it shares.
func TestAGroupThatGoesWhileItIsRead(t *testing.T) {
	m := machine()
	maps.Copy(m, texts{"ballast-a/tasks": "", "ballast-a/mode": "shareable\n", "ballast-a/cpus_list": "\n", "ballast-a/schemata": "L3:0=1;1=1\n"})
	for errno, there := range map[syscall.Errno]bool{syscall.ENODEV: false, syscall.ENOENT: false, 0: true} {
		file := "ballast-a/schemata"
		if errno == 0 {
			file = ""
		}
		got, err := Read(failing{m, file, errno})
		if err != nil {
			t.Fatal(err)
		}
		if _, is := got.State.Group("ballast-a"); is != there {
			t.Errorf("%v: in the state: %v", errno, is)
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
