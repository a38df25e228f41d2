package resctrlfs

import (
	"strings"
	"syscall"
	"testing"
)

func TestSpecIsChecked(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Spec){
		"CPUs is 0":            func(s *Spec) { s.CPUs = 0 },
		"CPU 8 in Offline":     func(s *Spec) { s.Offline = []int{8} },
		"CacheIDs are []":      func(s *Spec) { s.CacheIDs = nil },
		"CacheIDs are [-1]":    func(s *Spec) { s.CacheIDs = []int{-1} },
		"CacheIDs are [1 0]":   func(s *Spec) { s.CacheIDs = []int{1, 0} },
		"CacheIDs are [0 0]":   func(s *Spec) { s.CacheIDs = []int{0, 0} },
		"L3.Ways":              func(s *Spec) { s.L3.Ways = 0 },
		"MB.Granularity":       func(s *Spec) { s.MB.Granularity = 0 },
		"Monitoring.NumRMIDs":  func(s *Spec) { s.Monitoring.NumRMIDs = 0 },
		"Monitoring.Events":    func(s *Spec) { s.Monitoring.Events = []string{MBMLocalBytes, MBMTotalBytes} },
		"Events is empty":      func(s *Spec) { s.Monitoring.Events = nil },
		"OccupancyUnit":        func(s *Spec) { s.Monitoring.OccupancyUnit = 0 },
		"without any, the ker": func(s *Spec) { s.L3, s.MB, s.Monitoring = nil, nil, nil },
	} {
		spec := skylake()
		change(&spec)
		if _, err := New(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestInjectionIsChecked(t *testing.T) {
	t.Parallel()
	tree := mount(t, skylake())
	fork(0, 7, 7, 0)(t, tree)
	for name, err := range map[string]error{
		"counter of a file":          tree.SetCounter("tasks", 0, LLCOccupancy, Counter{}),
		"counter of info":            tree.SetCounter("info", 0, LLCOccupancy, Counter{}),
		"counter of mon_groups":      tree.SetCounter("mon_groups", 0, LLCOccupancy, Counter{}),
		"counter of no group":        tree.SetCounter("a", 0, LLCOccupancy, Counter{}),
		"counter of no cache":        tree.SetCounter(".", 2, LLCOccupancy, Counter{}),
		"counter of no event":        tree.SetCounter(".", 0, "x", Counter{}),
		"counter without monitoring": mount(t, haswell()).SetCounter(".", 0, LLCOccupancy, Counter{}),
		"a task twice":               tree.Fork(0, Task{TID: 7, TGID: 7}),
		"task 0":                     tree.Fork(0, Task{TID: 0, TGID: 7}),
		"a child of nobody":          tree.Fork(6, Task{TID: 8, TGID: 8}),
		"the exit of nobody":         tree.Exit(6),
	} {
		if err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if _, err := tree.Groups(6); err == nil {
		t.Error("nobody is in a group")
	}
}

// Threads of a machine: 1 starts 10, whose threads are 10 and 11; 20 and 30 are their own parents' circle.
func TestFollow(t *testing.T) {
	t.Parallel()
	thread := func(tid, tgid, parent int) Process {
		return Process{Task: Task{TID: tid, TGID: tgid, UID: 5}, Parent: parent}
	}
	tree := mount(t, skylake())
	tree.Follow([]Process{thread(1, 1, 0), thread(10, 10, 1)})
	for _, s := range []step{
		mkdir("a", ok), mkdir("a/mon_groups/m", ok), mkdir("b", ok), write("a/tasks", "10", ok), write("a/mon_groups/m/tasks", "10", ok),
	} {
		s(t, tree)
	}
	tree.Follow([]Process{
		thread(12, 12, 10), thread(13, 12, 10), thread(11, 10, 1), thread(1, 1, 0), thread(10, 10, 1), thread(20, 20, 30), thread(30, 30, 20),
		thread(40, 40, 99), thread(0, 1, 0), thread(1<<22+1, 1, 0),
	})
	for _, s := range []step{
		reads("tasks", "1\n20\n30\n40\n"), reads("a/mon_groups/m/tasks", "10\n11\n12\n13\n"),
		writeAs(Writer{UID: 6}, "b/tasks", "1", syscall.EPERM), writeAs(Writer{UID: 5}, "b/tasks", "1,12", ok),
	} {
		s(t, tree)
	}
	tree.Follow([]Process{thread(1, 1, 0), thread(12, 12, 10), thread(13, 12, 10), thread(14, 12, 10)}) // 10 has exited
	for _, s := range []step{reads("tasks", ""), reads("a/tasks", "13\n"), reads("b/tasks", "1\n12\n14\n")} {
		s(t, tree)
	}
}
