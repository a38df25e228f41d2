package arch

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gomod is what `go mod edit -json` says of a go.mod file, as far as the rules need it.
type gomod struct {
	Go      string
	Require []struct{ Path, Version string }
	Replace []struct {
		Old struct{ Path, Version string }
		New struct{ Path, Version string }
	}
}

// required returns the version a module is required at, "" if it is not.
func (m gomod) required(path string) string {
	for _, r := range m.Require {
		if r.Path == path {
			return r.Version
		}
	}
	return ""
}

// replaced returns the modules replaced, with the replacement written path@version, or a path for a folder.
func (m gomod) replaced() map[string]string {
	out := map[string]string{}
	for _, r := range m.Replace {
		out[r.Old.Path] = strings.TrimSuffix(r.New.Path+"@"+r.New.Version, "@")
	}
	return out
}

func readGomod(t *testing.T, file string) gomod {
	t.Helper()
	var m gomod
	if err := json.Unmarshal(golang(t, "mod", "edit", "-json", file), &m); err != nil {
		t.Fatalf("reading %s: %v", file, err)
	}
	return m
}

// kubernetesReplaces returns what is wrong with the replaces of a go.mod that requires k8s.io/kubernetes, whose own go.mod
// replaces each staging module by a folder: outside that repository each must be the release of the same number, and
// nothing else is replaced, because a replace hides from importers what we build with.
func kubernetesReplaces(file string, m, upstream gomod) []string {
	version := m.required(kubernetes)
	staging := strings.Replace(version, "v1.", "v0.", 1)
	if staging == version {
		return []string{fmt.Sprintf("%s requires %s %q: require a v1 release", file, kubernetes, version)}
	}
	var violations []string
	got, want := m.replaced(), upstream.replaced()
	for path := range want {
		if full := path + "@" + staging; got[path] != full {
			violations = append(violations, fmt.Sprintf("%s replaces %s by %q: go mod edit -replace %s=%s", file, path, got[path], path, full))
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			violations = append(violations, fmt.Sprintf("%s replaces %s, which is no staging module of Kubernetes %s: remove it, or require the version",
				file, path, version))
		}
	}
	return violations
}

// machinery is a staging module of Kubernetes that everything has which speaks to an API server.
const machinery = "k8s.io/apimachinery"

// otherMinors are the tools whose Kubernetes libraries may be of another minor version, and why.
var otherMinors = map[string]string{
	"hack/tools/containerd/go.mod": "what it shares with a kubelet is CRI, which has a version of its own",
}

// sameKubernetes returns where a tools module is built from another Kubernetes than the product: the control plane or the kubelet of the
// tests would not be the one that our binaries are made for. Modules that are made of Kubernetes need the same release; those that
// only have its libraries, chosen by their own releases, the same minor version.
func sameKubernetes(file string, product, tools gomod) []string {
	p, v := product.required(kubernetes), tools.required(kubernetes)
	if v != "" && v != p {
		return []string{fmt.Sprintf("%s has %s %s, go.mod has %s: require the same", file, kubernetes, v, p)}
	}
	minor := strings.Replace(p[:strings.LastIndex(p, ".")+1], "v1.", "v0.", 1)
	if v = tools.required(machinery); v != "" && !strings.HasPrefix(v, minor) && otherMinors[file] == "" {
		return []string{fmt.Sprintf("%s has %s %s, go.mod has %s %s: take a release of the tool that is made for %sx", file, machinery, v, kubernetes, p, minor)}
	}
	return nil
}

// sameVersions returns libraries that the product and a tool made of Kubernetes are built with at different versions: whatever depends on
// them is then compiled twice, which is most of Kubernetes where it is golang.org/x/net. Replaced modules have their replacement's.
func sameVersions(file string, product, tools gomod) []string {
	var violations []string
	for _, r := range product.Require {
		if _, ok := product.replaced()[r.Path]; ok {
			continue
		}
		if version := tools.required(r.Path); version != "" && version != r.Version {
			violations = append(violations, fmt.Sprintf("go.mod has %s %s, %s has %s: they share one compile cache, so require the same (or exclude the newer one in go.mod, as is done for what VPA asks for)",
				r.Path, r.Version, file, version))
		}
	}
	return violations
}

