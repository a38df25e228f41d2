package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	genericapifilters "k8s.io/apiserver/pkg/endpoints/filters"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/server"
	genericfilters "k8s.io/apiserver/pkg/server/filters"
	serveroptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/clock"
)

// endpoint is where the agent answers over HTTPS.
type endpoint struct {
	address           net.IP
	port              int
	certFile, keyFile string
}

// shutdownTimeout bounds how long requests under way are waited for at the end.
const shutdownTimeout = 2 * time.Second

// serve answers at the endpoint until the context ends, in the way of kube-scheduler: /healthz for everybody, the rest for whom the API
// server lets.
func serve(ctx context.Context, e endpoint, kubeconfig string, handler http.Handler) (<-chan struct{}, error) {
	if e.port == 0 {
		done := make(chan struct{})
		close(done)
		return done, nil
	}
	serving := serveroptions.NewSecureServingOptions()
	serving.BindAddress, serving.BindPort = e.address, e.port
	serving.ServerCert.CertDirectory = "" // keeps a certificate of our own making in memory
	serving.ServerCert.CertKey.CertFile, serving.ServerCert.CertKey.KeyFile = e.certFile, e.keyFile
	if err := serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, err
	}
	var info *server.SecureServingInfo
	if err := serving.ApplyTo(&info); err != nil {
		return nil, err
	}
	handler, err := guarded(handler, info, kubeconfig)
	if err != nil {
		return nil, err
	}
	stopped, _, err := info.Serve(handler, shutdownTimeout, ctx.Done())
	if err != nil {
		return nil, fmt.Errorf("on %s: %w", info.Listener.Addr(), err)
	}
	return stopped, nil
}

// guarded asks the API server about callers.
func guarded(handler http.Handler, info *server.SecureServingInfo, kubeconfig string) (http.Handler, error) {
	authentication := serveroptions.NewDelegatingAuthenticationOptions()
	authentication.RemoteKubeConfigFile = kubeconfig
	authentication.TolerateInClusterLookupFailure = true // no metrics is better than no agent
	var who server.AuthenticationInfo
	if err := authentication.ApplyTo(&who, info, nil); err != nil {
		return nil, err
	}
	authorization := serveroptions.NewDelegatingAuthorizationOptions() // leaves /healthz open
	authorization.RemoteKubeConfigFile = kubeconfig
	var may server.AuthorizationInfo
	if err := authorization.ApplyTo(&may); err != nil {
		return nil, err
	}
	requests := &apirequest.RequestInfoFactory{}
	handler = genericapifilters.WithAuthorization(handler, may.Authorizer, scheme.Codecs)
	handler = genericapifilters.WithAuthentication(handler, who.Authenticator, genericapifilters.Unauthorized(scheme.Codecs), nil, nil)
	handler = genericapifilters.WithRequestInfo(handler, requests)
	handler = genericapifilters.WithCacheControl(handler)
	handler = genericfilters.WithHTTPLogging(handler)
	return genericfilters.WithPanicRecovery(handler, requests), nil
}

// liveness answers /healthz: 200 while rounds end, 500 after a silence of more than the timeout.
type liveness struct {
	clock   clock.PassiveClock
	timeout time.Duration

	mu   sync.Mutex
	last time.Time // zero before the first round
}

func (l *liveness) alive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = l.clock.Now()
}

// ServeHTTP implements http.Handler.
func (l *liveness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	if silence := l.clock.Since(last); !last.IsZero() && silence > l.timeout {
		http.Error(w, fmt.Sprintf("no round has ended for %s, expected one within %s", silence.Round(time.Second), l.timeout),
			http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprint(w, "ok") // a caller that is gone needs no answer
}
