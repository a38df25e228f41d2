// Package steal reads how much CPU time a machine's hypervisor took: threads then wait through nobody's fault on the machine.
package steal

import "github.com/prometheus/procfs"

// Meter remembers the machine's CPU time at the reading before. The zero value has none.
type Meter struct{ all, stolen float64 }

// Share is the part of the CPU time since the last call that the hypervisor took, 0 to 1, by the folder proc; nil where it is not known.
func (m *Meter) Share(proc string) *float64 {
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return nil
	}
	stat, err := fs.Stat()
	if err != nil {
		return nil
	}
	t := stat.CPUTotal
	all := t.User + t.Nice + t.System + t.Idle + t.Iowait + t.IRQ + t.SoftIRQ + t.Steal
	before := *m
	m.all, m.stolen = all, t.Steal
	if before.all == 0 || all <= before.all {
		return nil
	}
	return new(max(0, t.Steal-before.stolen) / (all - before.all))
}
