package closedloop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/ballast-k8s/ballast/manifests"
	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/hotel"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/plant"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// loopback is where everything listens.
const loopback = "127.0.0.1"

// telemetryPeriod is how often spans and histograms are sent, in plant time.
const telemetryPeriod = 10 * time.Second

// recommender is ballast-recommender, running.
type recommender struct {
	*localcluster.Child

	// telemetry is the address of its receiver.
	telemetry string
}

// startRecommender runs ballast-recommender under its ServiceAccount, its periods divided by the speedup, and returns when it is healthy.
func startRecommender(ctx context.Context, cluster *localcluster.Cluster, binary string, speedup float64) (*recommender, error) {
	const name = "ballast-recommender"
	kubeconfig, err := cluster.ServiceAccountKubeconfig(ctx, "ballast-system", name)
	if err != nil {
		return nil, err
	}
	certFile, keyFile, err := cluster.ServingCertificate(name, loopback)
	if err != nil {
		return nil, err
	}
	ports := [2]int{}
	for i := range ports {
		if ports[i], err = cluster.FreePort(); err != nil {
			return nil, err
		}
	}
	config, err := recommenderConfig(cluster.Dir(), speedup, ports[1])
	if err != nil {
		return nil, err
	}
	child, err := cluster.Run(ctx, localcluster.Process{
		Name: name, Path: binary,
		Args: []string{
			"--config=" + config, "--kubeconfig=" + kubeconfig, "--bind-address=" + loopback, "--secure-port=" + strconv.Itoa(ports[0]),
			"--tls-cert-file=" + certFile, "--tls-private-key-file=" + keyFile,
		},
		Ready: localcluster.Healthz(fmt.Sprintf("https://%s:%d/healthz", loopback, ports[0])),
	})
	return &recommender{child, fmt.Sprintf("https://%s:%d", loopback, ports[1])}, err
}

// recommenderConfig writes the configuration: the manifest as it is shipped, but for the speedup, addresses and leader election.
func recommenderConfig(dir string, speedup float64, telemetryPort int) (string, error) {
	b, err := manifests.FS.ReadFile("recommender/config.yaml")
	if err != nil {
		return "", fmt.Errorf("reading built-in manifest: %w", err)
	}
	config := map[string]any{}
	if err := yaml.Unmarshal(b, &config); err != nil {
		return "", fmt.Errorf("reading built-in manifest recommender/config.yaml: %w", err)
	}
	config["speedup"] = speedup
	config["telemetry"] = map[string]any{"bindAddress": loopback, "port": telemetryPort}
	config["leaderElection"] = map[string]any{"leaderElect": false}
	if b, err = yaml.Marshal(config); err != nil {
		return "", fmt.Errorf("encoding the recommender's configuration: %w", err)
	}
	path := filepath.Join(dir, "ballast-recommender.yaml")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return "", fmt.Errorf("writing the recommender's configuration: %w", err)
	}
	return path, nil
}

// hollow makes the arm's nodes. They know nothing of recommenders; telemetry goes to one that is there.
func (l *Loop) hollow(ctx context.Context, a arm, truth plant.Truth, to *recommender) (*hollownode.Nodes, error) {
	var machines []park.MachineSpec
	for i, m := range hotel.Machines() {
		machines = append(machines, park.MachineSpec{Name: a.nodeNames()[i], Cores: m.Cores})
	}
	kubelet, err := l.user(ctx, a.namespace+"-kubelet", hollownode.RBAC, a.namespace)
	if err != nil {
		return nil, err
	}
	certificate, err := l.certificate("kubelet", loopback)
	if err != nil {
		return nil, err
	}
	cfg := hollownode.Config{
		Client: kubelet, Namespaces: []string{a.namespace}, Speedup: l.cfg.Speedup, Host: loopback, TLS: certificate,
		Plant: queueing.Config{
			Application: hotel.Application(), Machines: machines, Loads: hotel.Loads(l.cfg.Load.rates()), Interference: truth,
			Seed: l.cfg.Seed, SpanRate: spanRate,
		},
	}
	if to != nil {
		if cfg.OTLP, err = l.otlp(ctx, a, to); err != nil {
			return nil, err
		}
	}
	return hollownode.New(cfg)
}

// user makes a user with roles and returns a client that is it.
func (l *Loop) user(
	ctx context.Context, name string, roles func(user string, namespaces ...string) []byte, namespaces ...string,
) (*kubernetes.Clientset, error) {
	if err := l.cluster.Apply(ctx, "the roles of "+name, roles(name, namespaces...)); err != nil {
		return nil, err
	}
	path, err := l.cluster.UserKubeconfig(name)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig of %s: %w", name, err)
	}
	config.QPS = -1 // the plant's clock does not wait for a client's throttle
	return kubernetes.NewForConfig(config)
}

// certificate is one of the cluster's authority.
func (l *Loop) certificate(name, host string) (*tls.Config, error) {
	certFile, keyFile, err := l.cluster.ServingCertificate(name, host)
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of %s: %w", name, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// otlp is the way to the recommender's receiver: with the token of a ServiceAccount that may, trusting the cluster's authority.
func (l *Loop) otlp(ctx context.Context, a arm, to *recommender) (*hollownode.OTLP, error) {
	objects, err := documents(a.sender()...)
	if err != nil {
		return nil, err
	}
	if err := l.cluster.Apply(ctx, "the sender of telemetry", objects); err != nil {
		return nil, err
	}
	seconds := int64(time.Hour / time.Second) // much more than a run
	answer, err := l.client.CoreV1().ServiceAccounts(a.namespace).CreateToken(ctx, telemetryKey,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("requesting a token for sending telemetry: %w", err)
	}
	authority, err := os.ReadFile(l.cluster.AuthorityFile())
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, errors.New("reading the authority's certificate: it holds none")
	}
	return &hollownode.OTLP{
		Endpoint: to.telemetry, Token: answer.Status.Token, TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		Period: time.Duration(float64(telemetryPeriod) / l.cfg.Speedup),
	}, nil
}

// vpaVersion reads from VPA's recommender which version it is.
func vpaVersion(toolDir string) (string, error) {
	info, err := buildinfo.ReadFile(filepath.Join(toolDir, "vpa-recommender"))
	if err != nil {
		return "", fmt.Errorf("reading VPA's version: %w", err)
	}
	return info.Main.Version, nil
}
