package nodesuite

import (
	"fmt"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/test/component"
)

// Pod returns a pod of one container that runs the workload with these arguments.
func Pod(name, container string, resources v1.ResourceRequirements, args ...string) *v1.Pod {
	never, grace := false, int64(0)
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec: v1.PodSpec{
			DNSPolicy:                    v1.DNSDefault, // there are no names
			AutomountServiceAccountToken: &never, TerminationGracePeriodSeconds: &grace,
			Containers: []v1.Container{{Name: container, Image: WorkloadImage, ImagePullPolicy: v1.PullNever, Args: args, Resources: resources}},
		},
	}
}

// AwaitPod returns the one pod of the list when it runs.
func AwaitPod(t *testing.T, client kubernetes.Interface, soon time.Duration, namespace string, list metav1.ListOptions) (pod *v1.Pod) {
	t.Helper()
	component.Eventually(t, soon, func() string {
		got, err := client.CoreV1().Pods(namespace).List(t.Context(), list)
		if err != nil || len(got.Items) != 1 {
			return fmt.Sprintf("%d pods in %s with %+v, want 1: %v", len(got.Items), namespace, list, err)
		}
		if pod = &got.Items[0]; pod.Status.Phase != v1.PodRunning || pod.Status.PodIP == "" {
			return fmt.Sprintf("%s does not run: %+v", pod.Name, pod.Status)
		}
		return ""
	})
	return pod
}
