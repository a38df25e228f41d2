package addons

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/localcluster"
)

// The names of VPA's components are those of their programs, ServiceAccounts and logs.
const (
	recommender         = "vpa-recommender"
	updater             = "vpa-updater"
	admissionController = "vpa-admission-controller"
	// webhookConfiguration is what the admission controller registers.
	webhookConfiguration = "vpa-webhook-config"
)

// VPA is the running Vertical Pod Autoscaler.
type VPA struct {
	// Recommender is the stock one, named "default": VPA objects that name another recommender are not its business.
	Recommender *localcluster.Child
	// Updater and AdmissionController serve all VPA objects, whoever recommends.
	Updater, AdmissionController *localcluster.Child
}

// StartVPA installs VPA's types and roles and starts its three components, their periods divided by the speedup. It returns when the
// admission controller's webhook is registered and the updater works: after 21 s, because of upstream's waits. Until then the
// updater changes no pod; callers with other preparations run it beside them. If it fails, the components that were started run on until the
// cluster stops.
//
// Needs metrics-server, started before or after. The components run with upstream's defaults, but for periods and addresses: in-place
// updates within the disruption budget of half the replicas, of which there must be two.
func StartVPA(ctx context.Context, cluster *localcluster.Cluster, speedup float64) (*VPA, error) {
	if err := checkSpeedup(speedup); err != nil {
		return nil, fmt.Errorf("starting VPA: %w", err)
	}
	if err := install(ctx, cluster, "vpa", "crds.yaml", "rbac.yaml"); err != nil {
		return nil, err
	}
	vpa := &VPA{}
	var err error
	if vpa.Recommender, err = startComponent(ctx, cluster, recommender, nil, RecommenderFlags(speedup)...); err != nil {
		return nil, err
	}
	if vpa.Updater, err = startComponent(ctx, cluster, updater, nil, UpdaterFlags(speedup)...); err != nil {
		return nil, err
	}
	if vpa.AdmissionController, err = startAdmissionController(ctx, cluster, speedup); err != nil {
		return nil, err
	}
	return vpa, nil
}

// startComponent starts one of VPA's programs and returns when it is healthy and, if given, ready.
func startComponent(ctx context.Context, cluster *localcluster.Cluster, name string, ready func(context.Context) error, flags ...string) (*localcluster.Child, error) {
	kubeconfig, err := cluster.ServiceAccountKubeconfig(ctx, "kube-system", name)
	if err != nil {
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	healthy := localcluster.Healthz("http://" + address + "/health-check")
	return cluster.Run(ctx, localcluster.Process{
		Name: name, Path: filepath.Join(cluster.ToolDir(), name), Env: []string{"NAMESPACE=kube-system"},
		Args: append([]string{"--kubeconfig=" + kubeconfig, "--address=" + address, "--v=2"}, flags...),
		Ready: func(ctx context.Context) error {
			if err := healthy(ctx); err != nil || ready == nil {
				return err
			}
			return ready(ctx)
		},
	})
}

// startAdmissionController starts it and waits for its webhook and for its first sign of life, for which the updater waits, too.
func startAdmissionController(ctx context.Context, cluster *localcluster.Cluster, speedup float64) (*localcluster.Child, error) {
	client, err := kubernetes.NewForConfig(cluster.AdminConfig())
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	certFile, keyFile, err := cluster.ServingCertificate(admissionController, "127.0.0.1")
	if err != nil {
		return nil, err
	}
	number, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(number)
	ready := func(ctx context.Context) error {
		_, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, webhookConfiguration, metav1.GetOptions{})
		if err != nil {
			return err
		}
		_, err = client.CoordinationV1().Leases("kube-system").Get(ctx, admissionController, metav1.GetOptions{})
		return err
	}
	flags := append(
		clientFlags(speedup),
		"--register-by-url", "--webhook-address=https://127.0.0.1", "--webhook-port="+port, "--port="+port,
		"--client-ca-file="+cluster.AuthorityFile(), "--tls-cert-file="+certFile, "--tls-private-key="+keyFile,
	)
	return startComponent(ctx, cluster, admissionController, ready, flags...)
}
