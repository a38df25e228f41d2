package localcluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// killDelay is how long a component may take to end after SIGTERM. kube-apiserver takes over ten seconds while watches are
	// open and has nothing to save, so it is not waited for.
	killDelay = 1500 * time.Millisecond
	// readyTimeout bounds the wait for a component that does not say otherwise: thirty times what the slowest needs on a busy machine.
	readyTimeout = 3 * time.Minute
)

// Process describes a component that runs beside the control plane, for example a scheduler.
type Process struct {
	// Name identifies the component in messages and names its log file. At most one process of a name runs at a time.
	Name string
	// Path is the program; Args are its arguments, without the program's name.
	Path string
	Args []string
	// Env is added to a minimal environment (PATH, and HOME and TMPDIR inside the cluster's folder), in the form NAME=value.
	Env []string
	// Ready, if set, is polled until it returns nil; Run returns only then. Each call's context ends after two seconds.
	Ready func(ctx context.Context) error
	// ReadyTimeout bounds that wait. 0 means one minute.
	ReadyTimeout time.Duration
}

// Child is a running component. Its methods may be called from any goroutine.
type Child struct {
	name    string
	logPath string
	cmd     *exec.Cmd
	done    chan struct{}

	mu       sync.Mutex
	stopping bool
	err      error
}

// Name returns the name it was started under.
func (p *Child) Name() string { return p.name }

// PID returns the process id, which is also its process group's.
func (p *Child) PID() int { return p.cmd.Process.Pid }

// LogPath returns the file with its standard output and standard error.
func (p *Child) LogPath() string { return p.logPath }

// Done is closed when the process has ended, for whatever reason.
func (p *Child) Done() <-chan struct{} { return p.done }

// Err returns nil while the process runs and after Stop. If it ended by itself, with whatever exit code, the error says how, with the last
// lines of its log.
func (p *Child) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Stop ends the process and whatever it started: SIGTERM to its process group, SIGKILL after 1.5 seconds. It returns when they are
// gone, and may be called again.
func (p *Child) Stop() {
	p.mu.Lock()
	p.stopping = true
	p.mu.Unlock()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return
	case <-time.After(killDelay):
	}
	p.signal(syscall.SIGKILL)
	<-p.done
}

// signal sends to the whole process group. Once the process is reaped its id may belong to somebody else, so nothing is sent then.
func (p *Child) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, sig) // fails only if the group is already gone
	}
}

// supervise waits for the end of the process, kills what it left behind in its group and records how it ended.
func (p *Child) supervise() {
	// WNOWAIT leaves the dead process in the table, so that its group's number cannot be reused before the group is killed.
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	err := p.cmd.Wait()
	if !p.stopping {
		how := "exit status 0"
		if err != nil {
			how = err.Error()
		}
		p.err = fmt.Errorf("%s ended unexpectedly: %s%s", p.name, how, logTail(p.logPath))
	}
	close(p.done)
}

// Run starts a further component under the cluster's care: its output goes to the cluster's log folder, and it ends with the cluster.
// With Ready set, Run returns when it is ready; if it ends or is not ready in time, Run stops it and the error carries the last lines of
// its log. Should it end later, the cluster stays up: watch Child.Done.
func (c *Cluster) Run(ctx context.Context, process Process) (*Child, error) {
	child, err := c.spawn(process)
	if err != nil {
		return nil, explainSpace(c.dir, err)
	}
	if process.Ready == nil {
		return child, nil
	}
	timeout := process.ReadyTimeout
	if timeout == 0 {
		timeout = readyTimeout
	}
	if err := c.await(ctx, child, "readiness", timeout, process.Ready); err != nil {
		child.Stop()
		return nil, explainSpace(c.dir, err)
	}
	return child, nil
}

// spawn starts the process and its supervision.
func (c *Cluster) spawn(process Process) (*Child, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return nil, fmt.Errorf("starting %s: the cluster is stopped", process.Name)
	}
	if old := c.children[process.Name]; old != nil && !isClosed(old.done) {
		return nil, fmt.Errorf("starting %s: a process of this name is running already", process.Name)
	}
	logPath := filepath.Join(c.dir, "logs", process.Name+".log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", process.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(process.Path, process.Args...)
	cmd.Dir = c.dir
	cmd.Env = append(c.environment(), process.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := c.forker.start(cmd); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: starting %s: %w", ErrToolMissing, process.Name, err)
		}
		return nil, fmt.Errorf("starting %s: %w", process.Name, err)
	}
	child := &Child{name: process.Name, logPath: logPath, cmd: cmd, done: make(chan struct{})}
	c.children[process.Name] = child
	go child.supervise()
	return child, nil
}

// environment is what every child gets: no proxy, no kubeconfig, no notification socket of ours; caches inside our folder. The last entry
// is how the watchdog recognises the cluster's processes.
func (c *Cluster) environment() []string {
	env := []string{"HOME=" + filepath.Join(c.dir, "home"), "TMPDIR=" + filepath.Join(c.dir, "tmp"), clusterEnv(c.dir)}
	for _, name := range []string{"PATH", "LANG", "TZ", "GODEBUG", "GORACE", "GOMAXPROCS", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
