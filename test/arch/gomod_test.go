package arch

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// gomod is what `go mod edit -json` says of a go.mod file, as far as the rules need it.
type gomod struct {
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

// sameKubernetes returns where a tools module is built from another Kubernetes than the product: the control plane of the
// tests would not be the one that our scheduler is made for.
func sameKubernetes(product, tools gomod) []string {
	var violations []string
	if p, h := product.required(kubernetes), tools.required(kubernetes); p != h {
		violations = append(violations, fmt.Sprintf("hack/tools/hyper/go.mod has %s %s, go.mod has %s: require the same", kubernetes, h, p))
	}
	return violations
}

// sameVersions returns libraries that the product and the control plane are built with at different versions: whatever depends on
// them is then compiled twice, which is most of Kubernetes where it is golang.org/x/net. Replaced modules have their replacement's.
func sameVersions(product, tools gomod) []string {
	var violations []string
	for _, r := range product.Require {
		if _, ok := product.replaced()[r.Path]; ok {
			continue
		}
		if version := tools.required(r.Path); version != "" && version != r.Version {
			violations = append(violations, fmt.Sprintf("go.mod has %s %s, hack/tools/hyper/go.mod has %s: they share one compile cache, so require the same (or exclude the newer one in go.mod, as is done for what VPA asks for)",
				r.Path, r.Version, version))
		}
	}
	return violations
}

func TestGomod(t *testing.T) {
	product, hyper := readGomod(t, "go.mod"), readGomod(t, "hack/tools/hyper/go.mod")
	dir := strings.TrimSpace(string(golang(t, "list", "-m", "-f", "{{.Dir}}", kubernetes)))
	upstream := readGomod(t, filepath.Join(dir, "go.mod"))
	if len(upstream.Replace) == 0 {
		t.Fatalf("go.mod of %s replaces nothing: how staging modules are pinned has changed, look there", kubernetes)
	}
	report(t, kubernetesReplaces("go.mod", product, upstream))
	report(t, sameKubernetes(product, hyper))
	report(t, sameVersions(product, hyper))
	report(t, kubernetesReplaces("hack/tools/hyper/go.mod", hyper, upstream))
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

	expect(t, sameKubernetes(good, good), "")
	expect(t, sameKubernetes(good, mod(`{"Require":[{"Path":"k8s.io/kubernetes","Version":"v1.36.2"}]}`)), "v1.36.2, go.mod has v1.36.3")

	library := func(version string) gomod {
		return mod(`{"Require":[{"Path":"golang.org/x/net","Version":"` + version + `"}]}`)
	}
	expect(t, sameVersions(library("v0.49.0"), library("v0.49.0")), "")
	expect(t, sameVersions(library("v0.56.0"), library("v0.49.0")), "golang.org/x/net v0.56.0, hack/tools/hyper/go.mod has v0.49.0")
	expect(t, sameVersions(good, mod(`{"Require":[{"Path":"k8s.io/kubernetes","Version":"v1.36.3"},{"Path":"k8s.io/api","Version":"v0.0.0"}]}`)), "")
}
