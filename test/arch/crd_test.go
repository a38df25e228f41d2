package arch

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// crdSchema validates objects of one kind as the API server does.
type crdSchema struct {
	kind      string
	validator validation.SchemaValidator
}

// newCRDSchema reads a CRD with the API server's own defaults and validation: structural schema, CEL rules and their cost.
func newCRDSchema(doc []byte) (*crdSchema, []string) {
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(doc, &v1); err != nil {
		return nil, []string{fmt.Sprintf("reading a CRD: %v", err)}
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	scheme.Default(&v1)
	var crd apiextensions.CustomResourceDefinition
	if err := scheme.Convert(&v1, &crd, nil); err != nil {
		return nil, []string{fmt.Sprintf("converting CRD %s: %v", v1.Name, err)}
	}
	for _, v := range crd.Spec.Versions { // as the server does on creation
		if v.Storage {
			crd.Status.StoredVersions = []string{v.Name}
		}
	}
	var violations []string
	for _, err := range crdvalidation.ValidateCustomResourceDefinition(context.Background(), &crd) {
		violations = append(violations, fmt.Sprintf("CRD %s: %v: correct the markers in api/ and run `make manifests`", v1.Name, err))
	}
	if len(violations) > 0 || len(v1.Spec.Versions) != 1 {
		return nil, violations
	}
	// With a single version the conversion moves the schema to the top.
	validator, _, err := validation.NewSchemaValidator(crd.Spec.Validation.OpenAPIV3Schema)
	if err != nil {
		return nil, []string{fmt.Sprintf("CRD %s: %v", v1.Name, err)}
	}
	return &crdSchema{kind: crd.Spec.Names.Kind, validator: validator}, nil
}

func (s *crdSchema) validate(doc []byte) []string {
	var obj map[string]any
	if err := yaml.Unmarshal(doc, &obj); err != nil {
		return []string{err.Error()}
	}
	var violations []string
	for _, err := range validation.ValidateCustomResource(field.NewPath(""), obj, s.validator) {
		violations = append(violations, strings.TrimPrefix(err.Error(), "."))
	}
	return violations
}

// differing compares generated files with those on disk, by name.
func differing(onDisk, generated map[string][]byte) []string {
	var violations []string
	for _, name := range slices.Sorted(maps.Keys(generated)) {
		if !bytes.Equal(onDisk[name], generated[name]) {
			violations = append(violations, fmt.Sprintf("%s is not what api/ generates: run `make manifests`", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(onDisk)) {
		if generated[name] == nil {
			violations = append(violations, fmt.Sprintf("%s is no longer generated from api/: remove it", name))
		}
	}
	return violations
}

// TestGenerated runs controller-gen as `make manifests` does, into other folders, and compares.
func TestGenerated(t *testing.T) {
	tool := filepath.Join(root, ".tools", "bin", "controller-gen")
	if _, err := os.Stat(tool); err != nil {
		t.Fatalf("%v: build it with `make tools`", err)
	}
	out := t.TempDir()
	cmd := exec.Command(filepath.Join(".tools", "bin", "controller-gen"), "object", "crd:allowDangerousTypes=true", "paths=./api/...",
		"output:crd:dir="+filepath.Join(out, "crd"), "output:object:dir="+filepath.Join(out, "v1alpha1"))
	cmd.Dir = root
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("controller-gen: %v\n%s", err, msg)
	}
	for folder, committed := range map[string]string{"crd": "manifests/crd", "v1alpha1": "api/v1alpha1"} {
		generated := map[string][]byte{}
		entries, err := os.ReadDir(filepath.Join(out, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if generated[path.Join(committed, e.Name())], err = os.ReadFile(filepath.Join(out, folder, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
		report(t, differing(files(t, func(name string) bool {
			base := path.Base(name)
			return path.Dir(name) == committed && (strings.HasPrefix(base, "ballast.dev_") || strings.HasPrefix(base, "zz_generated."))
		}), generated))
	}
}

func TestDifferingFindsViolations(t *testing.T) {
	a, b := map[string][]byte{"a.yaml": []byte("a")}, map[string][]byte{"a.yaml": []byte("b")}
	expect(t, differing(a, a), "")
	expect(t, differing(a, b), "a.yaml is not what api/ generates")
	expect(t, differing(nil, b), "a.yaml is not what api/ generates")
	expect(t, differing(a, nil), "a.yaml is no longer generated")
}

func TestCRDSchemaFindsViolations(t *testing.T) {
	const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  scope: Cluster
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        required: [size]
        properties:
          size: {type: integer, maximum: 8}
`
	schema, violations := newCRDSchema([]byte(crd))
	expect(t, violations, "")
	expect(t, schema.validate([]byte("size: 8")), "")
	expect(t, schema.validate([]byte("size: 9")), "size: Invalid value: 9")
	expect(t, schema.validate([]byte("{}")), "size: Required value")

	for _, c := range []struct{ from, to, want string }{
		{"        type: object\n", "", "must not be empty"}, // not structural
		{"    storage: true\n", "    storage: false\n", "storage"},
		{"  scope: Cluster\n", "", "spec.scope"},
		{"maximum:", "maxmum:", "unknown field"},
	} {
		_, violations := newCRDSchema([]byte(strings.Replace(crd, c.from, c.to, 1)))
		expect(t, violations, c.want)
	}
}
