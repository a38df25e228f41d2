//go:build !linux

package counters

import "syscall"

// openCycles says that there is no such call.
func openCycles() error { return syscall.ENOSYS }
