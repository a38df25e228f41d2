package localcluster

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// certLifetime is how long certificates are valid: longer than anybody leaves a local cluster running.
const certLifetime = 365 * 24 * time.Hour

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// keyPair is a certificate with its key, both PEM.
type keyPair struct {
	cert, key []byte
}

// newAuthority makes a certificate authority with a new key.
func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating the key of authority %q: %w", name, err)
	}
	certificate, err := cert.NewSelfSignedCACert(cert.Config{CommonName: name}, key)
	if err != nil {
		return nil, fmt.Errorf("signing authority %q: %w", name, err)
	}
	return &authority{cert: certificate, key: key}, nil
}

// certPEM returns the authority's own certificate.
func (a *authority) certPEM() []byte {
	pem, _ := cert.EncodeCertificates(a.cert) // fails only for a writer that fails, and it writes to memory
	return pem
}

// issue signs a certificate with a new key: for a server if there are host names or addresses, else for a client. A server's would
// otherwise also be a user of the API server.
func (a *authority) issue(name string, groups []string, hosts ...string) (keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, fmt.Errorf("generating the key of %q: %w", name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return keyPair{}, fmt.Errorf("choosing the serial number of %q: %w", name, err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: groups},
		NotBefore:    now.Add(-time.Minute), // processes may see slightly different clocks
		NotAfter:     now.Add(certLifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if len(hosts) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return keyPair{}, fmt.Errorf("signing the certificate of %q: %w", name, err)
	}
	return encodePair(name, der, key)
}

// encodePair turns a signed certificate and its key into PEM.
func encodePair(name string, der []byte, key crypto.Signer) (keyPair, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return keyPair{}, fmt.Errorf("reading back the certificate of %q: %w", name, err)
	}
	certPEM, err := cert.EncodeCertificates(certificate)
	if err != nil {
		return keyPair{}, fmt.Errorf("encoding the certificate of %q: %w", name, err)
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return keyPair{}, fmt.Errorf("encoding the key of %q: %w", name, err)
	}
	return keyPair{cert: certPEM, key: keyPEM}, nil
}

// write stores the pair as <dir>/<name>.crt and <dir>/<name>.key.
func (p keyPair) write(dir, name string) error {
	if err := os.WriteFile(filepath.Join(dir, name+".crt"), p.cert, 0o600); err != nil {
		return fmt.Errorf("writing a certificate: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".key"), p.key, 0o600); err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	return nil
}

// writePKI writes the files that kube-apiserver and kube-controller-manager take as flags into dir: ca, apiserver, front-proxy (with
// an authority of its own: whoever holds a client certificate of the main one must not pass as the proxy) and sa, the key
// that signs ServiceAccount tokens, and kubelet-client, with which the API server asks kubelets for logs. The addresses are the API server's
// beside the usual ones.
func writePKI(dir string, ca *authority, addresses ...string) error {
	proxyCA, err := newAuthority("ballast-front-proxy-ca")
	if err != nil {
		return err
	}
	caPair, err := encodePair("ca", ca.cert.Raw, ca.key)
	if err != nil {
		return err
	}
	hosts := append([]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "127.0.0.1", serviceIP}, addresses...)
	server, err := ca.issue("kube-apiserver", nil, hosts...)
	if err != nil {
		return err
	}
	kubelets, err := ca.issue("kube-apiserver-kubelet-client", []string{"system:masters"}) // as kubeadm does
	if err != nil {
		return err
	}
	proxy, err := proxyCA.issue("front-proxy-client", nil)
	if err != nil {
		return err
	}
	tokens, err := ca.issue("service-account-tokens", nil)
	if err != nil {
		return err
	}
	proxyCAPair := keyPair{cert: proxyCA.certPEM()}
	for name, pair := range map[string]keyPair{
		"ca": caPair, "apiserver": server, "front-proxy": proxy, "front-proxy-ca": proxyCAPair, "sa": tokens,
		"kubelet-client": kubelets,
	} {
		if err := pair.write(dir, name); err != nil {
			return err
		}
	}
	return nil
}
