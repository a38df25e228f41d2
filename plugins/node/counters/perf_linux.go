package counters

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// openCycles opens a counter of this thread's cycles in user mode, which never counts, and closes it.
func openCycles() error {
	attr := unix.PerfEventAttr{
		Type: unix.PERF_TYPE_HARDWARE, Config: unix.PERF_COUNT_HW_CPU_CYCLES, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Bits: unix.PerfBitDisabled | unix.PerfBitExcludeKernel | unix.PerfBitExcludeHv,
	}
	var fd int
	err := again(func() (err error) {
		fd, err = unix.PerfEventOpen(&attr, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		return err
	})
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
