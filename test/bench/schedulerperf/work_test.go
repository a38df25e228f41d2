package schedulerperf

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"syscall"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler"
	perf "k8s.io/kubernetes/test/integration/scheduler_perf"
	"k8s.io/kubernetes/test/utils/ktesting"
)

// work is what the process does from one mark to the next.
type work struct {
	begun   bool
	profile *os.File
	seconds float64 // of processor time
}

// mark is called where the workload creates nodes: for the nodes themselves, before the measured pods, and after them.
func (a *arm) mark(_ ktesting.TContext, _ *scheduler.Scheduler, _ *perf.Workload, _ *v1.NodeList) error {
	switch {
	case !a.work.begun:
		a.work.begun = true
		return nil
	case a.work.profile == nil:
		return a.work.start(a.dir)
	default:
		return a.work.stop()
	}
}

// start begins to count, and a CPU profile of its own.
func (w *work) start(dir string) error {
	var err error
	if w.profile, err = os.Create(filepath.Join(dir, "cpu.pprof")); err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(w.profile); err != nil {
		return fmt.Errorf("%w: run without -cpuprofile, every measurement leaves its own", err)
	}
	used, err := processorSeconds()
	w.seconds = -used
	return err
}

func (w *work) stop() error {
	used, err := processorSeconds()
	if err != nil {
		return err
	}
	w.seconds += used
	pprof.StopCPUProfile()
	return w.profile.Close()
}

// processorSeconds is the processor time of this process so far.
func processorSeconds() (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("reading the processor time: %w", err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9, nil
}
