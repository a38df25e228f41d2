package node

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// readIsolation reads the spec of a NodeIsolation object. The schema is not checked here; the planner checks what matters.
func readIsolation(path string) (v1alpha1.NodeIsolationSpec, error) {
	b, err := cli.ReadFile(path)
	if err != nil {
		return v1alpha1.NodeIsolationSpec{}, err
	}
	spec, err := decodeIsolation(b)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return spec, err
}

// decodeIsolation is strict about the wish: a misspelt field would be a partition less, and its group be removed. The status is the agent's,
// and may be of a newer version, like the metadata of a server.
func decodeIsolation(text []byte) (spec v1alpha1.NodeIsolationSpec, err error) {
	doc, err := oneDocument(text)
	if err != nil {
		return spec, err
	}
	var o struct {
		APIVersion, Kind       string
		Metadata, Spec, Status json.RawMessage
	}
	if err := yaml.UnmarshalStrict(doc, &o); err != nil {
		return spec, fmt.Errorf("%w; a NodeIsolation object is expected", err)
	}
	if o.Kind != "NodeIsolation" || o.APIVersion != v1alpha1.SchemeGroupVersion.String() {
		return spec, fmt.Errorf("kind %q of %q, want NodeIsolation of %s", o.Kind, o.APIVersion, v1alpha1.SchemeGroupVersion)
	}
	if len(o.Spec) == 0 {
		return spec, nil // wants nothing, as an agent makes it
	}
	if err := yaml.UnmarshalStrict(o.Spec, &spec); err != nil {
		return spec, fmt.Errorf("spec: %w; a NodeIsolation object is expected", err)
	}
	return spec, nil
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
