// Package v1alpha1 holds the types of Ballast's API group ballast.dev: what users write and what Ballast's components tell each
// other through the API server. It contains no behaviour beyond conversion to and from the predictor's own types.
//
// +kubebuilder:object:generate=true
// +groupName=ballast.dev
package v1alpha1
