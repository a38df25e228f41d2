package hollownode

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ballast-k8s/ballast/simulator/hollownode/endpoint"
)

// requestTimeout bounds what a reader of metrics may take.
const requestTimeout = 10 * time.Second

// Ports are the ports of the nodes' endpoints by node, once Ready is closed. They are also in the nodes' status
// (daemonEndpoints.kubeletEndpoint), where metrics-server finds them with --kubelet-use-node-status-port.
func (n *Nodes) Ports() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.ports)
}

// serve opens the nodes' endpoints and writes their ports into the nodes' status, as a kubelet does. They close when ctx ends.
func (n *Nodes) serve(ctx context.Context, group *sync.WaitGroup) error {
	config := n.cfg.TLS
	if config == nil {
		certificate, err := endpoint.SelfSigned(n.cfg.Host)
		if err != nil {
			return fmt.Errorf("making a certificate for the nodes' endpoints: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	for _, name := range n.names() {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(n.cfg.Host, "0"))
		if err != nil {
			return fmt.Errorf("opening the endpoint of node %q: %w", name, err)
		}
		server := &http.Server{
			Handler: n.Handler(name), ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
			ErrorLog: log.New(io.Discard, "", 0), // a client that does not trust the certificate is no news
		}
		group.Go(func() {
			_ = server.Serve(tls.NewListener(listener, config)) // ends with ErrServerClosed
		})
		group.Go(func() {
			<-ctx.Done()
			_ = server.Close()
		})
		port := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // of a listener on tcp
		if err := n.announce(ctx, name, port); err != nil {
			return err
		}
		n.mu.Lock()
		n.ports[name] = port
		n.mu.Unlock()
	}
	return nil
}

// announce writes a node's port into its status.
func (n *Nodes) announce(ctx context.Context, name string, port int) error {
	patch := fmt.Appendf(nil, `{"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":%d}}}}`, port)
	_, err := n.cfg.Client.CoreV1().Nodes().Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		return fmt.Errorf("writing the port of node %q into its status: %w", name, err)
	}
	return nil
}
