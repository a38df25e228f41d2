package perf

import (
	"errors"
	"fmt"
	"syscall"
)

// Phrase says in words for an operator why events cannot be counted (man 2 perf_event_open, ERRORS, and kernel/events/core.c). It has no
// number that changes from reading to reading.
func Phrase(err error) string {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.EOPNOTSUPP):
		return "the processor has no counters (PMU), or the hypervisor hides them"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "not permitted: counting a container takes CAP_PERFMON (before Linux 5.8 CAP_SYS_ADMIN) or kernel.perf_event_paranoid of at " +
			"most 0, and a seccomp profile that lets perf_event_open pass"
	case errors.Is(err, syscall.ENOSYS):
		return "the kernel has no perf_event_open (CONFIG_PERF_EVENTS)"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "no more files can be opened: raise the limit of open files (RLIMIT_NOFILE), which takes one for each event, CPU and container"
	case errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.ENOSPC):
		return "the kernel has no room for more counters"
	case errors.Is(err, syscall.EBADF):
		return "the kernel counts no events by cgroup (CONFIG_CGROUP_PERF), or the folder is not of a hierarchy with perf_event"
	case errors.Is(err, syscall.EINVAL):
		return "the kernel finds the group of events invalid: the processor has too few counters for it"
	case errors.Is(err, syscall.EBUSY):
		return "another user holds the processor's counters for itself alone"
	}
	return fmt.Sprintf("perf_event_open: %v", err)
}

// lacking says whether the answer to one event means that the processor cannot count it, or not together with those before it.
func lacking(err error) bool {
	return errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENODEV)
}

// lackPhrase is the reason for one quantity that is not counted while others are.
func lackPhrase(err error) string {
	if errors.Is(err, syscall.EINVAL) {
		return "the processor has too few counters to count it together with the others"
	}
	return "the kernel knows no such event of this processor"
}

// full says whether no container at all can be opened now.
func full(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ENOSPC)
}
