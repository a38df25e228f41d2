package counters

import "github.com/ballast-k8s/ballast/plugins/node/counters/parse"

// readMemory reads the use of memory and what it led to, unless the last sample is recent enough.
func (s *Sample) readMemory(r *Reader, d *folders, last *Sample) {
	switch {
	case last != nil:
		s.Memory = last.Memory
		s.still(MemoryUse, last)
	case r.tree.v2 == ".":
		s.memoryV2(r, d.v2)
	default:
		s.memoryV1(r, d.memory)
	}
}

func (s *Sample) memoryV2(r *Reader, folder *folder) {
	if folder == nil {
		s.absent(MemoryUse, noFolder)
		return
	}
	current, err := r.file(folder, "memory.current")
	if err != nil {
		s.absent(MemoryUse, why("memory.current", err))
		return
	}
	bytes, err := parse.Number(current)
	if err != nil {
		s.absent(MemoryUse, why("memory.current", err))
		return
	}
	events, err := r.file(folder, "memory.events")
	if err != nil {
		s.absent(MemoryUse, why("memory.events", err))
		return
	}
	high, ok := parse.Keyed(events, "high")
	limit, ok2 := parse.Keyed(events, "max")
	kills, ok3 := parse.Keyed(events, "oom_kill")
	if !ok || !ok2 || !ok3 {
		s.absent(MemoryUse, "memory.events has no high, max, oom_kill: the kernel is older than 4.13")
		return
	}
	s.Memory = &Memory{Bytes: bytes, High: high, AtLimit: limit, Kills: kills}
	if data, ok := r.inPod(s.Container, folder, "memory.events.local"); ok {
		if hits, ok := parse.Keyed(data, "max"); ok {
			s.Memory.AtPodLimit = &hits
		}
	}
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
			*f.into, err = parse.Number(data)
		}
		if err != nil {
			s.absent(MemoryUse, why(f.name, err))
			return
		}
	}
	control, err := r.file(folder, "memory.oom_control")
	kills, ok := parse.Keyed(control, "oom_kill")
	if err != nil || !ok {
		s.absent(MemoryUse, "memory.oom_control has no oom_kill: the kernel is older than 4.13")
		return
	}
	m.Kills = kills
	if data, ok := r.inPod(s.Container, folder, "memory.failcnt"); ok {
		if hits, err := parse.Number(data); err == nil {
			m.AtPodLimit = &hits
		}
	}
	s.Memory = m
}

// inPod reads a file of the cgroup of the container's pod, in which the container's is. It is false if there is none.
func (r *Reader) inPod(c Container, folder *folder, name string) ([]byte, bool) {
	if !c.InPod() {
		return nil, false
	}
	data, err := r.once(folder, "../"+name)
	return data, err == nil
}
