package schedplugin

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
)

// Client returns a client for objects of which the scheduler has no informer. what names those that the plugin reads, such as "interference
// models", for the error where the scheduler has no configuration of a client.
func Client(h fwk.Handle, plugin, what string) (dynamic.Interface, error) {
	if h.KubeConfig() == nil {
		return nil, fmt.Errorf("plugin %s: the scheduler has no client configuration to read %s with", plugin, what)
	}
	client, err := dynamic.NewForConfig(h.KubeConfig())
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", what, err)
	}
	return client, nil
}

// PodHandlers follow the pods of the scheduler's own informer. see is told each pod as it is, and gone those that are deleted, also a pod
// that was deleted and made again by the same name while the watch was down. Both are required.
func PodHandlers(see, gone func(pod *v1.Pod)) cache.ResourceEventHandlerFuncs {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) {
			if pod, ok := obj.(*v1.Pod); ok {
				see(pod)
			}
		},
		UpdateFunc: func(old, obj any) {
			if pod, ok := obj.(*v1.Pod); ok {
				if was, ok := old.(*v1.Pod); ok && was.UID != pod.UID {
					gone(was)
				}
				see(pod)
			}
		},
		DeleteFunc: func(obj any) {
			if tombstone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = tombstone.Obj
			}
			if pod, ok := obj.(*v1.Pod); ok {
				gone(pod)
			}
		},
	}
}
