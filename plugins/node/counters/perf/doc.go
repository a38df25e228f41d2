// Package perf counts, for the cgroups of containers, what the processor counts: cycles, instructions, misses of the last cache, and cycles
// in which nothing could go on for want of data (perf events, perf_event_open(2)). It decides nothing.
//
// A container has one group of events on each CPU, so that the kernel puts all of them onto the processor's counters together or none: the
// ratio of two of them, such as cycles per instruction, is of the same time. Where other users leave too few counters, the kernel takes
// turns, and each count is corrected by the time enabled over the time running, between two readings and for each CPU by itself. The time
// is that of the cgroup: while none of its threads runs on a CPU, neither time goes on there (kernel/events/core.c, perf_event_time).
//
// What the processor lacks is absent, and never 0. That is usual: virtual machines mostly have no counters at all, and of stalled cycles
// there is a general event on AMD's processors since Zen 4 and on few of Intel's (arch/x86/events). What counts as a miss is the
// processor's too: the general event is misses of the last cache on Intel's, and of the second on AMD's (amd_zen1_perfmon_event_map).
// Compare a machine with itself, or machines of one model.
//
// It takes CAP_PERFMON (before Linux 5.8 CAP_SYS_ADMIN), or kernel.perf_event_paranoid of at most 0, and a seccomp profile that lets
// perf_event_open pass. Files are bounded: one for each event, CPU and container. Counting itself costs the containers something: when one
// cgroup follows another on a CPU, the kernel stores the counters and loads others.
package perf
