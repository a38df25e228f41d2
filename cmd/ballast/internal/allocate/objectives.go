package allocate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// readObjectives reads LatencyObjectives, and checks what the API server would.
func readObjectives(files []string, messages io.Writer) ([]v1alpha1.LatencyObjective, error) {
	var list []v1alpha1.LatencyObjective
	for _, path := range files {
		b, err := cli.ReadFile(path)
		if err != nil {
			return nil, err
		}
		reader := utilyaml.NewYAMLReader(newLineReader(b))
		for {
			document, err := reader.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			if len(bytes.Trim(document, "- \r\n")) == 0 {
				continue
			}
			o, err := readObjective(document)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			known, err := knownAlready(list, o)
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s: %w", path, err)
			case known:
				fmt.Fprintf(messages, "%s: LatencyObjective %q is there twice and counts once\n", path, o.Name)
			default:
				list = append(list, *o)
			}
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no LatencyObjective in %s", strings.Join(files, ", "))
	}
	return list, nil
}

// readObjective reads one.
func readObjective(document []byte) (*v1alpha1.LatencyObjective, error) {
	o := &v1alpha1.LatencyObjective{}
	if err := yaml.UnmarshalStrict(document, o); err != nil {
		var form *json.UnmarshalTypeError
		if errors.As(err, &form) && form.Field != "" {
			err = fmt.Errorf("%s is a %s, which it must not be", form.Field, form.Value)
		}
		return nil, fmt.Errorf("reading a LatencyObjective: %w; expected is such as spec: {entry: {service: web, operation: GET /buy}, percentile: 99, "+
			"target: 400ms}", err)
	}
	if err := checkObjective(o); err != nil {
		return nil, fmt.Errorf("LatencyObjective %q: %w", o.Name, err)
	}
	return o, nil
}

// knownAlready says whether the list has the objective. Another one of the same name is an error.
func knownAlready(list []v1alpha1.LatencyObjective, o *v1alpha1.LatencyObjective) (bool, error) {
	for i := range list {
		switch {
		case list[i].Name != o.Name || list[i].Namespace != o.Namespace:
		case reflect.DeepEqual(list[i].Spec, o.Spec):
			return true, nil
		default:
			return false, fmt.Errorf("LatencyObjective %q is there twice with different specs, expected one: give one of them another name", o.Name)
		}
	}
	return false, nil
}

func checkObjective(o *v1alpha1.LatencyObjective) error {
	target := o.Spec.Target.Duration
	switch {
	case o.Kind != "LatencyObjective" || o.APIVersion != v1alpha1.SchemeGroupVersion.String():
		return fmt.Errorf("apiVersion is %q and kind %q, expected %s and LatencyObjective", o.APIVersion, o.Kind, v1alpha1.SchemeGroupVersion)
	case o.Name == "":
		return errors.New("metadata.name is empty, expected a name")
	case !(o.Spec.Percentile >= 50 && o.Spec.Percentile <= 99.99):
		return fmt.Errorf("spec.percentile is %v, expected 50 to 99.99", o.Spec.Percentile)
	case target < time.Millisecond || target > 10*time.Minute:
		return fmt.Errorf("spec.target is %v, expected 1ms to 10m, such as 200ms", target)
	}
	return nil
}
