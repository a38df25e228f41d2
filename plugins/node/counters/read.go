package counters

import (
	"errors"
	"math"
	"strings"
	"syscall"
)

// Read reads all signals of a container. It is false if the container's cgroup is gone, or goes while it is read. The cgroup stays open
// for the next reading until [Reader.Containers] does not find it any more.
func (r *Reader) Read(c Container) (Sample, bool) {
	s := Sample{Container: c, Time: r.now()}
	d := r.foldersOf(c)
	tasks, list := d.cpu, "tasks"
	if r.tree.v2 == "." {
		s.readV2(r, d.v2)
		tasks, list = d.v2, "cgroup.threads"
	} else {
		s.readV1(r, d)
	}
	s.readPressure(r, d.v2)
	if !s.readRunQueue(r, tasks, list) || tasks != nil && !tasks.there(list) {
		_ = r.drop(c.Path) // nothing was written
		return Sample{}, false
	}
	s.readEvents(r)
	return s, true
}

func (s *Sample) absent(signal Signal, why string) {
	s.Absent = append(s.Absent, Absence{Signal: signal, Why: why})
}

// readV2 reads use, throttling and memory from cgroup v2.
func (s *Sample) readV2(r *Reader, folder *folder) {
	if folder == nil {
		for _, signal := range []Signal{Use, Throttled, MemoryUse} {
			s.absent(signal, "the container's cgroup cannot be opened")
		}
		return
	}
	stat, err := r.file(folder, "cpu.stat")
	if err != nil {
		s.absent(Use, why("cpu.stat", err))
		s.absent(Throttled, why("cpu.stat", err))
	} else {
		s.cpuV2(r, folder, stat)
	}
	s.memoryV2(r, folder)
}

func (s *Sample) cpuV2(r *Reader, folder *folder, stat []byte) {
	total, ok := keyed(stat, "usage_usec")
	user, ok2 := keyed(stat, "user_usec")
	system, ok3 := keyed(stat, "system_usec")
	if ok && ok2 && ok3 {
		s.CPU = &CPU{Total: micros(total), User: micros(user), System: micros(system)}
	} else {
		s.absent(Use, "cpu.stat has no usage_usec, user_usec, system_usec")
	}
	t := throttling(stat, "throttled_usec", 1000)
	if t == nil {
		s.absent(Throttled, "cpu.stat has no nr_periods: the cpu controller is not enabled for this cgroup")
		return
	}
	limit, err := r.file(folder, "cpu.max")
	if err == nil {
		t.Limit, err = parseLimit(limit)
	}
	if err != nil {
		s.absent(Throttled, why("cpu.max", err))
		return
	}
	s.Throttling = t
}

// throttling reads the counts of cpu.stat; nil if it has none. unit is nanoseconds of the time's unit.
func throttling(stat []byte, timeName string, unit uint64) *Throttling {
	periods, ok := keyed(stat, "nr_periods")
	stopped, ok2 := keyed(stat, "nr_throttled")
	t, ok3 := keyed(stat, timeName)
	if !ok || !ok2 || !ok3 {
		return nil
	}
	return &Throttling{Periods: periods, Stopped: stopped, Time: nanos(min(t, math.MaxInt64/unit) * unit)}
}

func (s *Sample) memoryV2(r *Reader, folder *folder) {
	current, err := r.file(folder, "memory.current")
	if err != nil {
		s.absent(MemoryUse, why("memory.current", err))
		return
	}
	bytes, err := number(current)
	if err != nil {
		s.absent(MemoryUse, why("memory.current", err))
		return
	}
	events, err := r.file(folder, "memory.events")
	if err != nil {
		s.absent(MemoryUse, why("memory.events", err))
		return
	}
	high, ok := keyed(events, "high")
	limit, ok2 := keyed(events, "max")
	kills, ok3 := keyed(events, "oom_kill")
	if !ok || !ok2 || !ok3 {
		s.absent(MemoryUse, "memory.events has no high, max, oom_kill: the kernel is older than 4.13")
		return
	}
	s.Memory = &Memory{Bytes: bytes, High: high, AtLimit: limit, Kills: kills}
}

// readV1 reads use, throttling and memory from cgroup v1.
func (s *Sample) readV1(r *Reader, d *folders) {
	s.useV1(r, d.cpuacct)
	s.throttlingV1(r, d.cpu)
	s.memoryV1(r, d.memory)
}

