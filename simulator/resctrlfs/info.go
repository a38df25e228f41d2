package resctrlfs

import (
	"bytes"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// addInfo makes the info directory (rdtgroup_create_info_dir).
func (t *Tree) addInfo() {
	info := t.root.AddDir(infoDir, dirPerm, nil)
	info.AddFile("last_cmd_status", t.readStatus, nil)
	t.controls.AddInfo(info)
	if t.monCapable() {
		t.monitoring.AddInfo(info)
	}
}

// readStatus is rdt_last_cmd_status_show.
func (t *Tree) readStatus() string {
	if text := t.status.String(); text != "" {
		return text
	}
	return "ok\n"
}

// commandWriter is what most commands begin with: a write must end in a newline, or it is EINVAL and the status stays.
func (t *Tree) commandWriter(apply func(text string) syscall.Errno) func(Writer, []byte) syscall.Errno {
	return func(_ Writer, data []byte) syscall.Errno {
		if !bytes.HasSuffix(data, []byte{'\n'}) {
			return syscall.EINVAL
		}
		t.status.Clear()
		return apply(kerneltext.CString(data[:len(data)-1]))
	}
}
