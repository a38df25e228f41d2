package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	// prefix begins the names of folders and cgroups. Nobody else's begin so.
	prefix = "ballast-sandbox-"
	// dirEnv and cgroupEnv tell the program where it is.
	dirEnv    = "BALLAST_SANDBOX_DIR"
	cgroupEnv = "BALLAST_SANDBOX_CGROUP"
	// outputDelay is how long output is waited for after the program's end, in case that something holds its pipes open.
	outputDelay = 5 * time.Second
)

// Program is what runs in a sandbox.
type Program struct {
	// Path is the program, empty for the caller's own; Args are its arguments, without the program's name.
	Path string
	Args []string
	// Env is added to the caller's own environment, in the form NAME=value. TMPDIR is the sandbox's folder anyway.
	Env []string
	// Stdout and Stderr take its output; nil discards it.
	Stdout, Stderr io.Writer
	// TempDir is the existing folder in which the sandbox makes its own, not below /run, /var/lib or /var/log. Empty: os.TempDir().
	TempDir string
}

// Sandbox is where a program finds itself.
type Sandbox struct {
	// Dir is an existing folder that is removed with the sandbox.
	Dir string
	// Cgroup is the path of a cgroup, in every hierarchy, for the program's use, for example "/ballast-sandbox-123". It is removed with
	// all below it.
	Cgroup string
}

// Current returns the sandbox that the caller runs in, and false if it does not.
func Current() (Sandbox, bool) {
	s := Sandbox{Dir: os.Getenv(dirEnv), Cgroup: os.Getenv(cgroupEnv)}
	return s, s.Dir != "" && s.Cgroup != ""
}

// Run runs the program in a new sandbox and returns when it has ended and nothing of the sandbox is left. The error is an *exec.ExitError
// if the program ended with a code other than 0, and ErrUnsupported where there can be no sandbox. If something could not
// be removed, the error says what. When ctx ends, the program is killed.
func Run(ctx context.Context, program Program) error {
	if err := Supported(); err != nil {
		return err
	}
	if program.TempDir == "" {
		program.TempDir = os.TempDir()
	}
	if program.Path == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding our own program: %w", err)
		}
		program.Path = self
	}
	hierarchies, err := Hierarchies()
	if err != nil {
		return err
	}
	dir, err := makeFolder(program.TempDir)
	if err != nil {
		return err
	}
	w, err := newWatchdog(dir, hierarchies)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir)) // empty
	}
	err = sweep(program.TempDir, hierarchies, time.Now())
	return errors.Join(runInit(ctx, program, dir, hierarchies), w.clean(), err)
}

// makeFolder makes the sandbox's folder where it can be seen from inside.
func makeFolder(temp string) (string, error) {
	temp, err := filepath.Abs(temp)
	if err != nil {
		return "", fmt.Errorf("resolving the temporary folder: %w", err)
	}
	if temp, err = filepath.EvalSymlinks(temp); err != nil {
		return "", fmt.Errorf("resolving the temporary folder: %w", err)
	}
	for _, hidden := range []string{"/run", "/var/lib", "/var/log"} {
		if strings.HasPrefix(temp+"/", hidden+"/") {
			return "", fmt.Errorf("the temporary folder %s cannot be below %s, which is hidden in the sandbox: set TMPDIR to another", temp, hidden)
		}
	}
	dir, err := os.MkdirTemp(temp, prefix)
	if err != nil {
		return "", fmt.Errorf("making the sandbox's folder: %w", err)
	}
	return dir, nil
}

