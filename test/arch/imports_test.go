package arch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// tree maps a package, written ./path from the module's root, to what it imports.
type tree map[string]imports

// imports are import paths, those of this module written ./path.
type imports struct {
	name          string
	product, test []string
}

// within reports whether path is one of the packages or folders, or below one.
func within(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

// layers are the top folders that hold Go code (manifests: to embed them). A rule that names folders would not see another one.
var layers = []string{
	"./api", "./cmd", "./follow", "./hack", "./manifests", "./plugins", "./predictor", "./recommender", "./serving", "./simulator", "./test",
}

// neutral are the folders that plugins and recommender share: how they speak to the API server and answer for themselves. A package there
// that knew one of them would tie it to the other.
var neutral = []string{"./api", "./follow", "./serving"}

const (
	kubernetes = "k8s.io/kubernetes"
	autoscaler = "k8s.io/autoscaler/vertical-pod-autoscaler"
)

// importRule forbids that packages from one place reach others, directly or through packages of this module.
type importRule struct {
	name string
	from func(pkg string) bool
	to   func(path string) bool
	// directOnly is for a rule about writing the import, not about linking the code. productOnly leaves tests free.
	directOnly, productOnly bool
	advice                  string
}

// importRules are rules 2 to 5 of the layout. Pure packages may be imported by anyone, by tests even where they lie in simulator.
func importRules(pure []string) []importRule {
	impure := func(folders ...string) func(string) bool {
		return func(path string) bool { return within(path, folders...) && !slices.Contains(pure, path) }
	}
	in := func(folders ...string) func(string) bool {
		return func(path string) bool { return within(path, folders...) }
	}
	notIn := func(folders ...string) func(string) bool {
		return func(path string) bool { return !within(path, folders...) }
	}
	product := slices.Concat(neutral, []string{"./manifests", "./plugins", "./predictor", "./recommender"}) // but for the mains
	return []importRule{
		{
			name: "plugins without recommender", from: in("./plugins"), to: impure("./recommender"),
			advice: "meet in an API object, or move what both need into a pure package",
		},
		{
			name: "recommender without plugins", from: in("./recommender"), to: impure("./plugins"),
			advice: "meet in an API object, or move what both need into a pure package",
		},
		{
			name: "neutral packages know neither plugins nor recommender", from: in(neutral...), to: impure("./plugins", "./recommender"),
			advice: "take what differs between them as an argument, or leave the code where it was",
		},
		{
			name: "k8s.io/kubernetes in one main", from: notIn("./cmd/ballast-scheduler", "./test"), to: in(kubernetes),
			advice: "use k8s.io/kube-scheduler/framework, or move the test under test/",
		},
		{
			name: "VPA in the recommender's root", directOnly: true, to: in(autoscaler),
			from: func(pkg string) bool {
				return pkg != "./recommender" && !within(pkg, "./cmd/ballast-recommender", "./test")
			},
			advice: "convert to our own types in package recommender",
		},
		{
			name: "nothing outside test/ imports it", from: notIn("./test"), to: in("./test"),
			advice: "move what the product needs out of test/",
		},
		{
			name: "of the product only cmd/ballast imports simulator", to: impure("./simulator"),
			from: func(pkg string) bool {
				return within(pkg, product...) || within(pkg, "./cmd") && !within(pkg, "./cmd/ballast")
			},
			advice: "move the test under test/, or the code into cmd/ballast",
		},
		{
			name: "product does not compute on the plant", productOnly: true, to: in("./simulator/plant"),
			from:   in(product...),
			advice: "the plant is ground truth for tests only",
		},
		{
			name: "the plant is not the model", from: in("./simulator/plant"), to: in("./predictor/interference", "./predictor/latency"),
			advice: "a truth that is the model's own form proves nothing: write the plant's law in the plant",
		},
	}
}

// check returns the rule's violations.
func (r importRule) check(tr tree) []string {
	var violations []string
	for pkg, im := range tr {
		if !r.from(pkg) {
			continue
		}
		paths := im.product
		if !r.productOnly {
			paths = slices.Concat(im.product, im.test)
		}
		for _, path := range paths {
			if chain := r.reach(tr, path, nil); chain != nil {
				violations = append(violations, fmt.Sprintf("%s imports %s (%s): %s", pkg, strings.Join(chain, " -> "), r.name, r.advice))
			}
		}
	}
	return violations
}

// reach returns the chain of imports from path to a forbidden package, or nil.
func (r importRule) reach(tr tree, path string, seen map[string]bool) []string {
	if r.to(path) {
		return []string{path}
	}
	if r.directOnly || seen[path] {
		return nil
	}
	if seen == nil {
		seen = map[string]bool{}
	}
	seen[path] = true
	for _, next := range tr[path].product {
		if chain := r.reach(tr, next, seen); chain != nil {
			return append([]string{path}, chain...)
		}
	}
	return nil
}

// unknownLayers returns packages outside the folders that the rules know.
func unknownLayers(tr tree) []string {
	var violations []string
	for pkg := range tr {
		if !within(pkg, layers...) {
			violations = append(violations, fmt.Sprintf("%s lies outside %s: put it where DESIGN 4 says, or add the folder here and to the rules",
				pkg, strings.Join(layers, " ")))
		}
	}
	return violations
}

func TestImports(t *testing.T) {
	tr := loadTree(t)
	report(t, unknownLayers(tr))
	for _, r := range importRules(pureList(t)) {
		t.Run(r.name, func(t *testing.T) { report(t, r.check(tr)) })
	}
}

func TestImportRulesFindViolations(t *testing.T) {
	const pure = "./recommender/allocate"
	cases := []struct {
		rule string
		tr   tree
		want string
	}{
		{"plugins without recommender", tree{"./plugins/a": {product: []string{"./recommender/telemetry"}}}, "./plugins/a imports ./recommender/telemetry"},
		{"plugins without recommender", tree{"./plugins/a": {test: []string{"./recommender"}}}, "./plugins/a imports ./recommender"},
		{"plugins without recommender", tree{"./plugins/a": {product: []string{pure}}}, ""},
		{
			"plugins without recommender",
			tree{"./plugins/a": {product: []string{"./hack/b"}}, "./hack/b": {product: []string{"./recommender"}}},
			"./hack/b -> ./recommender",
		},
		{"recommender without plugins", tree{"./recommender": {product: []string{"./plugins/graphscore"}}}, "./plugins/graphscore"},
		{"neutral packages know neither plugins nor recommender", tree{"./follow": {product: []string{"./recommender/modeswitch"}}}, "./recommender/modeswitch"},
		{"neutral packages know neither plugins nor recommender", tree{"./serving": {test: []string{"./plugins/node"}}}, "./plugins/node"},
		{
			"neutral packages know neither plugins nor recommender",
			tree{"./api/v1alpha1": {product: []string{"./follow"}}, "./follow": {product: []string{"./plugins/node"}}},
			"./follow -> ./plugins/node",
		},
		{"neutral packages know neither plugins nor recommender", tree{"./serving": {product: []string{"./api/v1alpha1", pure}}}, ""},
		{"k8s.io/kubernetes in one main", tree{"./plugins/a": {test: []string{"k8s.io/kubernetes/pkg/scheduler"}}}, "./plugins/a"},
		{"k8s.io/kubernetes in one main", tree{"./cmd/ballast-scheduler": {product: []string{"k8s.io/kubernetes/pkg"}}}, ""},
		{"k8s.io/kubernetes in one main", tree{"./cmd/ballast-schedulers": {product: []string{"k8s.io/kubernetes/pkg"}}}, "./cmd/ballast-schedulers"},
		{"VPA in the recommender's root", tree{"./recommender/telemetry": {product: []string{autoscaler + "/pkg"}}}, "telemetry"},
		{"VPA in the recommender's root", tree{"./recommender": {product: []string{autoscaler + "/pkg"}}}, ""},
		{
			"VPA in the recommender's root",
			tree{"./cmd/ballast": {product: []string{"./recommender"}}, "./recommender": {product: []string{autoscaler}}},
			"",
		},
		{"nothing outside test/ imports it", tree{"./simulator/a": {product: []string{"./test/peers"}}}, "./test/peers"},
		{"nothing outside test/ imports it", tree{"./test/replay": {product: []string{"./test/peers"}}}, ""},
		{"of the product only cmd/ballast imports simulator", tree{"./plugins/a": {test: []string{"./simulator/localcluster"}}}, "localcluster"},
		{"of the product only cmd/ballast imports simulator", tree{"./follow": {test: []string{"./simulator/localcluster"}}}, "localcluster"},
		{"of the product only cmd/ballast imports simulator", tree{"./cmd/ballast-node": {product: []string{"./simulator/localcluster"}}}, "localcluster"},
		{"of the product only cmd/ballast imports simulator", tree{"./cmd/ballast": {product: []string{"./simulator/localcluster"}}}, ""},
		{"of the product only cmd/ballast imports simulator", tree{"./cmd/ballast/internal/cluster": {product: []string{"./simulator/localcluster"}}}, ""},
		{"of the product only cmd/ballast imports simulator", tree{"./simulator/a": {product: []string{"./simulator/b"}}}, ""},
		{"product does not compute on the plant", tree{"./predictor/a": {product: []string{"./simulator/plant"}}}, "./simulator/plant"},
		{"product does not compute on the plant", tree{"./serving": {product: []string{"./simulator/plant"}}}, "./simulator/plant"},
		{"product does not compute on the plant", tree{"./predictor/a": {test: []string{"./simulator/plant"}}}, ""},
		{"the plant is not the model", tree{"./simulator/plant": {product: []string{"./predictor/latency"}}}, "./predictor/latency"},
	}
	tested := map[string]bool{}
	for _, c := range cases {
		for _, r := range importRules([]string{pure, "./simulator/plant"}) {
			if r.name == c.rule {
				tested[c.rule] = tested[c.rule] || c.want != ""
				expect(t, r.check(c.tr), c.want)
			}
		}
	}
	for _, r := range importRules(nil) {
		if !tested[r.name] {
			t.Errorf("no case shows that rule %q finds a violation", r.name)
		}
	}
	expect(t, unknownLayers(tree{"./pkg/a": {}}), "./pkg/a lies outside")
	expect(t, unknownLayers(tree{"./cmd/ballast": {}}), "")
}
