package faults

import (
	"sync"
	"syscall"
	"testing"
)

// Of two faults that match, the first takes the operation and the second waits its turn.
func TestOrder(t *testing.T) {
	t.Parallel()
	var s Set
	for _, f := range []Fault{
		{Op: Write, Path: "a/*", Times: 1, Errno: syscall.EIO}, {Op: Write, Skip: 1, Times: 2, Errno: syscall.EBUSY}, {Op: Read, Errno: syscall.EPERM},
	} {
		if err := s.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []syscall.Errno{syscall.EIO, syscall.EBUSY, syscall.EBUSY, 0} {
		if f, hit := s.Enter(Write, "a/tasks"); f.Errno != want || hit != (want != 0) {
			t.Errorf("write %d: %v, %v, want %v", i, f.Errno, hit, want)
		}
	}
	if f, _ := s.Enter(Read, "x"); f.Errno != syscall.EPERM || s.Count(Write) != 4 || s.Count(Read) != 1 || s.Count(Mkdir) != 0 {
		t.Errorf("read: %v, counts %v", f.Errno, s.counts)
	}
	s.Clear()
	if _, hit := s.Enter(Read, "x"); hit {
		t.Error("a fault that was cleared hits")
	}
}

// What the function of Before does is its own business: not counted, not failing, not calling it again.
func TestBefore(t *testing.T) {
	t.Parallel()
	var s Set
	if err := s.Add(Fault{Op: Mkdir, Times: 1, Errno: syscall.EBUSY}); err != nil {
		t.Fatal(err)
	}
	calls := 0
	s.Before(func(op Op, name string) {
		calls++
		if _, hit := s.Enter(Mkdir, "of the test"); hit || op != Write || name != "x" {
			t.Errorf("%s %s: the test's own operation is hit: %v", op, name, hit)
		}
	})
	s.Enter(Write, "x")
	if calls != 1 || s.Count(Mkdir) != 0 {
		t.Errorf("%d calls, %d counted", calls, s.Count(Mkdir))
	}
	s.Before(nil)
	if _, hit := s.Enter(Mkdir, "y"); !hit {
		t.Error("the fault was used up by the test's own operation")
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	var s Set
	if err := s.Add(Fault{Op: Write, Skip: 100, Times: 50, Errno: syscall.EIO}); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	hits := 0
	for range 4 {
		wg.Go(func() {
			for range 100 {
				if _, hit := s.Enter(Write, "x"); hit {
					mu.Lock()
					hits++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if hits != 50 || s.Count(Write) != 400 {
		t.Errorf("%d hits of %d, want 50 of 400", hits, s.Count(Write))
	}
}
