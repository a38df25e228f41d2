package mount

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
)

const (
	maxRequest = 128 << 10              // bytes of a read or write that arrive in one piece; more than a page is refused anyway
	closing    = 5 * time.Second        // how long Close waits for programs to let go of files
	limboRound = time.Second            // CQM_LIMBOCHECK_INTERVAL
	decay      = 2 * time.Second        // how fast lines of nobody are displaced; an assumption
	device     = "/dev/fuse"            //
	source     = "resctrl"              // what the mount table shows as the device
	fsType     = "fuse.ballast-resctrl" // what it shows as the type
)

// FS is a mounted tree.
type FS struct {
	dir    string
	served chan struct{} // closed when the kernel has let go of the device
	stop   chan struct{}
	ticker sync.WaitGroup
}

// Mount shows a tree at a directory, which must exist. A mount that a dead process left there is taken away first.
func Mount(tree *resctrlfs.Tree, dir string, o Options) (*FS, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("mount resctrl: %w", err)
	}
	if _, err := os.Stat(dir); errors.Is(err, syscall.ENOTCONN) {
		if err := Detach(dir); err != nil {
			return nil, err
		}
	}
	fd, err := attach(dir)
	if err != nil {
		return nil, err
	}
	server, err := serve(tree, fd, o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mount resctrl at %s: %w", dir, err), Detach(dir))
	}
	m := &FS{dir: dir, served: make(chan struct{}), stop: make(chan struct{})}
	go func() {
		defer close(m.served)
		server.Serve()
	}()
	if err := settlePoll(dir); err != nil {
		return nil, errors.Join(err, Detach(dir))
	}
	if o.Live {
		m.ticker.Go(func() { m.age(tree) })
	}
	return m, nil
}

// settlePoll lets the kernel find out, by one poll(2), that files here are always ready. Else it would ask at the first epoll_ctl(2) on each:
// Go's runtime makes that call without leaving the processor to others, so that a process that opens files of its own mount could
// keep the answer from being given.
func settlePoll(dir string) error {
	fd, err := syscall.Open(filepath.Join(dir, "info", "last_cmd_status"), syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if errors.Is(err, syscall.ENOENT) {
		fd, err = syscall.Open(dir, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	}
	if err != nil {
		return fmt.Errorf("mount resctrl at %s: opening a file there: %w", dir, err)
	}
	ask := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	_, err = unix.Poll(ask[:], 0)
	if err = errors.Join(err, syscall.Close(fd)); err != nil {
		return fmt.Errorf("mount resctrl at %s: polling a file there: %w", dir, err)
	}
	return nil
}

// attach is open(2) and mount(2). The device is closed on exec, or children would keep a dead mount alive.
func attach(dir string) (int, error) {
	fd, err := syscall.Open(device, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("mount resctrl: open %s: %w", device, err)
	}
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,max_read=%d,allow_other,default_permissions", fd, maxRequest)
	if err := syscall.Mount(source, dir, fsType, syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, data); err != nil {
		return 0, errors.Join(fmt.Errorf("mount resctrl at %s, which needs CAP_SYS_ADMIN: %w", dir, err), syscall.Close(fd))
	}
	return fd, nil
}

func serve(tree *resctrlfs.Tree, fd int, o Options) (*fuse.Server, error) {
	never := time.Duration(0)
	root := &node{tree: tree, live: o.Live}
	return fuse.NewServer(fs.NewNodeFS(root, &fs.Options{EntryTimeout: &never, AttrTimeout: &never, NegativeTimeout: &never}),
		fmt.Sprintf("/dev/fd/%d", fd), &fuse.MountOptions{MaxWrite: maxRequest, DisableXAttrs: true, Name: fsType})
}

// age lets RMIDs leave limbo as time passes.
func (m *FS) age(tree *resctrlfs.Tree) {
	ticker := time.NewTicker(limboRound)
	defer ticker.Stop()
	keep := math.Exp(-limboRound.Seconds() / decay.Seconds())
	for {
		select {
		case <-m.stop:
			return
		case <-ticker.C:
			tree.CheckLimbo(keep)
		}
	}
}

// Close takes the mount away. Programs that are in it keep what they have open until they let go; if that takes longer than 5 s, Close
// says so and returns. It must be called once.
func (m *FS) Close() error {
	close(m.stop)
	m.ticker.Wait()
	if err := Detach(m.dir); err != nil {
		return err
	}
	select {
	case <-m.served:
		return nil
	case <-time.After(closing):
		return fmt.Errorf("unmount resctrl from %s: it is gone from there, but programs still have files open in it", m.dir)
	}
}

// Detach takes a mount of this package away from a directory, also that of a dead process. It is nil where there is none.
func Detach(dir string) error {
	err := syscall.Unmount(dir, syscall.MNT_DETACH)
	if err != nil && !errors.Is(err, syscall.EINVAL) { // EINVAL: not a mount point
		return fmt.Errorf("unmount resctrl from %s: %w", dir, err)
	}
	return nil
}
