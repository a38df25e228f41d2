// Package nomination writes to the API server which node a pod is to go to.
package nomination

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// writePatience bounds one request.
const writePatience = 5 * time.Second

// Write nominates a node for a pod. The UID makes it fail for a pod that was made again under the same name.
func Write(ctx context.Context, client kubernetes.Interface, pod *v1.Pod, node string) error {
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID}, "status": map[string]any{"nominatedNodeName": node},
	})
	if err != nil {
		return fmt.Errorf("encoding a nomination: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	_, err = client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("nominating node %s for pod %s: %w", node, cache.MetaObjectToName(pod), err)
	}
	return nil
}
