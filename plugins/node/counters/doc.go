// Package counters reads what the kernel counts for each container of a node: CPU use, throttling, pressure (PSI), memory events and the
// time that threads waited for a CPU; from cgroup v2, from cgroup v1, and from the two side by side. It decides nothing.
//
// A reading carries its time and says for each signal that it lacks why. Absent is never 0: a signal is nil when it is not there. On a
// machine without pressure accounting, or with cgroup v1 only, the rest is read all the same; that is the usual case on older nodes.
//
// Files, by hierarchy:
//
//	signal       cgroup v2                  cgroup v1
//	use          cpu.stat                   cpuacct.usage, cpuacct.stat
//	limit        cpu.max                    cpu.cfs_quota_us, cpu.cfs_period_us
//	throttling   cpu.stat                   the same file, in nanoseconds
//	pressure     cpu|memory|io.pressure     the same files where the container has a cgroup in a v2 hierarchy beside v1
//	memory       memory.current|events      memory.usage_in_bytes, memory.failcnt, memory.oom_control
//	 of the pod  memory.events.local        memory.failcnt
//	run queue    /proc/<thread>/schedstat of the threads in cgroup.threads (v2) or tasks (v1)
//
// Memory, and the pressure of memory and I/O, by which nothing on the node is decided, are read every 9 s at most. Files stay open between
// readings, and a search for containers (package cgroups) lists the folders in which something has changed.
//
// What the processor itself counts (perf events) is read for the containers that [Reader.Count] is given, in package perf.
//
// The formats are a line or a few each (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/, accounting/psi.rst,
// scheduler/sched-stats.rst of Linux). The libraries at hand read them below fixed mount points and return 0 for what is absent, so
// the parsers of package parse are our own.
package counters
