package arch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	vpav1 "k8s.io/autoscaler/vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender"
)

// manifests checks Kubernetes objects as the code that will read them does.
type manifests struct {
	decoder runtime.Decoder
	crds    map[string]*crdSchema // by kind
}

// newManifests knows the types of client-go, of CRDs, of VPA and our own; the CRDs say what is valid for the latter.
func newManifests(t *testing.T, crds ...[]byte) *manifests {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientscheme.AddToScheme, apiextensionsv1.AddToScheme, vpav1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	m := &manifests{
		decoder: serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer(),
		crds:    map[string]*crdSchema{},
	}
	for _, crd := range crds {
		s, violations := newCRDSchema(crd)
		report(t, violations)
		if s != nil {
			m.crds[s.kind] = s
		}
	}
	return m
}

// check returns what is wrong with one document of a manifest.
func (m *manifests) check(name string, doc []byte) []string {
	var head struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(doc, &head); err != nil {
		return []string{fmt.Sprintf("%s: %v", name, err)}
	}
	switch {
	case strings.HasPrefix(head.APIVersion, "kubescheduler.config.k8s.io/"):
		return schedulerConfiguration(name, doc)
	case head.APIVersion == recommender.ConfigAPIVersion:
		if _, err := recommender.DecodeConfig(doc); err != nil {
			return []string{fmt.Sprintf("%s: %v", name, err)}
		}
		return nil
	case strings.HasPrefix(head.APIVersion, "kustomize.config.k8s.io/"):
		return nil // built as a whole by kubectl
	}
	obj, _, err := m.decoder.Decode(doc, nil, nil)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", name, err)}
	}
	switch obj := obj.(type) {
	case *apiextensionsv1.CustomResourceDefinition:
		_, violations := newCRDSchema(doc)
		return prefixed(name, violations)
	case *corev1.ConfigMap:
		return m.checkData(name, obj.Data)
	}
	if schema := m.crds[head.Kind]; schema != nil {
		return prefixed(name, schema.validate(doc))
	}
	return nil
}

// checkData checks the configuration files that a ConfigMap carries.
func (m *manifests) checkData(name string, data map[string]string) []string {
	var violations []string
	for _, key := range slices.Sorted(maps.Keys(data)) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(data[key]), &head); err == nil && head.Kind != "" {
			violations = append(violations, m.check(name+", data "+key, []byte(data[key]))...)
		}
	}
	return violations
}

func prefixed(name string, violations []string) []string {
	for i, v := range violations {
		violations[i] = name + ": " + v
	}
	return violations
}

// documents splits a YAML file.
func documents(t *testing.T, name string, src []byte) [][]byte {
	t.Helper()
	var docs [][]byte
	r := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(src)))
	for {
		doc, err := r.Read()
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var content any
		if err := yaml.Unmarshal(doc, &content); err != nil || content != nil { // leaves out documents of comments alone
			docs = append(docs, doc)
		}
	}
}

