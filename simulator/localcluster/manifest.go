package localcluster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// document is one object of a manifest text, with where it stood.
type document struct {
	source string
	number int // from 1
	object *unstructured.Unstructured
}

// String names the document in errors.
func (d document) String() string {
	return fmt.Sprintf("%s, document %d (%s %s)", d.source, d.number, d.object.GetKind(), objectName(d.object))
}

func objectName(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetName()
	}
	return object.GetNamespace() + "/" + object.GetName()
}

// parseManifests splits a text into its objects, skipping empty documents and unpacking lists; those that others depend on come first.
func parseManifests(source string, text []byte) ([]document, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	var docs []document
	for number := 1; ; number++ {
		part, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s, document %d: %w", source, number, err)
		}
		objects, err := parseDocument(part)
		if err != nil {
			return nil, fmt.Errorf("reading %s, document %d: %w", source, number, err)
		}
		for _, object := range objects {
			docs = append(docs, document{source: source, number: number, object: object})
		}
	}
	slices.SortStableFunc(docs, func(a, b document) int { return rank(a.object) - rank(b.object) })
	return docs, nil
}

// parseDocument returns the objects of one YAML document: none if it holds only comments, several if it is a List.
func parseDocument(text []byte) ([]*unstructured.Unstructured, error) {
	var content map[string]any
	if err := yaml.UnmarshalStrict(text, &content); err != nil {
		return nil, err // the caller names the document
	}
	if len(content) == 0 {
		return nil, nil
	}
	object := &unstructured.Unstructured{Object: content}
	if object.IsList() {
		list, err := object.ToList()
		if err != nil {
			return nil, fmt.Errorf("unpacking a list: %w", err)
		}
		var objects []*unstructured.Unstructured
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
		return objects, nil
	}
	if object.GetKind() == "" || object.GetAPIVersion() == "" || object.GetName() == "" {
		return nil, errors.New("an object needs apiVersion, kind and metadata.name")
	}
	return []*unstructured.Unstructured{object}, nil
}

// rank orders what others depend on before the others.
func rank(object *unstructured.Unstructured) int {
	switch {
	case object.GetKind() == "Namespace" && object.GetAPIVersion() == "v1":
		return 0
	case isCRD(object):
		return 1
	}
	return 2
}

func isCRD(object *unstructured.Unstructured) bool {
	return object.GroupVersionKind().GroupKind() == schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
}

// crdKinds returns the kinds, in all served versions, that a definition announces.
func crdKinds(crd *unstructured.Unstructured) []schema.GroupVersionKind {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	var kinds []schema.GroupVersionKind
	for _, version := range versions {
		fields, _ := version.(map[string]any)
		if served, _, _ := unstructured.NestedBool(fields, "served"); served {
			name, _, _ := unstructured.NestedString(fields, "name")
			kinds = append(kinds, schema.GroupVersionKind{Group: group, Version: name, Kind: kind})
		}
	}
	return kinds
}

// checkEstablished returns nil if a live definition is served.
func checkEstablished(crd *unstructured.Unstructured) error {
	conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	reason := "it has no condition yet"
	for _, condition := range conditions {
		fields, _ := condition.(map[string]any)
		if fields["type"] == "Established" && fields["status"] == "True" {
			return nil
		}
		reason = fmt.Sprintf("condition %v is %v: %v", fields["type"], fields["status"], fields["message"])
	}
	return fmt.Errorf("not established: %s", reason)
}
