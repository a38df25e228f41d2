// Package schema judges an object in a file as the API server would if it were created: by its type's definition (CRD), that is schema, list
// types and rules (CEL), with the server's own code and in its words. What passes here is not refused there, unless an admission policy does.
package schema

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// Kind judges objects of one kind and version.
type Kind struct {
	kind, apiVersion string
	namespaced       bool
	structure        *structuralschema.Structural
	validator        validation.SchemaValidator
	rules            *cel.Validator // nil: there are none
}

// New reads a definition, YAML of a CustomResourceDefinition with one version.
func New(definition []byte) (*Kind, error) {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(definition, &crd); err != nil {
		return nil, fmt.Errorf("reading a CustomResourceDefinition: %w", err)
	}
	if len(crd.Spec.Versions) != 1 || crd.Spec.Versions[0].Schema == nil {
		return nil, fmt.Errorf("CustomResourceDefinition %s: one version with a schema is expected", crd.Name)
	}
	version := crd.Spec.Versions[0]
	var properties apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &properties, nil); err != nil {
		return nil, fmt.Errorf("CustomResourceDefinition %s: %w", crd.Name, err)
	}
	structure, err := structuralschema.NewStructural(&properties)
	if err != nil {
		return nil, fmt.Errorf("CustomResourceDefinition %s: %w", crd.Name, err)
	}
	validator, _, err := validation.NewSchemaValidator(&properties)
	if err != nil {
		return nil, fmt.Errorf("CustomResourceDefinition %s: %w", crd.Name, err)
	}
	return &Kind{
		kind: crd.Spec.Names.Kind, apiVersion: crd.Spec.Group + "/" + version.Name, namespaced: crd.Spec.Scope == apiextensionsv1.NamespaceScoped,
		structure: structure, validator: validator, rules: cel.NewValidator(structure, true, celconfig.PerCallLimit),
	}, nil
}

// Read reads an object, YAML or JSON, with the defaults of its definition. A field that is not defined, or stands twice, is an error. The status
// is left out, as on creation, and unknown metadata too: both may be of a newer server. The error has every violation with the field's path.
func (k *Kind) Read(ctx context.Context, text []byte) (map[string]any, error) {
	var object map[string]any
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err == nil {
		err = json.Unmarshal(asJSON, &object)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; a %s object is expected", err, k.kind)
	}
	kind, _ := object["kind"].(string)
	apiVersion, _ := object["apiVersion"].(string)
	if kind != k.kind || apiVersion != k.apiVersion {
		return nil, fmt.Errorf("kind %q of %q, want %s of %s", kind, apiVersion, k.kind, k.apiVersion)
	}
	delete(object, "status")
	meta, err := k.known(object)
	if err != nil {
		return nil, err
	}
	defaulting.Default(object, k.structure)
	if err := k.judge(ctx, object, meta).ToAggregate(); err != nil {
		return nil, err
	}
	return object, nil
}

// known takes out of an object what its definition does not know: an error, but for metadata and for values that are null.
func (k *Kind) known(object map[string]any) (*metav1.ObjectMeta, error) {
	meta, _, err := objectmeta.GetObjectMeta(object, false)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if meta == nil {
		meta = new(metav1.ObjectMeta)
	}
	var unknown []error
	for _, path := range pruning.PruneWithOptions(object, k.structure, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		unknown = append(unknown, fmt.Errorf("unknown field %q", path))
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("%w; names are case-sensitive", utilerrors.NewAggregate(unknown))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, k.structure)
	if err := objectmeta.SetObjectMeta(object, meta); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return meta, nil
}

// judge is what the server's strategy for custom resources does on creation. As there, rules are not tried on an object of another shape.
func (k *Kind) judge(ctx context.Context, object map[string]any, meta *metav1.ObjectMeta) field.ErrorList {
	wrong := apivalidation.ValidateObjectMeta(meta, k.namespaced, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	wrong = append(wrong, validation.ValidateCustomResource(nil, object, k.validator)...)
	wrong = append(wrong, listtype.ValidateListSetsAndMaps(nil, k.structure, object)...)
	switch {
	case k.rules == nil:
		return wrong
	case slices.ContainsFunc(wrong, misshapen):
		return append(wrong, field.Invalid(nil, nil, "some validation rules were not checked because the object was invalid; "+
			"correct the existing errors to complete validation"))
	}
	broken, _ := k.rules.Validate(ctx, nil, k.structure, object, nil, celconfig.RuntimeCELCostBudget)
	return append(wrong, broken...)
}

// misshapen are the errors after which the server tries no rules.
func misshapen(e *field.Error) bool {
	switch e.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	}
	return false
}
