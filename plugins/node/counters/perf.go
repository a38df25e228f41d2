package counters

import (
	"errors"
	"fmt"
	"syscall"
)

// PerfEvents says in a phrase why the processor's own counters (perf events, such as cycles and instructions) are not among what is read: the
// machine has none, does not let this process open them, or has them, and this version does not read them. It opens a counter of its own cycles
// in user mode, which takes the least permission of all, and closes it at once. Other processes' counters take more: CAP_PERFMON, or
// kernel.perf_event_paranoid of at most 0.
func PerfEvents() string { return perfPhrase(openCycles()) }

// perfPhrase is what the answer of perf_event_open to the question for cycles means (man 2 perf_event_open, ERRORS).
func perfPhrase(err error) string {
	switch {
	case err == nil:
		return "the kernel opens the processor's counters; this version does not read them"
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.EOPNOTSUPP):
		return "the processor has no counters (PMU), or the hypervisor hides them"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "not permitted: kernel.perf_event_paranoid is above 2, or a seccomp profile forbids perf_event_open, and this process has no " +
			"CAP_PERFMON"
	case errors.Is(err, syscall.ENOSYS):
		return "the kernel has no perf_event_open (CONFIG_PERF_EVENTS)"
	}
	return fmt.Sprintf("perf_event_open: %v", err)
}
