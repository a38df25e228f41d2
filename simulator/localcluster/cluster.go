package localcluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// Cluster is a running control plane. Its methods may be called from any goroutine.
type Cluster struct {
	cfg    Config
	stages string // path of KWOK's stages
	dir    string
	ca     *authority
	server string // https://127.0.0.1:port

	admin     *rest.Config
	adminPath string
	client    kubernetes.Interface
	dynamic   dynamic.Interface
	mapper    *restmapper.DeferredDiscoveryRESTMapper

	forker   *forker
	watchdog *watchdog
	stopOnce sync.Once
	stopErr  error
	done     chan struct{}

	mu         sync.Mutex
	detach     func() bool // undoes the link between Start's context and Stop
	stopping   bool
	err        error
	doneClosed bool
	children   map[string]*Child
	claims     []io.Closer     // of the ports handed out by FreePort
	pools      map[string]bool // prefixes of AddNodes
}

// Start makes the temporary folder, starts etcd, kube-apiserver, kube-controller-manager and KWOK, and returns when all are ready. If
// anything fails, or ctx ends before, nothing is left behind. Afterwards the cluster lives until Stop is called or ctx ends.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("starting a local cluster: %w", err)
	}
	stages, err := checkTools(cfg.ToolDir)
	if err != nil {
		return nil, fmt.Errorf("starting a local cluster: %w", err)
	}
	if err := checkSpace(cfg.TempDir, cfg.MinFreeBytes); err != nil {
		return nil, fmt.Errorf("starting a local cluster: %w", err)
	}
	c, err := newCluster(cfg, stages)
	if err != nil {
		return nil, fmt.Errorf("starting a local cluster: %w", explainSpace(cfg.TempDir, err))
	}
	if err := c.boot(ctx); err != nil {
		err = explainSpace(cfg.TempDir, err)
		if stopErr := c.Stop(); stopErr != nil {
			return nil, fmt.Errorf("starting a local cluster: %w (and %w)", err, stopErr)
		}
		return nil, fmt.Errorf("starting a local cluster: %w", err)
	}
	c.attach(ctx)
	return c, nil
}

// attach lets the end of ctx stop the cluster.
func (c *Cluster) attach(ctx context.Context) {
	c.mu.Lock() // Stop may run at once, and needs the field
	defer c.mu.Unlock()
	c.detach = context.AfterFunc(ctx, func() { _ = c.Stop() }) // whoever calls Stop gets its error too
}

// newCluster makes the folder and what guards it. From here on Stop cleans up.
func newCluster(cfg Config, stages string) (*Cluster, error) {
	c := &Cluster{
		cfg: cfg, stages: stages, detach: func() bool { return true }, done: make(chan struct{}),
		children: map[string]*Child{}, pools: map[string]bool{},
	}
	var err error
	if c.dir, err = os.MkdirTemp(cfg.TempDir, "ballast-cluster-"); err != nil {
		return nil, fmt.Errorf("making the cluster's folder: %w", err)
	}
	if c.watchdog, err = startWatchdog(c.dir); err != nil {
		_ = os.RemoveAll(c.dir) // empty
		return nil, err
	}
	c.forker = newForker()
	return c, nil
}

// boot brings the components up, one step after the other where one needs the other.
func (c *Cluster) boot(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	begin := time.Now()
	steps := []struct {
		name string
		run  func(context.Context) error
	}{
		{"certificates", c.prepare},
		{"etcd", c.startEtcd},
		{"kube-apiserver", c.startAPIServer},
		{"kube-controller-manager and KWOK", c.startControllers},
	}
	for i, step := range steps {
		c.progress(Event{Step: step.name, Done: i, Total: len(steps), Elapsed: time.Since(begin)})
		if err := step.run(ctx); err != nil {
			return err
		}
	}
	c.progress(Event{Step: "ready", Done: len(steps), Total: len(steps), Elapsed: time.Since(begin)})
	return nil
}

// prepare makes folders, certificates and the administrator's clients.
func (c *Cluster) prepare(context.Context) error {
	for _, name := range []string{"home", "logs", "pki", "tmp"} {
		if err := os.Mkdir(filepath.Join(c.dir, name), 0o700); err != nil {
			return fmt.Errorf("making the cluster's folders: %w", err)
		}
	}
	var err error
	if c.ca, err = newAuthority("ballast-local-ca"); err != nil {
		return err
	}
	var addresses []string
	if c.cfg.NodeAddress != "" {
		addresses = append(addresses, c.cfg.NodeAddress)
	}
	if err := writePKI(filepath.Join(c.dir, "pki"), c.ca, addresses...); err != nil {
		return err
	}
	if err := c.choosePort(); err != nil {
		return err
	}
	return c.connect()
}

// choosePort settles the API server's address.
func (c *Cluster) choosePort() error {
	port := c.cfg.APIServerPort
	if port == 0 {
		free, err := c.FreePort()
		if err != nil {
			return err
		}
		port = free
	} else if err := checkPort(port); err != nil {
		return fmt.Errorf("address of the API server: %w", err)
	}
	c.cfg.APIServerPort = port
	c.server = fmt.Sprintf("https://127.0.0.1:%d", port)
	return nil
}

// connect makes the administrator's kubeconfig and clients. Nothing is sent yet.
func (c *Cluster) connect() error {
	pair, err := c.ca.issue("ballast-local-admin", []string{"system:masters"})
	if err != nil {
		return err
	}
	c.admin = c.adminConfig(pair)
	if c.adminPath, err = c.writeKubeconfig("admin", pairAuth(pair)); err != nil {
		return err
	}
	if c.client, err = kubernetes.NewForConfig(protobuf(c.admin)); err != nil {
		return fmt.Errorf("making the administrator's client: %w", err)
	}
	if c.dynamic, err = dynamic.NewForConfig(c.admin); err != nil {
		return fmt.Errorf("making the administrator's dynamic client: %w", err)
	}
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.client.Discovery()))
	return nil
}

// protobuf returns a copy of the configuration that speaks the compact encoding, which all built-in types have.
func protobuf(config *rest.Config) *rest.Config {
	config = rest.CopyConfig(config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	return config
}

// progress reports an event if somebody listens.
func (c *Cluster) progress(event Event) {
	if c.cfg.Progress != nil {
		c.cfg.Progress(event)
	}
}

// AdminConfig returns a new client configuration with cluster-admin rights and no client-side rate limit.
func (c *Cluster) AdminConfig() *rest.Config { return rest.CopyConfig(c.admin) }

// AdminKubeconfig returns the path of a self-contained kubeconfig file with cluster-admin rights.
func (c *Cluster) AdminKubeconfig() string { return c.adminPath }

// Dir returns the cluster's folder. The logs are in its folder "logs", one file a component.
func (c *Cluster) Dir() string { return c.dir }

// ToolDir returns the folder of the binaries in use, where further ones (kube-scheduler, kubectl) may be found.
func (c *Cluster) ToolDir() string { return c.cfg.ToolDir }

// Server returns the API server's address, https://127.0.0.1:<port>.
func (c *Cluster) Server() string { return c.server }
