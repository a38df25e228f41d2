package perf

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// onlineFile lists the CPUs that are switched on.
const onlineFile = "/sys/devices/system/cpu/online"

// Linux is this machine's kernel.
type Linux struct{}

// Open implements Kernel by perf_event_open(2).
func (Linux) Open(e Event, cgroup, cpu, leader int) (int, error) {
	return open(&unix.PerfEventAttr{
		Type: e.Type, Config: e.Config, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Read_format: unix.PERF_FORMAT_GROUP | unix.PERF_FORMAT_TOTAL_TIME_ENABLED | unix.PERF_FORMAT_TOTAL_TIME_RUNNING,
	}, cgroup, cpu, leader, unix.PERF_FLAG_PID_CGROUP|unix.PERF_FLAG_FD_CLOEXEC)
}

// Read implements Kernel.
func (Linux) Read(leader int, b []byte) (n int, err error) {
	err = again(func() error {
		n, err = unix.Read(leader, b)
		return err
	})
	return n, err
}

// Close implements Kernel.
func (Linux) Close(event int) error { return unix.Close(event) }

// Online lists the CPUs that are switched on.
func Online() ([]int, error) {
	text, err := os.ReadFile(onlineFile)
	if err != nil {
		return nil, err
	}
	return parseCPUs(string(text))
}

// Probe opens a counter of this thread's cycles in user mode, which takes the least permission of all, and closes it at once. The error is
// the kernel's. Counting containers takes more permission.
func Probe() error {
	fd, err := open(&unix.PerfEventAttr{
		Type: typeHardware, Config: hardwareCycles, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Bits: unix.PerfBitDisabled | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func open(attr *unix.PerfEventAttr, of, cpu, leader, flags int) (fd int, err error) {
	err = again(func() error {
		fd, err = unix.PerfEventOpen(attr, of, cpu, leader, flags)
		return err
	})
	return fd, err
}

// again repeats a system call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