// sameModule returns where a module of test/ that is made of ours measures or tests something else than what we build: it has to take ours
// from this tree, with the same version of Go and of every library, and Kubernetes pinned alike.
func sameModule(file string, product, m, upstream gomod) []string {
	var violations []string
	if m.Go != product.Go {
		violations = append(violations, fmt.Sprintf("%s is for Go %s, go.mod for %s: go mod edit -go=%s", file, m.Go, product.Go, product.Go))
	}
	home := strings.TrimSuffix(strings.Repeat("../", strings.Count(file, "/")), "/")
	if at := m.replaced()[modulePath]; at != home {
		violations = append(violations, fmt.Sprintf("%s replaces %s by %q: go mod edit -replace %s=%s", file, modulePath, at, modulePath, home))
	}
	others := m
	others.Replace = nil
	for _, r := range m.Replace {
		if r.Old.Path != modulePath {
			others.Replace = append(others.Replace, r)
		}
	}
	return slices.Concat(violations, sameKubernetes(file, product, m), sameVersions(file, product, m), kubernetesReplaces(file, others, upstream))
}

// TestGomod checks all modules of the tree: the product's, those of the tools, and those of test/, which are made of ours.
func TestGomod(t *testing.T) {
	product := readGomod(t, "go.mod")
	dir := strings.TrimSpace(string(golang(t, "list", "-m", "-f", "{{.Dir}}", kubernetes)))
	upstream := readGomod(t, filepath.Join(dir, "go.mod"))
	if len(upstream.Replace) == 0 {
		t.Fatalf("go.mod of %s replaces nothing: how staging modules are pinned has changed, look there", kubernetes)
	}
	report(t, kubernetesReplaces("go.mod", product, upstream))
	made, ours := 0, 0 // of Kubernetes, and of this module
	for file := range files(t, func(name string) bool { return strings.HasSuffix(name, "/go.mod") }) {
		m := readGomod(t, file)
		switch {
		case within(file, "hack/tools"):
			report(t, sameKubernetes(file, product, m))
			if m.required(kubernetes) != "" {
				made++
				report(t, sameVersions(file, product, m))
				report(t, kubernetesReplaces(file, m, upstream))
			}
		case within(file, "test") && m.required(modulePath) != "":
			ours++
			report(t, sameModule(file, product, m, upstream))
		default:
			t.Errorf("%s is a module that no rule knows: put it below hack/tools, or below test and let it require %s", file, modulePath)
		}
	}
	if made < 2 {
		t.Errorf("%d modules of hack/tools require %s, want the control plane's and the kubelet's at least", made, kubernetes)
	}
	if ours < 1 {
		t.Errorf("no module of test/ requires %s, want the scheduler's benchmark at least", modulePath)
	}
}

