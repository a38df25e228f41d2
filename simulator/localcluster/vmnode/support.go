package vmnode

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/ballast-k8s/ballast/simulator/localcluster/realnodes"
)

// ErrUnsupported means that there can be no node in a virtual machine here; the message says why.
var ErrUnsupported = errors.New("no node in a virtual machine possible here")

// commands are the programs that the machine is made and run with; busybox has to be linked statically.
var commands = []string{"qemu-system-x86_64", "busybox", "mke2fs", "ip", "ldd", "nice"}

// kernelPath is where hack/vmnode-packages puts the kernel and its modules, relative to the folder of the tools.
const kernelPath = "../share/vmnode"

// Supported returns nil if Start can work with the tools of that folder, inside of a sandbox; whether there can be one, sandbox.Supported says.
// The error wraps ErrUnsupported or localcluster.ErrToolMissing and says what to do.
func Supported(tools string) error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return fmt.Errorf("%w: it needs Linux on x86-64, and this is %s on %s", ErrUnsupported, runtime.GOOS, runtime.GOARCH)
	}
	for _, command := range commands {
		if _, err := exec.LookPath(command); err != nil {
			return fmt.Errorf("%w: the command %s is missing: run hack/vmnode-packages", ErrUnsupported, command)
		}
	}
	if _, err := os.Stat(filepath.Join(tools, kernelPath, "vmlinuz")); err != nil {
		return fmt.Errorf("%w: there is no kernel for it: run hack/vmnode-packages", ErrUnsupported)
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return fmt.Errorf("%w: there is no /dev/net/tun to connect it by: load the kernel's module tun", ErrUnsupported)
	}
	return realnodes.CheckTools(tools)
}
