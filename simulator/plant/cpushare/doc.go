// Package cpushare is the CPU of one machine: cores that pods share by weight, with optional limits, and what each pod got, waited
// for and was denied. It is a fluid model, exact in its own terms: between two events every rate is constant, and events are
// computed, not stepped to. Times are seconds on the caller's clock, CPU is in cores, work in core-seconds at speed 1.
//
// # Sharing
//
// A pod i has n_i runnable threads (jobs in service, and threads that spin), of which at most Threads run at once, and the weight
// w_i, which is its CPU request in cores. It gets
//
//	r_i = min(n_i, θ w_i)   with θ such that Σ r_i = min(cores, Σ n_i)
//
// which is generalised processor sharing (Parekh and Gallager 1993) with a bound for each pod, and what CFS and EEVDF aim at
// with group weights on many CPUs: work-conserving, so a weight says nothing while there is a core for every runnable thread. Within a pod
// the threads share equally. A job of work s is done when its share of r_i, times the pod's speed, has added up to s.
//
// # Limits
//
// A limit of L cores is CFS bandwidth control (Documentation/scheduler/sched-bwc.rst): L × 100 ms of CPU time in each period of
// 100 ms, taken as fast as sharing allows, then nothing until the next period. As in do_sched_cfs_period_timer, periods count only while
// there was activity, a period counts as throttled if the pod is throttled at its end, and a new limit refills the quota at once.
//
// # What is derived
//
// Run-queue delay is Σ over runnable threads of the time not running: the integral of n_i − r_i, throttling included, as the
// kernel's run_delay does. Pressure follows kernel/sched/psi.c, which looks at each CPU (some: a task of the group is runnable
// and does not run there; full: none of them runs there) and averages over the CPUs that the group keeps busy. With n threads on
// m = min(n, cores) CPUs, each CPU with one of them up to n = cores and with two or more from n = 2 cores on,
//
//	full = 1 − r/m      some = 1 − (r/m) f,   f = 1 up to n = cores, falling linearly to 0 at n = 2 cores
//
// The average over a time is the difference of two totals over the difference of their times.
//
// # How it is fast
//
// Each pod has a virtual clock that advances by the service each of its jobs gets; a job ends at a fixed reading of it, so that
// other jobs may come and go. All pods below their bound advance with one machine clock, the turn, dT/dt = θ: when θ changes, the
// events of those pods move together and none is computed anew. A change costs a few passes over a flat array of the machine's pods.
//
// # Not modelled
//
// The time slice (a runnable thread here runs at once, only slower), the placement of threads on CPUs and its imbalance, quota
// stranded in the slices of 5 ms that CPUs draw, hyper-threads, frequency, real-time classes, cpusets, and the cgroup levels
// between the root and the pod: weights of all pods compete directly, as if all were of one quality-of-service class.
package cpushare