func TestGomodRulesFindViolations(t *testing.T) {
	mod := func(s string) gomod {
		var m gomod
		if err := json.Unmarshal([]byte(s), &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	const require = `"Require":[{"Path":"k8s.io/kubernetes","Version":"v1.36.3"}]`
	replace := func(path, version string) string {
		return fmt.Sprintf(`{"Old":{"Path":%q},"New":{"Path":%q,"Version":%q}}`, path, path, version)
	}
	upstream := mod(`{"Replace":[{"Old":{"Path":"k8s.io/api"},"New":{"Path":"./staging/src/k8s.io/api"}}]}`)
	good := mod(`{` + require + `,"Replace":[` + replace("k8s.io/api", "v0.36.3") + `]}`)
	expect(t, kubernetesReplaces("go.mod", good, upstream), "")
	expect(t, kubernetesReplaces("go.mod", mod(`{`+require+`}`), upstream), "go mod edit -replace k8s.io/api=k8s.io/api@v0.36.3")
	expect(t, kubernetesReplaces("go.mod", mod(`{`+require+`,"Replace":[`+replace("k8s.io/api", "v0.36.2")+`]}`), upstream), "v0.36.2")
	extra := mod(`{` + require + `,"Replace":[` + replace("k8s.io/api", "v0.36.3") + `,` + replace("example.com/fork", "v1.0.0") + `]}`)
	expect(t, kubernetesReplaces("go.mod", extra, upstream), "example.com/fork, which is no staging module")
	expect(t, kubernetesReplaces("go.mod", mod(`{}`), upstream), "require a v1 release")

	const file = "hack/tools/some/go.mod"
	expect(t, sameKubernetes(file, good, good), "")
	expect(t, sameKubernetes(file, good, mod(`{"Require":[{"Path":"k8s.io/kubernetes","Version":"v1.36.2"}]}`)), file+" has k8s.io/kubernetes v1.36.2, go.mod has v1.36.3")
	machineryAt := func(version string) gomod {
		return mod(`{"Require":[{"Path":"k8s.io/apimachinery","Version":"` + version + `"}]}`)
	}
	expect(t, sameKubernetes(file, good, machineryAt("v0.36.5")), "")
	expect(t, sameKubernetes(file, good, machineryAt("v0.37.0")), "take a release of the tool that is made for v0.36.x")
	expect(t, sameKubernetes(file, good, machineryAt("v0.3.6")), "made for v0.36.x")
	expect(t, sameKubernetes("hack/tools/containerd/go.mod", good, machineryAt("v0.34.10")), "")
	expect(t, sameKubernetes(file, good, mod(`{}`)), "")

	library := func(version string) gomod {
		return mod(`{"Require":[{"Path":"golang.org/x/net","Version":"` + version + `"}]}`)
	}
	expect(t, sameVersions(file, library("v0.49.0"), library("v0.49.0")), "")
	expect(t, sameVersions(file, library("v0.56.0"), library("v0.49.0")), "golang.org/x/net v0.56.0, hack/tools/some/go.mod has v0.49.0")
	expect(t, sameVersions(file, good, mod(`{"Require":[{"Path":"k8s.io/kubernetes","Version":"v1.36.3"},{"Path":"k8s.io/api","Version":"v0.0.0"}]}`)), "")

	const bench = "test/bench/some/go.mod"
	own := func(at string, more ...string) gomod {
		replaces := append([]string{replace("k8s.io/api", "v0.36.3"), fmt.Sprintf(`{"Old":{"Path":%q},"New":{"Path":%q}}`, modulePath, at)}, more...)
		return mod(`{"Go":"1.26.0",` + require + `,"Replace":[` + strings.Join(replaces, ",") + `]}`)
	}
	product := good
	product.Go = "1.26.0"
	expect(t, sameModule(bench, product, own("../../.."), upstream), "")
	expect(t, sameModule(bench, product, own("../.."), upstream), "go mod edit -replace "+modulePath+"=../../..")
	expect(t, sameModule(bench, product, own("../../..", replace("example.com/fork", "v1.0.0")), upstream), "example.com/fork, which is no staging module")
	newer := product
	newer.Go = "1.27.0"
	expect(t, sameModule(bench, newer, own("../../.."), upstream), bench+" is for Go 1.26.0, go.mod for 1.27.0")
	newer = library("v0.56.0")
	newer.Go, newer.Require = product.Go, append(newer.Require, product.Require...)
	older := own("../../..")
	older.Require = append(older.Require, library("v0.49.0").Require...)
	expect(t, sameModule(bench, newer, older, upstream), "golang.org/x/net v0.56.0, test/bench/some/go.mod has v0.49.0")
}
