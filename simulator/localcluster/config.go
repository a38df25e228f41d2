package localcluster

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// DefaultMinFreeBytes is the free space that Start asks for in the temporary folder. Measured: an idle cluster takes 123 MB, of which
// etcd reserves two write-ahead log files of 64 MB; after 8,000 pods on 81 nodes it is 191 MB. The rest is for logs and for others.
const DefaultMinFreeBytes = 512 << 20

var (
	// ErrToolMissing means that a program the cluster consists of is not where it should be.
	ErrToolMissing = errors.New("tool missing")
	// ErrPortInUse means that another process listens on a port that was asked for.
	ErrPortInUse = errors.New("port in use")
	// ErrNoSpace means that the temporary folder's file system is full, or nearly so.
	ErrNoSpace = errors.New("no space in the temporary folder")
)

// Config says where a cluster lives. The zero value is usable: tools found by FindTools, system temporary folder, free ports.
type Config struct {
	// ToolDir is the folder with etcd, kube-apiserver, kube-controller-manager, kubectl and kwok; KWOK's stages are expected in
	// ../share/kwok/stages.yaml beside it. Empty: the folder that FindTools names.
	ToolDir string
	// TempDir is the existing folder in which the cluster makes its own. Empty: os.TempDir().
	TempDir string
	// APIServerPort is the port of kube-apiserver on 127.0.0.1, in [0, 65535]. 0 takes a free one.
	APIServerPort int
	// NodeAddress is an IPv4 address of this machine, beside loopback, at which nodes that are not processes of this network reach the API
	// server; see package realnodes. kube-apiserver listens on all addresses then, which is for networks without a way in from
	// outside, such as a sandbox's. Empty: it listens on loopback alone.
	NodeAddress string
	// MinFreeBytes is the free space in TempDir below which Start refuses. 0 means DefaultMinFreeBytes.
	MinFreeBytes uint64
	// Progress, if set, is called from the goroutine that runs Start or AddNodes, at the beginning of each step and while nodes become
	// ready. It must return quickly.
	Progress func(Event)
}

// Event is one line of progress.
type Event struct {
	// Step says what is being waited for, for example "kube-apiserver".
	Step string
	// Done and Total count the step's parts. For starting, the parts are the components; for AddNodes, the nodes that are ready.
	Done, Total int
	// Elapsed is the time since the call (Start or AddNodes) began.
	Elapsed time.Duration
}

// withDefaults returns the configuration with its empty fields filled, or says which field is wrong.
func (cfg Config) withDefaults() (Config, error) {
	if cfg.APIServerPort < 0 || cfg.APIServerPort > 65535 {
		return cfg, fmt.Errorf("port of the API server: %d is not in [0, 65535]", cfg.APIServerPort)
	}
	if cfg.NodeAddress != "" && net.ParseIP(cfg.NodeAddress).To4() == nil {
		return cfg, fmt.Errorf("address for nodes: %q is not an IPv4 address", cfg.NodeAddress)
	}
	if cfg.MinFreeBytes == 0 {
		cfg.MinFreeBytes = DefaultMinFreeBytes
	}
	if cfg.TempDir == "" {
		cfg.TempDir = os.TempDir()
	}
	if cfg.ToolDir == "" {
		dir, err := FindTools()
		if err != nil {
			return cfg, err
		}
		cfg.ToolDir = dir
	}
	var err error
	// Children run in the cluster's folder: relative paths would mean something else to them.
	if cfg.ToolDir, err = filepath.Abs(cfg.ToolDir); err != nil {
		return cfg, fmt.Errorf("resolving the folder of the tools: %w", err)
	}
	if cfg.TempDir, err = filepath.Abs(cfg.TempDir); err != nil {
		return cfg, fmt.Errorf("resolving the temporary folder: %w", err)
	}
	return cfg, nil
}
