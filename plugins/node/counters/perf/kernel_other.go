//go:build !linux

package perf

import "syscall"

// Linux is a kernel that this system does not have.
type Linux struct{}

// Open says that there is no such call.
func (Linux) Open(Event, int, int, int) (int, error) { return -1, syscall.ENOSYS }

// Read says that there is no such call.
func (Linux) Read(int, []byte) (int, error) { return 0, syscall.ENOSYS }

// Close says that there is no such call.
func (Linux) Close(int) error { return syscall.ENOSYS }

// Online says that there is no such list.
func Online() ([]int, error) { return nil, syscall.ENOSYS }

// Probe says that there is no such call.
func Probe() error { return syscall.ENOSYS }
