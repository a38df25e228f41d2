package localcluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// tokenSeconds is how long a ServiceAccount token is valid. A demonstration or a test ends long before.
const tokenSeconds = int64(24 * 60 * 60)

// UserKubeconfig issues a client certificate for a user who is in the given groups, and returns the path of a self-contained
// kubeconfig file with it. Use it for identities that Kubernetes itself binds to roles, for example system:kube-scheduler.
// A second call for the same user replaces the file.
func (c *Cluster) UserKubeconfig(user string, groups ...string) (string, error) {
	pair, err := c.ca.issue(user, groups)
	if err != nil {
		return "", err
	}
	return c.writeKubeconfig(user, pairAuth(pair))
}

// pairAuth is a kubeconfig's user with a client certificate.
func pairAuth(pair keyPair) *clientcmdapi.AuthInfo {
	return &clientcmdapi.AuthInfo{ClientCertificateData: pair.cert, ClientKeyData: pair.key}
}

// ServiceAccountKubeconfig asks the API server for a token of an existing ServiceAccount, valid for 24 hours, and returns the path of a
// self-contained kubeconfig file with it: the component that uses it has exactly the permissions of our manifests.
func (c *Cluster) ServiceAccountKubeconfig(ctx context.Context, namespace, name string) (string, error) {
	seconds := tokenSeconds
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := c.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("requesting a token of ServiceAccount %q in namespace %q (were its manifests applied?): %w", name, namespace, err)
	}
	return c.writeKubeconfig("sa:"+namespace+":"+name, &clientcmdapi.AuthInfo{Token: answer.Status.Token})
}

// ServingCertificate issues a certificate, of the authority that all kubeconfigs here trust, for a server with the given host names or
// addresses, of which there must be at least one, and returns the paths of the files, both PEM. The name is theirs, without an
// ending. A second call for the same name replaces them.
func (c *Cluster) ServingCertificate(name string, hosts ...string) (certFile, keyFile string, err error) {
	if len(hosts) == 0 {
		return "", "", fmt.Errorf("issuing the certificate of %q: it needs a host name or address", name)
	}
	pair, err := c.ca.issue(name, nil, hosts...)
	if err != nil {
		return "", "", err
	}
	name = "serving-" + name // not one of the control plane's own
	dir := filepath.Join(c.dir, "pki")
	if err := pair.write(dir, name); err != nil {
		return "", "", explainSpace(c.dir, err)
	}
	return filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"), nil
}

// AuthorityFile returns the path of the certificate, PEM, of the authority that signs ServingCertificate and the API server's own.
func (c *Cluster) AuthorityFile() string { return filepath.Join(c.dir, "pki", "ca.crt") }

// writeKubeconfig stores a kubeconfig with one context for the identity and returns its path.
func (c *Cluster) writeKubeconfig(identity string, auth *clientcmdapi.AuthInfo) (string, error) {
	path := filepath.Join(c.dir, strings.NewReplacer(":", "-", "/", "-").Replace(identity)+".kubeconfig")
	const name = "ballast-local"
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{name: {Server: c.server, CertificateAuthorityData: c.ca.certPEM()}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{identity: auth},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: identity}},
		CurrentContext: name,
	}, path)
	if err != nil {
		return "", explainSpace(c.dir, fmt.Errorf("writing the kubeconfig of %q: %w", identity, err))
	}
	return path, os.Chmod(path, 0o600)
}

// adminConfig returns the client configuration of the cluster's administrator, without a client-side rate limit: the default of five
// requests a second would dominate everything that is measured here.
func (c *Cluster) adminConfig(pair keyPair) *rest.Config {
	return &rest.Config{
		Host:            c.server,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.ca.certPEM(), CertData: pair.cert, KeyData: pair.key},
		QPS:             -1,
		UserAgent:       "ballast-localcluster",
	}
}
