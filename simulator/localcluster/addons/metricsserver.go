package addons

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

const (
	metricsServer = "metrics-server"
	// metricsAPI is served once the API server has reached metrics-server and believed its certificate.
	metricsAPI = "/apis/metrics.k8s.io/v1beta1"
	// metricsHost is the name that the API server expects in the certificate: that of the Service below.
	metricsHost = "metrics-server.kube-system.svc"
)

// metricsManifests make metrics-server a part of the API. There is no cluster network, and addresses of endpoints must not be
// loopback; but the API server dials the external name of a Service, which may be written as a number and needs no resolver then.
// The placeholders are the port, twice, and the certificate of the authority that signs metrics-server's own.
const metricsManifests = `
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec: {type: ExternalName, externalName: 127.0.0.1}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  service: {name: metrics-server, namespace: kube-system, port: %d}
  caBundle: %s
`

// StartMetricsServer starts metrics-server, with its resolution divided by the speedup, and returns when the API server serves
// metrics.k8s.io: after one to two seconds. It reads every node at the address and port of its status, and believes kubelets with a certificate
// of the cluster's authority for 127.0.0.1 (see Cluster.ServingCertificate), to whom it shows
// its ServiceAccount's token. The usage of a pod is there after its kubelet was read twice.
func StartMetricsServer(ctx context.Context, cluster *localcluster.Cluster, speedup float64) (*localcluster.Child, error) {
	if err := checkSpeedup(speedup); err != nil {
		return nil, fmt.Errorf("starting metrics-server: %w", err)
	}
	if err := install(ctx, cluster, metricsServer, "rbac.yaml"); err != nil {
		return nil, err
	}
	args, port, err := metricsServerFlags(ctx, cluster, speedup)
	if err != nil {
		return nil, err
	}
	ready, err := metricsReady(cluster, port)
	if err != nil {
		return nil, err
	}
	return cluster.Run(ctx, localcluster.Process{
		Name: metricsServer, Path: filepath.Join(cluster.ToolDir(), metricsServer), Args: args, Ready: ready,
	})
}

// metricsServerFlags returns the arguments of metrics-server and the port it will listen on.
func metricsServerFlags(ctx context.Context, cluster *localcluster.Cluster, speedup float64) (args []string, port int, err error) {
	kubeconfig, err := cluster.ServiceAccountKubeconfig(ctx, "kube-system", metricsServer)
	if err != nil {
		return nil, 0, err
	}
	certFile, keyFile, err := cluster.ServingCertificate(metricsServer, metricsHost)
	if err != nil {
		return nil, 0, err
	}
	if port, err = cluster.FreePort(); err != nil {
		return nil, 0, err
	}
	resolution := Resolution(speedup)
	return []string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		"--tls-cert-file=" + certFile, "--tls-private-key-file=" + keyFile,
		"--metric-resolution=" + resolution.String(),
		"--kubelet-request-timeout=" + (resolution * 9 / 10).String(), // the longest that it allows: a busy machine is no broken node
		"--kubelet-use-node-status-port",
		"--kubelet-preferred-address-types=InternalIP", // the host names of simulated nodes have no address
	}, port, nil
}

// metricsReady returns a probe that waits for metrics-server, then makes it a part of the API, once, and waits until the API server has noticed.
// In the other order the API server would find nobody at first, and take its time to try again.
func metricsReady(cluster *localcluster.Cluster, port int) (func(context.Context) error, error) {
	client, err := kubernetes.NewForConfig(cluster.AdminConfig())
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	authority, err := os.ReadFile(cluster.AuthorityFile())
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	manifests := fmt.Appendf(nil, metricsManifests, port, base64.StdEncoding.EncodeToString(authority))
	alive := localcluster.Healthz(fmt.Sprintf("https://127.0.0.1:%d/livez", port))
	registered := false
	return func(ctx context.Context) error {
		if !registered {
			if err := alive(ctx); err != nil {
				return err
			}
			if err := cluster.Apply(ctx, "the metrics API", manifests); err != nil {
				return err
			}
			registered = true
		}
		return client.Discovery().RESTClient().Get().AbsPath(metricsAPI).Do(ctx).Error()
	}, nil
}

// install applies manifests that the tool builder put beside the programs.
func install(ctx context.Context, cluster *localcluster.Cluster, tool string, names ...string) error {
	files, err := shared(cluster.ToolDir(), tool, names...)
	if err != nil {
		return err
	}
	return cluster.ApplyFiles(ctx, files...)
}

// shared returns the paths of a tool's shared files, which must be there.
func shared(toolDir, tool string, names ...string) ([]string, error) {
	var files []string
	for _, name := range names {
		file := filepath.Join(toolDir, "../share", tool, name)
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("%w: manifests of %s not found at %s: run `make tools`", localcluster.ErrToolMissing, tool, file)
		}
		files = append(files, file)
	}
	return files, nil
}
