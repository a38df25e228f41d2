package localcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// crdTimeout bounds the wait for a CustomResourceDefinition to be served; it takes a tenth of a second to two seconds.
const crdTimeout = 30 * time.Second

// fieldManager owns the fields that Apply sets.
const fieldManager = "ballast-localcluster"

// ApplyFiles applies manifest files in the given order. A folder is rendered as a kustomization, as `kubectl apply -k` does.
func (c *Cluster) ApplyFiles(ctx context.Context, paths ...string) error {
	for _, path := range paths {
		manifests, err := c.readManifests(ctx, path)
		if err != nil {
			return err
		}
		if err := c.Apply(ctx, path, manifests); err != nil {
			return err
		}
	}
	return nil
}

// readManifests reads a file, or renders a folder with kubectl's kustomize.
func (c *Cluster) readManifests(ctx context.Context, path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	if info.IsDir() {
		return c.Kubectl(ctx, "kustomize", path)
	}
	manifests, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading manifests: %w", err)
	}
	return manifests, nil
}

// Kubectl runs kubectl as the administrator in the caller's working directory and returns its standard output. kubectl's caches go
// to the cluster's folder.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(c.cfg.ToolDir, "kubectl"), args...)
	cmd.Env = append(c.environment(), "KUBECONFIG="+c.adminPath)
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("running kubectl %q: %w: %s", args, err, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("running kubectl %q: %w", args, err)
	}
	return out, nil
}

// Apply applies every object of a multi-document YAML or JSON text on the server side, as the administrator, taking over fields that others
// own. Namespaces and CustomResourceDefinitions go first, the rest in the order given; an object without a namespace goes to
// "default". It returns when all objects are stored and all CustomResourceDefinitions among them are served. The name says in
// errors where the text came from.
func (c *Cluster) Apply(ctx context.Context, name string, manifests []byte) error {
	docs, err := parseManifests(name, manifests)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if err := c.applyObject(ctx, doc.object); err != nil {
			return fmt.Errorf("applying %s: %w", doc, err)
		}
	}
	return nil
}

// applyObject applies one object, and waits until it is served if it is a CustomResourceDefinition.
func (c *Cluster) applyObject(ctx context.Context, object *unstructured.Unstructured) error {
	resource, err := c.resourceFor(object)
	if err != nil {
		return err
	}
	options := metav1.ApplyOptions{FieldManager: fieldManager, Force: true}
	if _, err := resource.Apply(ctx, object.GetName(), object, options); err != nil {
		return err
	}
	if isCRD(object) {
		return c.awaitCRD(ctx, resource, object)
	}
	return nil
}

// mapping finds a kind. The mapper remembers what the server knew at first: on a kind that is missing it has to ask again.
func (c *Cluster) mapping(gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if meta.IsNoMatchError(err) {
		c.mapper.Reset()
		mapping, err = c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	}
	return mapping, err
}

// resourceFor finds the address of the object's kind.
func (c *Cluster) resourceFor(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := object.GroupVersionKind()
	mapping, err := c.mapping(gvk)
	if err != nil {
		if meta.IsNoMatchError(err) {
			return nil, fmt.Errorf("the API server does not know this kind (is its CustomResourceDefinition applied?): %w", err)
		}
		return nil, fmt.Errorf("looking up kind %s: %w", gvk, err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return c.dynamic.Resource(mapping.Resource), nil
	}
	namespace := object.GetNamespace()
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return c.dynamic.Resource(mapping.Resource).Namespace(namespace), nil
}

// awaitCRD waits until the definition is established and its kinds are in the discovery documents: only then do clients find them.
func (c *Cluster) awaitCRD(ctx context.Context, resource dynamic.ResourceInterface, crd *unstructured.Unstructured) error {
	kinds := crdKinds(crd)
	return c.await(ctx, nil, "CustomResourceDefinition "+crd.GetName(), crdTimeout, func(ctx context.Context) error {
		live, err := resource.Get(ctx, crd.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		if err := checkEstablished(live); err != nil {
			return err
		}
		for _, gvk := range kinds {
			if _, err := c.mapping(gvk); err != nil {
				return err
			}
		}
		return nil
	})
}
