package counters

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestPerfPhrase(t *testing.T) {
	for want, errs := range map[string][]error{
		"this version does not read them": {nil},
		"no counters (PMU)":               {syscall.ENOENT, syscall.ENODEV, syscall.EOPNOTSUPP, fmt.Errorf("open: %w", syscall.ENOENT)},
		"perf_event_paranoid":             {syscall.EACCES, syscall.EPERM},
		"CONFIG_PERF_EVENTS":              {syscall.ENOSYS},
		"perf_event_open: too many":       {errors.New("too many")},
	} {
		for _, err := range errs {
			if got := perfPhrase(err); !strings.Contains(got, want) {
				t.Errorf("%v: %q, want %q in it", err, got, want)
			}
		}
	}
}

// TestPerfEvents asks this machine: whatever it is, the question is well put, so that the kernel does not find it invalid.
func TestPerfEvents(t *testing.T) {
	got := PerfEvents()
	t.Log(got)
	if err := openCycles(); errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.E2BIG) || errors.Is(err, syscall.EBADF) {
		t.Errorf("%v", err)
	}
	if again := PerfEvents(); got == "" || again != got {
		t.Errorf("%q, then %q", got, again)
	}
}
