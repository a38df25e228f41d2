package localcluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Addresses inside the simulated cluster. Nothing listens on them: there is no proxy and no pod network.
const (
	serviceRange = "10.96.0.0/16"
	serviceIP    = "10.96.0.1"
	podRange     = "10.0.0.1/12" // KWOK invents pod addresses from it
)

// etcd listens on Unix sockets, named relative to the cluster's folder, in which all components run: no port to lose, no other user
// of the machine can read or write the store, and no limit on the folder's path length. etcd insists on a port-like suffix.
const (
	etcdClients = "etcd.sock:1"
	etcdPeers   = "etcd.sock:2"
)

// isEssential reports whether the cluster is broken without the component.
func isEssential(name string) bool {
	switch name {
	case "etcd", "kube-apiserver", "kube-controller-manager", "kwok":
		return true
	}
	return false
}

// startEssential starts a component of the control plane and watches over it.
func (c *Cluster) startEssential(name string, args ...string) (*Child, error) {
	child, err := c.spawn(Process{Name: name, Path: filepath.Join(c.cfg.ToolDir, name), Args: args})
	if err != nil {
		return nil, err
	}
	c.guard(child)
	return child, nil
}

func (c *Cluster) startEtcd(ctx context.Context) error {
	child, err := c.startEssential(
		"etcd",
		"--name=ballast", "--data-dir=etcd", "--unsafe-no-fsync", // nothing here must survive a power cut
		"--listen-client-urls=unix://"+etcdClients, "--advertise-client-urls=unix://"+etcdClients,
		"--listen-peer-urls=unix://"+etcdPeers, "--initial-advertise-peer-urls=unix://"+etcdPeers,
		"--initial-cluster=ballast=unix://"+etcdPeers,
		"--log-level=warn",
	)
	if err != nil {
		return err
	}
	folder, err := os.Open(c.dir)
	if err != nil {
		return fmt.Errorf("opening the cluster's folder: %w", err)
	}
	defer folder.Close()
	// A socket's path is limited to 108 bytes, and temporary folders can be longer: go through the open folder.
	socket := fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), etcdClients)
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return c.await(ctx, child, "/health", readyTimeout, probe("http://etcd/health", &http.Transport{DialContext: dial}))
}

func (c *Cluster) startAPIServer(ctx context.Context) error {
	bind, advertise := "127.0.0.1", "127.0.0.1"
	if c.cfg.NodeAddress != "" {
		bind, advertise = "0.0.0.0", c.cfg.NodeAddress // it can listen on one address or on all
	}
	child, err := c.startEssential(
		"kube-apiserver",
		"--etcd-servers=unix://"+etcdClients,
		"--bind-address="+bind, "--advertise-address="+advertise, "--secure-port="+strconv.Itoa(c.cfg.APIServerPort),
		"--tls-cert-file=pki/apiserver.crt", "--tls-private-key-file=pki/apiserver.key", "--client-ca-file=pki/ca.crt",
		"--service-account-key-file=pki/sa.key", "--service-account-signing-key-file=pki/sa.key",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range="+serviceRange,
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--kubelet-client-certificate=pki/kubelet-client.crt", "--kubelet-client-key=pki/kubelet-client.key",
		"--kubelet-certificate-authority=pki/ca.crt", "--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file=pki/front-proxy-ca.crt", "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=pki/front-proxy.crt", "--proxy-client-key-file=pki/front-proxy.key",
		// The defaults (400 and 200) would queue a load test behind itself.
		"--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000",
		"--profiling=false",
	)
	if err != nil {
		return err
	}
	return c.await(ctx, child, "/readyz", readyTimeout, func(ctx context.Context) error {
		return c.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// startControllers starts the controller manager and KWOK together: neither needs the other to become ready.
func (c *Cluster) startControllers(ctx context.Context) error {
	manager, err := c.startManager()
	if err != nil {
		return err
	}
	kwok, healthz, err := c.startKWOK(ctx)
	if err != nil {
		return err
	}
	// The controller manager serves no port. What callers need from it first is the default ServiceAccount, without which no pod can be
	// created.
	err = c.await(ctx, manager, "the default ServiceAccount", readyTimeout, func(ctx context.Context) error {
		_, err := c.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	if err != nil {
		return err
	}
	return c.await(ctx, kwok, healthz, readyTimeout, Healthz(healthz))
}

func (c *Cluster) startManager() (*Child, error) {
	kubeconfig, err := c.UserKubeconfig("system:kube-controller-manager")
	if err != nil {
		return nil, err
	}
	return c.startEssential(
		"kube-controller-manager",
		"--kubeconfig="+kubeconfig, "--use-service-account-credentials=true",
		"--secure-port=0", "--leader-elect=false",
		"--service-account-private-key-file=pki/sa.key", "--root-ca-file=pki/ca.crt",
		"--cluster-signing-cert-file=pki/ca.crt", "--cluster-signing-key-file=pki/ca.key",
		"--kube-api-qps=300", "--kube-api-burst=600", // the default of 20 a second makes 81 nodes wait for their taints
		"--profiling=false",
	)
}
