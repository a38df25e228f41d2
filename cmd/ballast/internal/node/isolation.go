package node

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/schema"
	"github.com/ballast-k8s/ballast/manifests"
)

// definition is the file of the type's definition in package manifests.
const definition = "crd/ballast.dev_nodeisolations.yaml"

// readIsolation reads the spec of a NodeIsolation object. It refuses, in the same words, what the API server would: a misspelt field would be a
// partition less, and its group be removed.
func readIsolation(ctx context.Context, path string) (v1alpha1.NodeIsolationSpec, error) {
	b, err := cli.ReadFile(path)
	if err != nil {
		return v1alpha1.NodeIsolationSpec{}, err
	}
	spec, err := decodeIsolation(ctx, b)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return spec, err
}

func decodeIsolation(ctx context.Context, text []byte) (v1alpha1.NodeIsolationSpec, error) {
	var isolation v1alpha1.NodeIsolation
	doc, err := oneDocument(text)
	if err != nil {
		return isolation.Spec, err
	}
	crd, err := manifests.FS.ReadFile(definition)
	if err != nil {
		return isolation.Spec, err
	}
	kind, err := schema.New(crd)
	if err != nil {
		return isolation.Spec, err
	}
	object, err := kind.Read(ctx, doc)
	if err != nil {
		return isolation.Spec, err
	}
	asJSON, err := json.Marshal(object)
	if err == nil {
		err = json.Unmarshal(asJSON, &isolation)
	}
	return isolation.Spec, err // without a spec it wants nothing, as an agent makes it
}

// oneDocument is the only document of a YAML or JSON text that holds more than comments. A plan is one node's: to take the first of several
// would pass over the others without a word.
func oneDocument(text []byte) (only []byte, err error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return only, nil
		}
		if err != nil {
			return nil, err
		}
		var content any
		switch err := yaml.Unmarshal(doc, &content); {
		case err != nil:
			return nil, fmt.Errorf("%w; a NodeIsolation object is expected", err)
		case content == nil: // comments
		case only != nil:
			return nil, errors.New("more than one document; one NodeIsolation object is expected, so split the file")
		default:
			only = doc
		}
	}
}
