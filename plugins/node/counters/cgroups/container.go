package cgroups

import (
	"cmp"
	"path"
	"regexp"
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

// place is where in the naming scheme a folder is.
type place struct {
	depth int
	pods  bool   // below kubepods
	class string // QoS
	pod   string // UID
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

// InPod says whether the container's cgroup is in that of its pod. It is not where the runtime has another driver than the kubelet.
func (c Container) InPod() bool { return podPart.MatchString(path.Base(path.Dir(c.Path))) }