// tick is the unit of cpuacct.stat: 1/100 s, USER_HZ of all architectures that Kubernetes runs on.
const tick = 10_000_000

func (s *Sample) useV1(r *Reader, folder *folder) {
	if folder == nil {
		s.absent(Use, "the container has no cgroup in the cpuacct hierarchy")
		return
	}
	usage, err := r.file(folder, "cpuacct.usage")
	if err != nil {
		s.absent(Use, why("cpuacct.usage", err))
		return
	}
	total, err := number(usage)
	if err != nil {
		s.absent(Use, why("cpuacct.usage", err))
		return
	}
	stat, err := r.file(folder, "cpuacct.stat")
	user, ok := keyed(stat, "user")
	system, ok2 := keyed(stat, "system")
	if err != nil || !ok || !ok2 {
		s.absent(Use, "cpuacct.stat has no user and system")
		return
	}
	s.CPU = &CPU{Total: nanos(total), User: nanos(min(user, math.MaxInt64/tick) * tick), System: nanos(min(system, math.MaxInt64/tick) * tick)}
}

func (s *Sample) throttlingV1(r *Reader, folder *folder) {
	if folder == nil {
		s.absent(Throttled, "the container has no cgroup in the cpu hierarchy")
		return
	}
	stat, err := r.file(folder, "cpu.stat")
	if err != nil {
		s.absent(Throttled, why("cpu.stat", err))
		return
	}
	t := throttling(stat, "throttled_time", 1)
	if t == nil {
		s.absent(Throttled, "cpu.stat has no nr_periods: the kernel has no CONFIG_CFS_BANDWIDTH")
		return
	}
	if t.Limit, err = r.limitV1(folder); err != nil {
		s.absent(Throttled, why("cpu.cfs_quota_us and cpu.cfs_period_us", err))
		return
	}
	s.Throttling = t
}

// limitV1 is the CPU limit in cores; a quota of -1 is none.
func (r *Reader) limitV1(folder *folder) (float64, error) {
	data, err := r.file(folder, "cpu.cfs_quota_us")
	if err != nil || strings.HasPrefix(string(data), "-") {
		return 0, err
	}
	quota, err := number(data)
	if err != nil {
		return 0, err
	}
	if data, err = r.file(folder, "cpu.cfs_period_us"); err != nil {
		return 0, err
	}
	period, err := number(data)
	if err == nil && period == 0 {
		err = errors.New("the period is 0")
	}
	return float64(quota) / float64(max(period, 1)), err
}

func (s *Sample) memoryV1(r *Reader, folder *folder) {
	if folder == nil {
		s.absent(MemoryUse, "the container has no cgroup in the memory hierarchy")
		return
	}
	m := &Memory{}
	for _, f := range []struct {
		name string
		into *uint64
	}{{"memory.usage_in_bytes", &m.Bytes}, {"memory.failcnt", &m.AtLimit}} {
		data, err := r.file(folder, f.name)
		if err == nil {
			*f.into, err = number(data)
		}
		if err != nil {
			s.absent(MemoryUse, why(f.name, err))
			return
		}
	}
	control, err := r.file(folder, "memory.oom_control")
	kills, ok := keyed(control, "oom_kill")
	if err != nil || !ok {
		s.absent(MemoryUse, "memory.oom_control has no oom_kill: the kernel is older than 4.13")
		return
	}
	m.Kills = kills
	s.Memory = m
}

// readPressure reads the pressure files of the container's cgroup in a v2 hierarchy.
func (s *Sample) readPressure(r *Reader, v2 *folder) {
	for _, p := range []struct {
		signal Signal
		name   string
		field  **Pressure
	}{
		{CPUPressure, "cpu.pressure", &s.CPUPressure},
		{MemoryPressure, "memory.pressure", &s.MemoryPressure},
		{IOPressure, "io.pressure", &s.IOPressure},
	} {
		if v2 == nil {
			s.absent(p.signal, r.noPressure("cgroup v1 has no pressure files, and the container has no cgroup in a v2 hierarchy beside it"))
			continue
		}
		data, err := r.file(v2, p.name)
		if err == nil {
			*p.field, err = parsePressure(data)
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
