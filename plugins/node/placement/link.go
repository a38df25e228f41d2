package placement

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/containerd/nri/pkg/api"
	"github.com/containerd/nri/pkg/stub"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/plugins/node/placement/roster"
)

const (
	// pluginName and pluginIndex are how the runtime calls the agent. Plugins are asked by index: those before us have set their
	// limits when we are asked.
	pluginName, pluginIndex = "ballast", "90"
	// startTimeout bounds a connection's beginning: the runtime gives a plugin 5 s to register and 2 s to synchronize (NRI 0.11,
	// pkg/api/timeouts.go).
	startTimeout = 10 * time.Second
	// steady is after how long a connection counts as one that works.
	steady = time.Minute
)

// link is the connection to the runtime.
type link struct {
	// live is the connection whose handlers answer; generation counts connections.
	live       *plugin
	generation int
	connected  bool   // and synchronized
	problem    string // why not
	// runtime and version as the runtime says, and whether it places monitor groups (LinuxRdt).
	runtime, version string
	rdt              bool
	stub             stub.Stub
}

// connect keeps one connection, and never two, until the context ends.
func (p *Placer) connect(ctx context.Context) {
	var wait roster.Backoff
	for ctx.Err() == nil {
		began := p.options.Clock.Now()
		err := p.serve(ctx)
		if ctx.Err() != nil {
			return
		}
		now := p.options.Clock.Now()
		if now.Sub(began) > steady {
			wait = roster.Backoff{}
		}
		wait.Note(err, now)
		klog.FromContext(ctx).V(1).Info("No connection to the container runtime (NRI)", "socket", p.options.Socket, "why", err.Error(),
			"again", wait.Until().Sub(now))
		timer := p.options.Clock.NewTimer(wait.Until().Sub(now))
		select {
		case <-ctx.Done():
		case <-timer.C():
		}
		timer.Stop()
	}
}

// serve is one connection from its beginning to its end, which it returns the reason of.
func (p *Placer) serve(ctx context.Context) (err error) {
	synced, closed := make(chan struct{}), make(chan struct{})
	g := &plugin{placer: p, synced: sync.OnceFunc(func() { close(synced) })}
	p.mu.Lock()
	p.link.generation++
	p.link.live = g
	p.mu.Unlock()
	defer func() { p.disconnected(err) }()
	dialing, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(dialing, "unix", p.options.Socket)
	if err != nil {
		return fmt.Errorf("connect to the container runtime (NRI): %w", err)
	}
	s, err := stub.New(g, stub.WithPluginName(pluginName), stub.WithPluginIdx(pluginIndex), stub.WithConnection(conn),
		stub.WithLogger(logger{}), stub.WithOnClose(sync.OnceFunc(func() { close(closed) })))
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	started := make(chan error, 1)
	go func() { started <- s.Start(ctx) }() // it waits for the runtime to configure us, without bound: then only closing helps
	timer := p.options.Clock.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case err := <-started:
		if err != nil {
			return errors.Join(err, conn.Close())
		}
	case <-timer.C():
		return errors.Join(fmt.Errorf("the container runtime (NRI) has not configured the plugin after %v", startTimeout), conn.Close())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), conn.Close())
	}
	defer s.Stop()
	return p.hold(ctx, s, synced, closed, timer.C())
}

// disconnected takes that a connection has ended, or could not be made.
func (p *Placer) disconnected(why error) {
	p.mu.Lock()
	p.link.connected, p.link.stub, p.link.live = false, nil, nil
	p.link.problem = why.Error()
	p.roster.Gone()
	p.mu.Unlock()
	p.changed()
}

// hold waits for the end of a connection that has begun.
func (p *Placer) hold(ctx context.Context, s stub.Stub, synced, closed <-chan struct{}, late <-chan time.Time) error {
	select {
	case <-synced:
	case <-closed:
		return errors.New("the container runtime (NRI) closed the connection before it told what runs")
	case <-late:
		return fmt.Errorf("the container runtime (NRI) has not told what runs after %v", startTimeout)
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	p.link.stub = s
	runtime, version := p.link.runtime, p.link.version
	p.mu.Unlock()
	p.changed()
	klog.FromContext(ctx).Info("Connected to the container runtime (NRI)", "runtime", runtime, "version", version)
	select {
	case <-closed:
		return errors.New("the container runtime (NRI) closed the connection")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// most is how many limits are asked for at a time: the runtime writes them one after the other, a process started for each, and starts no
// container meanwhile.
const most = 8

// writeLimits asks the runtime for the limits that are due, or, with lift, for the kubelet's where ours are.
func (p *Placer) writeLimits(ctx context.Context, lift bool) {
	for range 3 { // what the kubelet changes meanwhile is due again
		p.mu.Lock()
		s := p.link.stub
		due := p.roster.Due(p.options.Clock.Now(), lift)
		p.mu.Unlock()
		if s == nil || len(due) == 0 {
			return
		}
		for len(due) > 0 && ctx.Err() == nil {
			n := min(most, len(due))
			p.write(ctx, s, due[:n])
			due = due[n:]
		}
	}
}

// write asks for some limits together and, if that fails, for each alone, because the runtime does not say which it was.
func (p *Placer) write(ctx context.Context, s stub.Stub, changes []roster.Change) {
	err := ask(ctx, s, changes)
	for _, c := range changes {
		one := err
		if err != nil && len(changes) > 1 {
			one = ask(ctx, s, []roster.Change{c})
		}
		if one != nil {
			klog.FromContext(ctx).Error(one, "The container runtime did not set a CPU limit", "container", c.ID, "cores", c.Limit.Cores())
		}
		p.mu.Lock()
		p.roster.Wrote(c, one, p.options.Clock.Now())
		p.mu.Unlock()
	}
}

// askTimeout bounds the wait for one answer: a limit takes some 30 ms on a machine with CPUs to spare.
const askTimeout = 30 * time.Second

// ask waits for the runtime's answer, at most until the context's end.
func ask(ctx context.Context, s stub.Stub, changes []roster.Change) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	updates := make([]*api.ContainerUpdate, len(changes))
	for i, c := range changes {
		updates[i] = updateOf(c, false)
	}
	answer := make(chan error, 1)
	go func() { // ends with the connection at the latest
		_, err := s.UpdateContainers(updates)
		answer <- err
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// logger passes on what the NRI library says.
type logger struct{}

func (logger) Debugf(ctx context.Context, format string, args ...any) { say(ctx, 5, format, args) }
func (logger) Infof(ctx context.Context, format string, args ...any)  { say(ctx, 4, format, args) }
func (logger) Warnf(ctx context.Context, format string, args ...any)  { say(ctx, 1, format, args) }
func (logger) Errorf(ctx context.Context, format string, args ...any) { say(ctx, 1, format, args) }

func say(ctx context.Context, level int, format string, args []any) {
	klog.FromContext(ctx).V(level).Info("NRI", "says", fmt.Sprintf(format, args...))
}
