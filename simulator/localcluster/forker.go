package localcluster

import (
	"errors"
	"os/exec"
	"runtime"
)

// forker starts processes from one operating-system thread that lives until close. The parent-death signal that protects us from
// orphans fires when the *thread* that forked a child ends, not its process, and Go ends threads as it likes unless a goroutine
// is locked to one.
type forker struct {
	requests chan forkRequest
	closed   chan struct{}
}

type forkRequest struct {
	cmd    *exec.Cmd
	result chan error
}

// newForker starts the goroutine that owns the thread. It ends when close is called, after all children are gone.
func newForker() *forker {
	f := &forker{requests: make(chan forkRequest), closed: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread must not serve other goroutines, and ends with this one
		for {
			select {
			case request := <-f.requests:
				request.result <- request.cmd.Start()
			case <-f.closed:
				return
			}
		}
	}()
	return f
}

// start runs cmd.Start on the forker's thread.
func (f *forker) start(cmd *exec.Cmd) error {
	request := forkRequest{cmd: cmd, result: make(chan error, 1)}
	select {
	case f.requests <- request:
		return <-request.result
	case <-f.closed:
		return errors.New("the cluster is stopped")
	}
}

// close ends the thread, and with it any child that is still alive. It must be called once.
func (f *forker) close() { close(f.closed) }
