package interference

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// clusterConfig loads the client configuration of a kubeconfig, of the default one if path is empty, or of the pod it runs in.
func clusterConfig(path string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("loading the cluster's configuration: %w; give --kubeconfig", err)
	}
	return config, nil
}

// publishModel creates or replaces the InterferenceModel object and says which.
func publishModel(ctx context.Context, config *rest.Config, name string, model *interference.Model, now time.Time) (string, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return "", fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	im, err := v1alpha1.NewInterferenceModel(name, model, metav1.NewTime(now))
	if err != nil {
		return "", err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(im)
	if err != nil {
		return "", fmt.Errorf("encoding InterferenceModel %q: %w", name, err)
	}
	models := client.Resource(v1alpha1.InterferenceModels)
	object := &unstructured.Unstructured{Object: content}
	stored, err := models.Create(ctx, object, metav1.CreateOptions{FieldManager: "ballast"})
	if err == nil {
		return "created", readable(stored)
	}
	if !apierrors.IsAlreadyExists(err) {
		return "", explainPublish(name, err)
	}
	current, err := models.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", explainPublish(name, err)
	}
	object.SetResourceVersion(current.GetResourceVersion())
	object.SetLabels(current.GetLabels())
	object.SetAnnotations(current.GetAnnotations())
	stored, err = models.Update(ctx, object, metav1.UpdateOptions{FieldManager: "ballast"})
	if err != nil {
		return "", explainPublish(name, err)
	}
	return "replaced", readable(stored)
}

// readable checks what the API server stored as a scheduler would: types of another version drop fields that they do not know.
func readable(stored *unstructured.Unstructured) error {
	var im v1alpha1.InterferenceModel
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(stored.Object, &im); err != nil {
		return fmt.Errorf("reading back InterferenceModel %q: %w", stored.GetName(), err)
	}
	if _, err := im.Spec.Model(); err != nil {
		return fmt.Errorf("InterferenceModel %q is stored, but a scheduler would refuse it: %w; are the cluster's types of this version? kubectl apply -f manifests/crd", stored.GetName(), err)
	}
	return nil
}

// explainPublish says what to do about the errors a user meets first.
func explainPublish(name string, err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("publishing InterferenceModel %q: %w; install Ballast's types first: kubectl apply -f manifests/crd", name, err)
	}
	return fmt.Errorf("publishing InterferenceModel %q: %w", name, err)
}