// kustomize builds a folder with kubectl, as users do.
func kustomize(folder string) ([]byte, error) {
	kubectl, err := filepath.Abs(filepath.Join(root, ".tools", "bin", "kubectl"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(kubectl); err != nil {
		return nil, fmt.Errorf("%w: build it with `make tools`", err)
	}
	cmd := exec.Command(kubectl, "kustomize", folder)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("kubectl kustomize %s: %w\n%s", folder, err, stderr.String())
	}
	return out, nil
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func TestManifests(t *testing.T) {
	all := files(t, func(name string) bool { return strings.HasPrefix(name, "manifests/") && isYAML(name) })
	var crds [][]byte
	for name, src := range all {
		if path.Dir(name) == "manifests/crd" && path.Base(name) != "kustomization.yaml" {
			crds = append(crds, src)
		}
	}
	if len(crds) == 0 {
		t.Fatal("no CRD under manifests/crd: run `make manifests`")
	}
	m := newManifests(t, crds...)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for i, doc := range documents(t, name, all[name]) {
			report(t, m.check(fmt.Sprintf("%s document %d", name, i+1), doc))
		}
		if path.Base(name) == "kustomization.yaml" {
			folder := path.Dir(name)
			built, err := kustomize(folder)
			if err != nil {
				t.Error(err)
			}
			for i, doc := range documents(t, folder, built) {
				report(t, m.check(fmt.Sprintf("kubectl kustomize %s, document %d", folder, i+1), doc))
			}
		}
	}
}

func TestManifestRulesFindViolations(t *testing.T) {
	crd, err := os.ReadFile(filepath.Join(root, "manifests/crd/ballast.dev_interferencemodels.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	m := newManifests(t, crd)
	const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"
	const scheduler = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	const args = "profiles:\n- schedulerName: b\n  pluginConfig:\n  - name: InterferenceFit\n    args: "
	const sizing = "apiVersion: recommender.config.ballast.dev/v1alpha1\nkind: RecommenderConfiguration\n"
	const vpa = "apiVersion: autoscaling.k8s.io/v1\nkind: VerticalPodAutoscaler\nmetadata: {name: a}\nspec:\n"
	const model = "apiVersion: ballast.dev/v1alpha1\nkind: InterferenceModel\nmetadata: {name: a}\nspec:\n"
	cases := map[string]struct{ doc, want string }{
		"object":                  {account, ""},
		"unknown field":           {account + "secretz: []\n", `unknown field "secretz"`},
		"unknown kind":            {strings.Replace(account, "ServiceAccount", "Account", 1), `no kind "Account"`},
		"not YAML":                {"a: [", "yaml"},
		"scheduler":               {scheduler, ""},
		"scheduler's args":        {scheduler + args + "{modelName: mine}\n", ""},
		"scheduler, field":        {scheduler + "parallel: 3\n", `unknown field "parallel"`},
		"scheduler, value":        {scheduler + "parallelism: -1\n", "parallelism"},
		"args, field":             {scheduler + args + "{model: mine}\n", `unknown field "model"`},
		"args, value":             {scheduler + args + "{modelMaxAge: -1s}\n", "modelMaxAge"},
		"scheduler in ConfigMap":  {configMap(scheduler + "parallel: 3\n"), "data config.yaml"},
		"recommender":             {sizing, ""},
		"recommender, field":      {sizing + "intervall: 1m\n", `unknown field "intervall"`},
		"recommender, value":      {configMap(sizing + "interval: 1ms\n"), "data config.yaml: interval"},
		"VPA object":              {vpa + "  recommenders: [{name: ballast}]\n", ""},
		"VPA object, field":       {vpa + "  recommender: ballast\n", `unknown field "spec.recommender"`},
		"other data in ConfigMap": {configMap("mode: active\n"), ""},
		"our object, schema":      {model + "  rank: 9\n", "spec.rank: Invalid value: 9"},
		"our object, field":       {model + "  rankk: 2\n", `unknown field "spec.rankk"`},
		"CRD, not structural":     {strings.Replace(string(crd), "\n                type: object\n", "\n", 1), "Required value"},
		"CRD, name":               {strings.Replace(string(crd), "plural: interferencemodels", "plural: models", 1), "metadata.name"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { expect(t, m.check(name, []byte(c.doc)), c.want) })
	}
}

func TestKustomizeFindsViolations(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("kustomization.yaml", "resources: [a.yaml]\n")
	if _, err := kustomize(folder); err == nil || !strings.Contains(err.Error(), "a.yaml") {
		t.Errorf("error %v for a resource that is missing, want one that names it", err)
	}
	write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	if built, err := kustomize(folder); err != nil || !bytes.Contains(built, []byte("name: a")) {
		t.Errorf("built %q, error %v", built, err)
	}
}

func configMap(config string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  config.yaml: |\n    " +
		strings.ReplaceAll(strings.TrimSpace(config), "\n", "\n    ") + "\n"
}
