package counters

import (
	"errors"
	"syscall"

	"github.com/ballast-k8s/ballast/plugins/node/counters/parse"
)

// readPressure reads the pressure files of the container's cgroup in a v2 hierarchy, but for CPU only if the last sample is too old.
func (s *Sample) readPressure(r *Reader, v2 *folder, last *Sample) {
	if last != nil {
		s.MemoryPressure, s.IOPressure = last.MemoryPressure, last.IOPressure
	}
	for _, p := range []struct {
		signal Signal
		name   string
		field  **parse.Pressure
	}{
		{CPUPressure, "cpu.pressure", &s.CPUPressure},
		{MemoryPressure, "memory.pressure", &s.MemoryPressure},
		{IOPressure, "io.pressure", &s.IOPressure},
	} {
		if last != nil && p.signal != CPUPressure {
			s.still(p.signal, last)
			continue
		}
		if v2 == nil {
			s.absent(p.signal, r.noPressure("cgroup v1 has no pressure files, and the container has no cgroup in a v2 hierarchy beside it"))
			continue
		}
		data, err := r.file(v2, p.name)
		if err == nil {
			*p.field, err = parse.PressureFile(data)
		}
		switch {
		case err == nil:
		case errors.Is(err, syscall.EOPNOTSUPP):
			s.absent(p.signal, "pressure accounting is off: start the kernel with psi=1")
		case gone(err):
			s.absent(p.signal, r.noPressure("there is no "+p.name+": cgroup.pressure is 0, or the kernel is older than 4.20"))
		default:
			s.absent(p.signal, why(p.name, err))
		}
	}
}

// noPressure is the reason for a missing pressure file: the machine's, if it keeps no pressure at all.
func (r *Reader) noPressure(otherwise string) string {
	switch {
	case r.pressure == nil:
		return otherwise
	case errors.Is(r.pressure, syscall.EOPNOTSUPP), gone(r.pressure):
		return "the kernel keeps no pressure: it has no CONFIG_PSI, or was not started with psi=1"
	}
	return why("/proc/pressure/cpu", r.pressure)
}