// prepare makes the sandbox's own cgroup in all hierarchies, below it one in which the processes that are not in containers are kept,
// and a folder for small files. It returns the last two.
func prepare(dir string, hierarchies []Hierarchy) (group, sysctls string, err error) {
	if h, ok := pure(hierarchies); ok {
		if err := handDown(h.Mount); err != nil {
			return "", "", fmt.Errorf("handing controllers down from the root of cgroup v2: %w", err)
		}
	}
	if err := MakeCgroup("/" + filepath.Base(dir)); err != nil {
		return "", "", err
	}
	t, err := tracker(hierarchies)
	if err != nil {
		return "", "", err
	}
	group = filepath.Join(t.Mount, filepath.Base(dir), "init")
	if err := os.Mkdir(group, 0o755); err != nil {
		return "", "", fmt.Errorf("making a cgroup: %w", err)
	}
	sysctls = filepath.Join(dir, "sysctl")
	if err := os.Mkdir(sysctls, 0o755); err != nil {
		return "", "", fmt.Errorf("making a folder: %w", err)
	}
	return group, sysctls, nil
}

// runInit starts the sandbox's first process, which starts the program, and waits for its end. The kernel kills it when the thread that
// started it ends: so one thread is kept for it.
func runInit(ctx context.Context, program Program, dir string, hierarchies []Hierarchy) error {
	group, sysctls, err := prepare(dir, hierarchies)
	if err != nil {
		return err
	}
	args := append([]string{"-c", initScript, "ballast-sandbox", group, sysctls, program.Path}, program.Args...)
	cmd := exec.CommandContext(ctx, "/bin/sh", args...)
	cmd.Env = append(append(os.Environ(), program.Env...), dirEnv+"="+dir, cgroupEnv+"=/"+filepath.Base(dir), "TMPDIR="+dir)
	cmd.Stdout, cmd.Stderr = program.Stdout, program.Stderr
	cmd.WaitDelay = outputDelay
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, after the process
		ended <- cmd.Run()
	}()
	return <-ended
}

// watchdog is the process that cleans up.
type watchdog struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr bytes.Buffer
}

// newWatchdog starts it, before there is anything to clean up.
func newWatchdog(dir string, hierarchies []Hierarchy) (*watchdog, error) {
	control, undo, err := undoRoot(hierarchies)
	if err != nil {
		return nil, err
	}
	w := &watchdog{cmd: watchdogCommand(dir, control, undo, hierarchies)}
	w.cmd.Stderr = &w.stderr
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // neither Ctrl-C nor a closed terminal reaches it
	if w.stdin, err = w.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("making the watchdog's pipe: %w", err)
	}
	if err := w.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the watchdog: %w", err)
	}
	return w, nil
}

// watchdogCommand is the watchdog of the sandbox with that folder, and what it is to write to a file at the end.
func watchdogCommand(dir, control, undo string, hierarchies []Hierarchy) *exec.Cmd {
	args := []string{"-c", watchdogScript, "ballast-watchdog", dir, control, undo}
	for _, h := range hierarchies {
		args = append(args, filepath.Join(h.Mount, filepath.Base(dir)))
	}
	cmd := exec.Command("/bin/sh", args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	return cmd
}

// undoRoot returns what undoes the change that prepare makes to the root of cgroup v2: a file, and the words to write to it. Both are empty
// where there is nothing to change.
func undoRoot(hierarchies []Hierarchy) (control, undo string, err error) {
	h, ok := pure(hierarchies)
	if !ok {
		return "", "", nil
	}
	kept, err := keeps(h.Mount)
	if err != nil {
		return "", "", fmt.Errorf("reading the root of cgroup v2: %w", err)
	}
	if len(kept) == 0 {
		return "", "", nil
	}
	return filepath.Join(h.Mount, subtreeControl), "-" + strings.Join(kept, " -"), nil
}

// clean lets it do its work and waits until all is done.
func (w *watchdog) clean() error {
	_ = w.stdin.Close() // fails only if it was closed
	err := w.cmd.Wait()
	if w.cmd.ProcessState.ExitCode() < 0 { // somebody has killed it
		w.stderr.Reset()
		again := exec.Command(w.cmd.Path, w.cmd.Args[1:]...) // with an empty standard input, so that it begins at once
		again.Dir, again.Env, again.Stderr = w.cmd.Dir, w.cmd.Env, &w.stderr
		err = again.Run()
	}
	if err != nil {
		return fmt.Errorf("cleaning up after the sandbox: %w: %s", err, bytes.TrimSpace(w.stderr.Bytes()))
	}
	return nil
}
