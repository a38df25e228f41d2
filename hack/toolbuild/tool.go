package main

import (
	"fmt"
	"path"
	"strings"
)

// tool says how one module under hack/tools becomes programs.
type tool struct {
	// name is the folder under hack/tools and the name on the command line.
	name string
	// prefix is put before the name of each program.
	prefix string
	// links, if any, are the names that the module's one program is called under. The module's own package is built then, else the packages
	// of its tool directives.
	links []string
	// versioned is the module whose version is linked in as Kubernetes' own; empty for none.
	versioned string
	// shareFrom is the module whose files are shared.
	shareFrom string
	share     []sharedFile
	// cgo is the C library that the programs are linked with, as pkg-config names it; empty for programs without C, which all others
	// are. tags are build tags, separated by commas.
	cgo, tags string
	// special tools are built only when they are named: what they are for is not for every machine.
	special bool
	// cold is how long the first build takes at most, measured on two busy cores.
	cold string
}

// sharedFile is a file that clusters of tests and demonstrations get, of the version that the programs are made for: files of the
// module shareFrom, joined into one multi-document YAML file at share/<name of the tool>/<name>.
type sharedFile struct {
	name  string
	paths []string
}

// allTools lists the tools, the most wanted first.
func allTools() []tool {
	return []tool{
		{
			name: "hyper", cold: "about 5 minutes",
			links:     []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"},
			versioned: "k8s.io/kubernetes",
		},
		{
			name: "kwok", cold: "about 1 minute",
			// KWOK has no behaviour of its own: these say when nodes become ready and pods run, complete and go.
			shareFrom: "sigs.k8s.io/kwok",
			share: []sharedFile{{name: "stages.yaml", paths: []string{
				"kustomize/stage/node/fast/node-initialize.yaml",
				"kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
				"kustomize/stage/pod/fast/pod-ready.yaml",
				"kustomize/stage/pod/fast/pod-complete.yaml",
				"kustomize/stage/pod/fast/pod-delete.yaml",
			}}},
		},
		{name: "controller-gen", cold: "about 1 minute"},
		{name: "golangci-lint", cold: "about 2 minutes"},
		{
			name: "vpa", prefix: "vpa-", cold: "about 2 minutes",
			shareFrom: "k8s.io/autoscaler/vertical-pod-autoscaler",
			share: []sharedFile{
				{name: "crds.yaml", paths: []string{"deploy/vpa-v1-crd-gen.yaml"}},
				{name: "rbac.yaml", paths: []string{"deploy/vpa-rbac.yaml"}},
			},
		},
		{
			name: "metrics-server", cold: "about 2 minutes", // a main of our own around upstream's packages: see there
			links:     []string{"metrics-server"},
			shareFrom: "sigs.k8s.io/metrics-server",
			share:     []sharedFile{{name: "rbac.yaml", paths: []string{"manifests/base/rbac.yaml"}}},
		},
		// From here on: what a real node consists of, for the package simulator/localcluster/realnodes.
		{name: "kubelet", cold: "about 6 minutes", special: true, links: []string{"kubelet"}, versioned: "k8s.io/kubernetes"},
		{name: "containerd", cold: "about 3 minutes", special: true},
		// The kubelet asks for a seccomp profile for every pod's first container, whatever the pod says: runc has to know them.
		{name: "runc", cold: "about 1 minute", special: true, cgo: "libseccomp", tags: "seccomp"},
		{name: "cni", prefix: "cni-", cold: "about half a minute", special: true},
	}
}

// program is one executable of a tool.
type program struct {
	pkg, name string
}

// programs lists what is built, given the module.
func (t tool) programs(mod moduleFile) ([]program, error) {
	if len(t.links) > 0 {
		return []program{{pkg: ".", name: t.name}}, nil
	}
	var list []program
	for _, directive := range mod.Tool {
		list = append(list, program{pkg: directive.Path, name: t.prefix + path.Base(directive.Path)})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("module %s has no tool directive", t.name)
	}
	return list, nil
}

// ldflags returns the link flags: no symbol table, which halves the binaries, and Kubernetes' version where it is needed, because
// kubectl refuses to compare itself with a server without one.
func (t tool) ldflags(mod moduleFile) (string, error) {
	const base = "-s -w"
	if t.versioned == "" {
		return base, nil
	}
	version := mod.version(t.versioned)
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) != 3 {
		return "", fmt.Errorf("module %s requires %s at %q, which is no version", t.name, t.versioned, version)
	}
	flags := []string{base}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		for _, variable := range [][2]string{
			{"gitVersion", version}, {"gitMajor", parts[0]}, {"gitMinor", parts[1]}, {"gitTreeState", "clean"},
		} {
			flags = append(flags, fmt.Sprintf("-X %s.%s=%s", pkg, variable[0], variable[1]))
		}
	}
	return strings.Join(flags, " "), nil
}
