package counters

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/counters/parse"
)

// rarely is how often at most those signals are read that nothing on the node decides by: memory, and the pressure of memory and I/O. They
// are half of what there is to read. A look every 10 s has them anew, one every second every ninth time.
const rarely = 9 * time.Second

// Read reads all signals of a container. It is false if the container's cgroup is gone, or goes while it is read. The cgroup stays open
// for the next reading until [Reader.Containers] does not find it any more.
func (r *Reader) Read(c Container) (Sample, bool) {
	s := Sample{Container: c, Time: r.now()}
	d := r.foldersOf(c)
	r.lost = false
	last := d.seldom
	if last != nil && s.Time.Sub(last.Time) >= rarely {
		last = nil
	}
	tasks, list := d.cpu, "tasks"
	if r.tree.v2 == "." {
		tasks, list = d.v2, "cgroup.threads"
		s.cpuV2(r, d.v2)
	} else {
		s.useV1(r, d.cpuacct)
		s.throttlingV1(r, d.cpu)
	}
	s.readMemory(r, d, last)
	s.readPressure(r, d.v2, last)
	if !s.readRunQueue(r, tasks, list) || r.lost && tasks != nil && !tasks.there(list) {
		_ = r.drop(c.Path) // nothing was written
		return Sample{}, false
	}
	if last == nil {
		d.seldom = new(s)
	}
	s.readEvents(r)
	return s, true
}

// still takes over that a signal was absent.
func (s *Sample) still(signal Signal, last *Sample) {
	for _, a := range last.Absent {
		if a.Signal == signal {
			s.Absent = append(s.Absent, a)
		}
	}
}

// noFolder is why a container has no signal of cgroup v2.
const noFolder = "the container's cgroup cannot be opened"

func (s *Sample) absent(signal Signal, why string) {
	s.Absent = append(s.Absent, Absence{Signal: signal, Why: why})
}

// cpuV2 reads use and throttling from cgroup v2.
func (s *Sample) cpuV2(r *Reader, folder *folder) {
	if folder == nil {
		s.absent(Use, noFolder)
		s.absent(Throttled, noFolder)
		return
	}
	stat, err := r.file(folder, "cpu.stat")
	if err != nil {
		s.absent(Use, why("cpu.stat", err))
		s.absent(Throttled, why("cpu.stat", err))
		return
	}
	total, ok := parse.Keyed(stat, "usage_usec")
	user, ok2 := parse.Keyed(stat, "user_usec")
	system, ok3 := parse.Keyed(stat, "system_usec")
	if ok && ok2 && ok3 {
		s.CPU = &CPU{Total: parse.Micros(total), User: parse.Micros(user), System: parse.Micros(system)}
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
		t.Limit, err = parse.Limit(limit)
	}
	if err != nil {
		s.absent(Throttled, why("cpu.max", err))
		return
	}
	s.Throttling = t
}

// throttling reads the counts of cpu.stat; nil if it has none. unit is nanoseconds of the time's unit.
func throttling(stat []byte, timeName string, unit uint64) *Throttling {
	periods, ok := parse.Keyed(stat, "nr_periods")
	stopped, ok2 := parse.Keyed(stat, "nr_throttled")
	t, ok3 := parse.Keyed(stat, timeName)
	if !ok || !ok2 || !ok3 {
		return nil
	}
	return &Throttling{Periods: periods, Stopped: stopped, Time: parse.Nanos(min(t, math.MaxInt64/unit) * unit)}
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
	total, err := parse.Number(usage)
	if err != nil {
		s.absent(Use, why("cpuacct.usage", err))
		return
	}
	stat, err := r.file(folder, "cpuacct.stat")
	user, ok := parse.Keyed(stat, "user")
	system, ok2 := parse.Keyed(stat, "system")
	if err != nil || !ok || !ok2 {
		s.absent(Use, "cpuacct.stat has no user and system")
		return
	}
	s.CPU = &CPU{Total: parse.Nanos(total), User: parse.Nanos(min(user, math.MaxInt64/tick) * tick), System: parse.Nanos(min(system, math.MaxInt64/tick) * tick)}
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
	quota, err := parse.Number(data)
	if err != nil {
		return 0, err
	}
	if data, err = r.file(folder, "cpu.cfs_period_us"); err != nil {
		return 0, err
	}
	period, err := parse.Number(data)
	if err == nil && period == 0 {
		err = errors.New("the period is 0")
	}
	return float64(quota) / float64(max(period, 1)), err
}
