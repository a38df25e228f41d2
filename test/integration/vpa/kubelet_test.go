package vpa_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

const (
	// node is the one whose kubelet is simulated.
	node = "n-0"
	// cores and memory are what every container uses, from its start.
	cores, memory = 0.5, 100 << 20
)

// kubelet does for a node's pods what VPA and metrics-server need of a kubelet: it tells their usage, and applies resizes, both when
// it is asked for metrics.
type kubelet struct {
	client kubernetes.Interface

	mu    sync.Mutex
	token string // of the last one who asked
	err   error  // the first
}

// startKubelet serves until the test ends, and tells the API server where.
func startKubelet(t *testing.T, cluster *localcluster.Cluster, client kubernetes.Interface) *kubelet {
	t.Helper()
	certFile, keyFile, err := cluster.ServingCertificate("kubelet", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	port, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	k := &kubelet{client: client}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics/resource", k.serve)
	server := &http.Server{
		Addr: fmt.Sprintf("127.0.0.1:%d", port), Handler: mux, ReadHeaderTimeout: soon,
		ErrorLog: log.New(t.Output(), "kubelet: ", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServeTLS(certFile, keyFile) }()
	t.Cleanup(func() {
		_ = server.Close() // whoever is still connected must not keep the test
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the kubelet: %v", err)
		}
		k.mu.Lock() // a call may still be running
		defer k.mu.Unlock()
		if k.err != nil {
			t.Errorf("the kubelet: %v", k.err)
		}
	})
	patch := fmt.Appendf(nil, `{"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":%d}}}}`, port)
	if _, err := client.CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	return k
}

// asker returns the token that metrics-server showed, "" if it has not asked.
func (k *kubelet) asker() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.token
}

func (k *kubelet) serve(w http.ResponseWriter, r *http.Request) {
	text, err := k.round(r.Context())
	k.mu.Lock()
	defer k.mu.Unlock()
	k.token = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if err != nil {
		if k.err == nil && r.Context().Err() == nil {
			k.err = err
		}
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(text) // whoever has gone does not want it
}

// round applies resizes and returns the metrics, in the form of a kubelet.
func (k *kubelet) round(ctx context.Context) ([]byte, error) {
	pods, err := k.client.CoreV1().Pods(v1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		return nil, fmt.Errorf("listing pods: %w", err)
	}
	now := time.Now().Truncate(time.Millisecond) // as exact as the metrics tell it: else short windows would be wrong
	var text bytes.Buffer
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Status.Phase != v1.PodRunning || pod.DeletionTimestamp != nil {
			continue
		}
		if err := k.apply(ctx, pod); err != nil {
			return nil, err
		}
		start := pod.Status.StartTime.Time
		for _, c := range pod.Spec.Containers {
			labels := fmt.Sprintf("{container=%q,namespace=%q,pod=%q}", c.Name, pod.Namespace, pod.Name)
			used := cores * now.Sub(start).Seconds()
			fmt.Fprintf(&text, "container_start_time_seconds%s %d\n", labels, start.Unix())
			fmt.Fprintf(&text, "container_cpu_usage_seconds_total%s %f %d\n", labels, used, now.UnixMilli())
			fmt.Fprintf(&text, "container_memory_working_set_bytes%s %d %d\n", labels, memory, now.UnixMilli())
		}
	}
	return text.Bytes(), nil
}

// apply writes the resources that containers have, at once those that they should have. Without them the API server takes the node for
// one that cannot resize.
func (k *kubelet) apply(ctx context.Context, pod *v1.Pod) error {
	changed := false
	for i := range pod.Status.ContainerStatuses {
		want := pod.Spec.Containers[i].Resources
		if has := &pod.Status.ContainerStatuses[i].Resources; !apiequality.Semantic.DeepEqual(*has, &want) {
			*has, changed = &want, true
		}
	}
	if !changed {
		return nil
	}
	_, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) { // else next time
		return fmt.Errorf("writing the status of %s: %w", pod.Name, err)
	}
	return nil
}
