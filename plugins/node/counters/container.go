package counters

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Container is a container of a pod, as its cgroup's path tells. Every pod also has one that only holds its namespaces (the sandbox); names
// do not tell it apart, the runtime's list of containers does.
type Container struct {
	// Pod is the pod's UID as in its metadata.
	Pod string
	// ID as the runtime has it, without a prefix.
	ID string
	// Runtime is containerd, cri-o, docker or podman where the name of the cgroup says so, else empty.
	Runtime string
	// QoS is guaranteed, burstable or besteffort.
	QoS string
	// Path of the cgroup below the root of its hierarchy.
	Path string
}

const (
	maxDepth   = 12     // of a container's cgroup; kubelet's own part is 4 deep, a node inside a container adds as much
	maxFolders = 50_000 // looked into in one search
)

// Names that kubelet and the runtimes give, with the systemd driver (slices and scopes, a pod's UID with _ for -) and the cgroupfs driver.
var (
	podsName  = regexp.MustCompile(`^(.+-)?kubepods(\.slice)?$`)
	classPart = regexp.MustCompile(`^(?:(?:.+-)?kubepods-)?(besteffort|burstable)(?:\.slice)?$`)
	podPart   = regexp.MustCompile(`^(?:(?:.+-)?kubepods-(?:(?:besteffort|burstable)-)?)?pod([0-9a-zA-Z_-]{1,64})(?:\.slice)?$`)
	scopeName = regexp.MustCompile(`^(?:(cri-containerd|crio|docker|libpod)-)?([0-9a-f]{8,64})(?:\.scope)?$`)
)

var runtimes = map[string]string{"cri-containerd": "containerd", "crio": "cri-o", "docker": "docker", "libpod": "podman"}

// Containers finds the containers that have a cgroup, sorted by path. It looks for kubepods anywhere below the reader's folder. A cgroup
// that goes away meanwhile is no error. What the reader kept of containers that are gone is forgotten.
func (r *Reader) Containers() ([]Container, error) {
	s := search{root: r.cgroup, base: r.tree.discover}
	err := s.walk(r.below, place{})
	if err != nil {
		return nil, fmt.Errorf("look for containers below %s: %w", path.Join(s.base, r.below), err)
	}
	slices.SortFunc(s.found, func(a, b Container) int { return strings.Compare(a.Path, b.Path) })
	return s.found, r.forget(s.found)
}

// place is where in the naming scheme a folder is.
type place struct {
	depth int
	pods  bool   // below kubepods
	class string // QoS
	pod   string // UID
}

// search walks folders.
type search struct {
	root    *os.Root
	base    string // of the hierarchy
	found   []Container
	folders int
}

func (s *search) walk(folder string, at place) error {
	if s.folders++; s.folders > maxFolders {
		return fmt.Errorf("more than %d folders", maxFolders)
	}
	names, err := subfolders(s.root, path.Join(s.base, folder))
	if err != nil {
		if at.depth > 0 && gone(err) {
			return nil
		}
		return err
	}
	for _, name := range names {
		below := path.Join(folder, name)
		next, c, ok := at.enter(name)
		if c != nil {
			c.Path = below
			s.found = append(s.found, *c)
		}
		if !ok || next.depth > maxDepth {
			continue
		}
		if err := s.walk(below, next); err != nil {
			return err
		}
	}
	return nil
}

// enter says what a folder of that name is: a container, or a place to look further.
func (p place) enter(name string) (place, *Container, bool) {
	p.depth++
	switch {
	case p.pod != "":
		m := scopeName.FindStringSubmatch(name)
		if m == nil {
			return p, nil, false
		}
		return p, &Container{Pod: p.pod, ID: m[2], Runtime: runtimes[m[1]], QoS: p.class}, false
	case !p.pods:
		p.pods = podsName.MatchString(name)
		p.class = "guaranteed"
		return p, nil, true
	}
	if m := classPart.FindStringSubmatch(name); m != nil {
		p.class = m[1]
		return p, nil, true
	}
	if m := podPart.FindStringSubmatch(name); m != nil {
		p.pod = m[1]
		if strings.HasSuffix(name, ".slice") {
			p.pod = strings.ReplaceAll(p.pod, "_", "-")
		}
		return p, nil, true
	}
	return p, nil, false
}

// subfolders are the names of the folders in a folder.
func subfolders(root *os.Root, folder string) ([]string, error) {
	f, err := root.Open(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(maxFolders)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}
