//go:build !linux

package meter

import (
	"syscall"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// Files reads counters that this system does not have.
type Files struct{}

// OpenFiles says that there is no resctrl.
func OpenFiles(string, int) (*Files, error) { return nil, syscall.ENOSYS }

// Read says that there is no resctrl.
func (*Files) Read() ([]resctrl.Counters, error) { return nil, syscall.ENOSYS }

// Close does nothing.
func (*Files) Close() error { return nil }
