package counters

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
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
	// mismatched is what comes out where the kubelet has the systemd driver and containerd has not: a slice and a scope in one name, as runc
	// gets them, for a folder below containerd's own cgroup.
	mismatched = regexp.MustCompile(`^(?:.+-)?kubepods-(?:(besteffort|burstable)-)?pod([0-9a-zA-Z_]{1,64})\.slice:(cri-containerd|crio|docker):([0-9a-f]{8,64})$`)
	scopeName  = regexp.MustCompile(`^(?:(cri-containerd|crio|docker|libpod)-)?([0-9a-f]{8,64})(?:\.scope)?$`)
)

var runtimes = map[string]string{"cri-containerd": "containerd", "crio": "cri-o", "docker": "docker", "libpod": "podman"}

// Containers finds the containers that have a cgroup, sorted by path. It looks for kubepods anywhere below the reader's folder. A cgroup
// that goes away meanwhile is no error. What the reader kept of containers that are gone is forgotten.
func (r *Reader) Containers() ([]Container, error) {
	top, err := r.cgroup.Open(path.Join(r.tree.discover, r.below))
	s := search{buffer: make([]byte, 32<<10)}
	if err == nil {
		err = s.walk(int(top.Fd()), r.below, place{})
		err = errors.Join(err, top.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("look for containers below %s: %w", path.Join(r.tree.discover, r.below), err)
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

// search walks folders. It opens each by its name in the folder above, and follows no links.
type search struct {
	buffer  []byte
	found   []Container
	folders int
}

// walk looks into an open folder.
func (s *search) walk(fd int, folder string, at place) error {
	if s.folders++; s.folders > maxFolders {
		return fmt.Errorf("more than %d folders", maxFolders)
	}
	names, err := foldersIn(fd, s.buffer)
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
		if err := s.into(fd, name, below, next); err != nil {
			return err
		}
	}
	return nil
}

// into walks a folder in an open one, if it is still there.
func (s *search) into(in int, name, folder string, at place) error {
	var fd int
	err := again(func() (err error) {
		fd, err = unix.Openat(in, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		return err
	})
	if gone(err) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: folder, Err: err}
	}
	return errors.Join(s.walk(fd, folder, at), unix.Close(fd))
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
	case !p.pods && strings.Contains(name, ":"):
		m := mismatched.FindStringSubmatch(name)
		if m == nil {
			return p, nil, true
		}
		return p, &Container{Pod: strings.ReplaceAll(m[2], "_", "-"), ID: m[4], Runtime: runtimes[m[3]], QoS: cmp.Or(m[1], "guaranteed")}, false
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
	names, err := foldersIn(int(f.Fd()), make([]byte, 32<<10))
	return names, errors.Join(err, f.Close())
}
