// Package serving answers over HTTPS, to those whom the API server lets, and about the health of the process. All of Ballast's own processes
// do it this way, which is kube-scheduler's.
package serving

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	genericapifilters "k8s.io/apiserver/pkg/endpoints/filters"
	apirequest "k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/server"
	genericfilters "k8s.io/apiserver/pkg/server/filters"
	serveroptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/client-go/kubernetes/scheme"
)

// Endpoint is where a process answers over HTTPS.
type Endpoint struct {
	// Address and Port are listened on; port 0 means not at all.
	Address net.IP
	Port    int
	// CertFile and KeyFile are the certificate to show, in PEM. Without them the process makes one that it signs itself.
	CertFile, KeyFile string
}

// shutdownTimeout bounds how long requests under way are waited for at the end.
const shutdownTimeout = 2 * time.Second

// Serve answers at the endpoint until the context ends. The API server, which the kubeconfig names, says who may ask for what: a path is
// a non-resource URL, and the method in small letters the verb.
func Serve(ctx context.Context, e Endpoint, kubeconfig string, handler http.Handler) (stopped <-chan struct{}, err error) {
	info, handler, err := secure(e, kubeconfig, handler)
	if err != nil {
		return nil, err
	}
	if info == nil {
		done := make(chan struct{})
		close(done)
		return done, nil
	}
	stopped, _, err = info.Serve(handler, shutdownTimeout, ctx.Done())
	if err != nil {
		return nil, fmt.Errorf("on %s: %w", info.Listener.Addr(), err)
	}
	return stopped, nil
}

// secure listens and puts TLS, authentication and authorisation around the handler, in the way of kube-scheduler. It returns
// nothing for port 0.
func secure(e Endpoint, kubeconfig string, handler http.Handler) (*server.SecureServingInfo, http.Handler, error) {
	if e.Port == 0 {
		return nil, nil, nil
	}
	serving := serveroptions.NewSecureServingOptions()
	serving.BindAddress, serving.BindPort = e.Address, e.Port
	serving.ServerCert.CertDirectory = "" // keeps a certificate of our own making in memory
	serving.ServerCert.CertKey.CertFile, serving.ServerCert.CertKey.KeyFile = e.CertFile, e.KeyFile
	if err := serving.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, nil, err
	}
	var info *server.SecureServingInfo
	if err := serving.ApplyTo(&info); err != nil {
		return nil, nil, err
	}
	authentication := serveroptions.NewDelegatingAuthenticationOptions()
	authentication.RemoteKubeConfigFile = kubeconfig
	authentication.TolerateInClusterLookupFailure = true // no metrics is better than no work
	var who server.AuthenticationInfo
	if err := authentication.ApplyTo(&who, info, nil); err != nil {
		return nil, nil, err
	}
	authorization := serveroptions.NewDelegatingAuthorizationOptions() // leaves /healthz open
	authorization.RemoteKubeConfigFile = kubeconfig
	var may server.AuthorizationInfo
	if err := authorization.ApplyTo(&may); err != nil {
		return nil, nil, err
	}
	requests := &apirequest.RequestInfoFactory{}
	handler = genericapifilters.WithAuthorization(handler, may.Authorizer, scheme.Codecs)
	handler = genericapifilters.WithAuthentication(handler, who.Authenticator, genericapifilters.Unauthorized(scheme.Codecs), nil, nil)
	handler = genericapifilters.WithRequestInfo(handler, requests)
	handler = genericapifilters.WithCacheControl(handler)
	handler = genericfilters.WithHTTPLogging(handler)
	handler = genericfilters.WithPanicRecovery(handler, requests)
	return info, handler, nil
}
