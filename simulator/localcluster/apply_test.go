package localcluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// widgets has the definition after the object that needs it, an object in a namespace that comes later, a list and a comment.
const widgets = `
# nothing here
---
apiVersion: test.ballast.dev/v1
kind: Widget
metadata: {name: w, namespace: shop}
spec: {size: 3}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {k: v}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: two, namespace: shop}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.test.ballast.dev}
spec:
  group: test.ballast.dev
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, properties: {size: {type: integer, maximum: 5}}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
`

func testApply(t *testing.T, c *Cluster) {
	for range 2 { // applying again changes nothing and does not fail
		if err := c.Apply(t.Context(), "widgets", []byte(widgets)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.Kubectl(t.Context(), "get", "widgets,configmaps", "-A", "-l", "!none", "-o", "name", "--field-selector", "metadata.name!=kube-root-ca.crt")
	for _, want := range []string{"widget.test.ballast.dev/w", "configmap/one", "configmap/two"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s is missing: %v\n%s", want, err, out)
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kustomization.yaml"), "resources: [three.yaml]\nnamespace: shop\n")
	write(t, filepath.Join(dir, "three.yaml"), "{apiVersion: v1, kind: ConfigMap, metadata: {name: three}}")
	if err := c.ApplyFiles(t.Context(), dir, filepath.Join(dir, "three.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, namespace := range []string{"shop", "default"} {
		if _, err := c.Kubectl(t.Context(), "get", "configmap", "three", "-n", namespace); err != nil {
			t.Error(err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func testApplyErrors(t *testing.T, c *Cluster) {
	for name, test := range map[string]struct{ text, want string }{
		"malformed": {"a: [", "reading malformed, document 1: "},
		"duplicate": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nmetadata: {name: b}", `key "metadata" already set`},
		"nameless":  {"{apiVersion: v1, kind: ConfigMap}", "reading nameless, document 1: an object needs apiVersion, kind and metadata.name"},
		"unknown":   {"{apiVersion: no.such/v1, kind: Thing, metadata: {name: x}}", "applying unknown, document 1 (Thing x): the API server does not know this kind"},
		"invalid": {
			"---\n---\n{apiVersion: test.ballast.dev/v1, kind: Widget, metadata: {name: big, namespace: shop}, spec: {size: 9}}",
			"(Widget shop/big): Widget.test.ballast.dev \"big\" is invalid",
		},
	} {
		if err := c.Apply(t.Context(), name, []byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want it to say %q", name, err, test.want)
		}
	}
	if err := c.ApplyFiles(t.Context(), "testdata/none.yaml"); err == nil || !strings.Contains(err.Error(), "testdata/none.yaml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestParseManifestsOrder(t *testing.T) {
	docs, err := parseManifests("widgets", []byte(widgets))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, doc := range docs {
		got = append(got, doc.String())
	}
	want := []string{
		"widgets, document 5 (Namespace shop)",
		"widgets, document 4 (CustomResourceDefinition widgets.test.ballast.dev)",
		"widgets, document 2 (Widget shop/w)",
		"widgets, document 3 (ConfigMap one)",
		"widgets, document 3 (ConfigMap shop/two)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
