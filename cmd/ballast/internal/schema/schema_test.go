package schema

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/manifests"
)

const things = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        x-kubernetes-validations:
        - rule: "self.size <= self.most"
          message: size is greater than most
        required: [size]
        properties:
          size: {type: integer, maximum: 8}
          most: {type: integer, default: 7}
          tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}
`

func TestRead(t *testing.T) {
	kind, err := New([]byte(things))
	if err != nil {
		t.Fatal(err)
	}
	const name = "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a, namespace: b}\n"
	got, err := kind.Read(t.Context(), []byte(name+"size: 3\ntags:\nstatus: {novel: 1}\n"))
	want := map[string]any{
		"apiVersion": "example.com/v1", "kind": "Thing", "metadata": map[string]any{"name": "a", "namespace": "b"}, "size": int64(3), "most": int64(7),
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
	for text, want := range map[string]string{
		name + "size: 8\n":               "<nil>: Invalid value: size is greater than most", // 8 > the default, 7
		name + "size: 9\n":               "size: Invalid value: 9: size in body should be less than or equal to 8",
		name + "size: 9\ntags: [x, x]\n": `tags[1]: Duplicate value: "x"`,
		name + "most: 9\n":               "size: Required value, <nil>: Invalid value: null: some validation rules were not checked",
		name + "size: 1\nSize: 2\n":      `unknown field "Size"`,
		name + "size: 1\nsize: 2\n":      `key "size" already set`,
		name + "size: one\n":             "must be of type integer",
		strings.Replace(name, ", namespace: b", "", 1) + "size: 1\n": "metadata.namespace: Required value",
		"- 1\n":                    "a Thing object is expected",
		"kind: Thing\nsize: 1\n":   `kind "Thing" of "", want Thing of example.com/v1`,
		"kind: [Thing]\nsize: 1\n": `kind "" of ""`,
		"":                         `kind "" of ""`,
	} {
		if got, err := kind.Read(t.Context(), []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, error %v, want %q", text, got, err, want)
		}
	}
}

func TestDefinitions(t *testing.T) {
	files, err := fs.Glob(manifests.FS, "crd/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := manifests.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, c := range []struct{ from, to, want string }{
		{"maximum:", "maxmum:", "unknown field"},
		{"  - name: v1\n", "  - {name: v0, served: true, storage: false}\n  - name: v1\n", "one version"},
	} {
		if _, err := New([]byte(strings.Replace(things, c.from, c.to, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// FuzzRead: no text makes the server's code panic or an object that is not a Thing.
func FuzzRead(f *testing.F) {
	kind, err := New([]byte(things))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a, namespace: b}\nsize: 3\ntags: [x]\n"))
	f.Add([]byte(`{"apiVersion": "example.com/v1", "kind": "Thing", "metadata": null, "size": 1e3}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := kind.Read(t.Context(), text); err == nil && got["kind"] != "Thing" {
			t.Errorf("%q: %v", text, got)
		}
	})
}
