package localcluster

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
)

// Free ports are taken from [firstPort, lastPort]: below Linux's range for outgoing connections (from 32768), so that a port which
// was free a moment ago is not lost to somebody's HTTP client before our child listens on it.
const (
	firstPort = 20000
	lastPort  = 29999
)

// FreePort returns a port on 127.0.0.1 that nobody listens on. Until Stop neither this cluster nor another one on this machine, of
// this process or of any other, returns it again. A program that does not ask here can still take it before the caller does: fail
// with a clear message then.
func (c *Cluster) FreePort() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort+1) // no secret depends on it
		claim, err := claimPort(port)
		if err != nil {
			continue
		}
		if checkPort(port) == nil {
			c.claims = append(c.claims, claim)
			return port, nil
		}
		_ = claim.Close() // nobody ever connected
	}
	return 0, fmt.Errorf("finding a free port on 127.0.0.1: none of 1000 tries in [%d, %d] was free", firstPort, lastPort)
}

// claimPort makes a port the caller's among all clusters, until the claim is closed or the process ends: a name in the kernel's abstract
// namespace of sockets can be taken once, leaves no file, and belongs to the same network namespace as the port does.
func claimPort(port int) (io.Closer, error) {
	return net.Listen("unix", "@ballast-localcluster-port-"+strconv.Itoa(port))
}

// releasePorts gives back what FreePort handed out.
func (c *Cluster) releasePorts() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, claim := range c.claims {
		_ = claim.Close() // nobody ever connected
	}
	c.claims = nil
}

// checkPort returns an error that wraps ErrPortInUse if somebody listens on the port.
func checkPort(port int) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: %s: stop what listens there (`ss -ltnp` names it), choose another port, or 0 for a free one",
			ErrPortInUse, address)
	}
	if err != nil {
		return fmt.Errorf("testing whether %s is free: %w", address, err)
	}
	return listener.Close()
}
