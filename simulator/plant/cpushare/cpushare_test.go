package cpushare

import (
	"math"
	"strings"
	"testing"
)

func newMachine(t *testing.T, cores float64) *Machine {
	t.Helper()
	m, err := New(cores)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func add(t *testing.T, m *Machine, now float64, s Settings) int {
	t.Helper()
	slot, err := m.Add(now, s)
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

// Rates by hand. A spinning thread wants a core; r = min(n, θ w).
func TestWaterFillingByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cores   float64
		weights []float64
		threads []int
		want    []float64
	}{
		"enough for all":            {4, []float64{0.1, 5}, []int{1, 3}, []float64{1, 3}},
		"weights 1:2:1":             {4, []float64{1, 2, 1}, []int{8, 8, 8}, []float64{1, 2, 1}},
		"one is filled first":       {4, []float64{3, 2, 1}, []int{1, 8, 8}, []float64{1, 2, 1}},  // θ = 3/3 after 1 is filled
		"two are filled in turn":    {6, []float64{4, 2, 1}, []int{1, 2, 8}, []float64{1, 2, 3}},  // θ: 6/7, (6−1)/3 = 1.67, then (6−3)/1
		"an idle one counts for 0":  {2, []float64{10, 1, 1}, []int{0, 8, 8}, []float64{0, 1, 1}}, //
		"no request weighs 2/1024":  {1, []float64{0, 1}, []int{1, 1}, []float64{2. / 1026, 1024. / 1026}},
		"a request is not CPU":      {8, []float64{0.25, 7.5}, []int{4, 3}, []float64{4, 3}},      // slack: requests decide nothing
		"busy: a request counts":    {8, []float64{2, 6}, []int{8, 8}, []float64{2, 6}},           //
		"half a core to share":      {0.5, []float64{1, 3}, []int{1, 1}, []float64{0.125, 0.375}}, //
		"more threads than cores":   {2, []float64{1}, []int{5}, []float64{2}},                    //
		"exactly as many as wanted": {3, []float64{1, 1}, []int{1, 2}, []float64{1, 2}},           //
	} {
		m := newMachine(t, c.cores)
		for i, w := range c.weights {
			m.Spin(0, add(t, m, 0, Settings{RequestCores: w}), c.threads[i])
		}
		for i, want := range c.want {
			if got := m.Rate(i); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: pod %d gets %v cores, want %v", name, i, got, want)
			}
		}
	}
}

// A pod with a limit of half a core that always wants one runs for the first 50 ms of each period of 100 ms. In 10 s it gets 5
// core-seconds, is throttled in each of the 100 periods, 50 ms each, and waits as long; nothing of it runs then, so both pressures are 50 %.
// A neighbour without a limit is not touched.
func TestLimit(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 4)
	limited, free := add(t, m, 0, Settings{RequestCores: 0.5, LimitCores: 0.5}), add(t, m, 0, Settings{RequestCores: 1})
	m.Spin(0, limited, 1)
	m.Spin(0, free, 1)
	drive(m, 10, nil)
	u := m.Usage(10, limited)
	for name, got := range map[string]float64{
		"CPU": u.CPUSeconds, "throttled": u.ThrottledSeconds, "run queue": u.RunQueueSeconds, "some": u.SomeSeconds, "full": u.FullSeconds,
	} {
		if math.Abs(got-5) > 1e-6 {
			t.Errorf("%s is %v s in 10 s, want 5", name, got)
		}
	}
	if u.Periods != 100 || u.ThrottledPeriods != 100 {
		t.Errorf("%d of %d periods are throttled, want all of 100", u.ThrottledPeriods, u.Periods)
	}
	if f := m.Usage(10, free); math.Abs(f.CPUSeconds-10) > 1e-9 || f.RunQueueSeconds != 0 || f.Periods != 0 {
		t.Errorf("the neighbour's usage is %+v", f)
	}
}

// Four threads use a quota of 1 core, 100 ms a period, in 25 ms and are throttled for 75 ms: a pod may have used no more than its limit in
// the mean and still be throttled. With as much limit as threads there is no throttling, whatever rounding does.
func TestLimitAndThreads(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 8)
	burst, exact := add(t, m, 0, Settings{LimitCores: 1}), add(t, m, 0, Settings{LimitCores: 3})
	m.Spin(0, burst, 4)
	m.Spin(0, exact, 3)
	drive(m, 60, nil)
	if u := m.Usage(60, burst); math.Abs(u.CPUSeconds-60) > 1e-6 || math.Abs(u.ThrottledSeconds-45) > 1e-6 || u.ThrottledPeriods != 600 {
		t.Errorf("four threads on 1 core: %+v", u)
	}
	if u := m.Usage(60, exact); math.Abs(u.CPUSeconds-180) > 1e-6 || u.ThrottledSeconds != 0 || u.ThrottledPeriods != 0 || u.Periods != 600 {
		t.Errorf("three threads on 3 cores: %+v", u)
	}
}

// Periods count only with activity: 30 ms of work in the first period, one idle period until the timer stops, then nothing for 10 s. A job at
// 10.25 s finds the grid where it was: the period ends at 10.3.
func TestPeriodsStopWhenIdle(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 1)
	slot := add(t, m, 0, Settings{LimitCores: 0.5})
	m.Start(0, slot, 0.03, 1)
	done := map[int32]float64{}
	drive(m, 10.25, done)
	if u := m.Usage(10.25, slot); u.Periods != 2 || u.ThrottledPeriods != 0 || done[1] != 0.03 {
		t.Errorf("usage is %+v, job ended at %v", u, done[1])
	}
	m.Start(10.25, slot, 0.08, 2) // 50 ms until the quota ends with the period, 30 ms in the next
	drive(m, 11, done)
	if math.Abs(done[2]-10.33) > 1e-9 {
		t.Errorf("the second job ended at %v, want 10.33", done[2])
	}
}

// Pressure by hand, on one core for 1 s each: alone with one thread none; with two threads one always waits (some 1, full 0); beside an equal
// neighbour its only thread runs half of the time (both 0.5).
func TestPressureByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		threads, neighbour int
		some, full, wait   float64
	}{{1, 0, 0, 0, 0}, {2, 0, 1, 0, 1}, {1, 1, 0.5, 0.5, 0.5}, {3, 0, 1, 0, 2}, {2, 1, 1, 0.5, 1.5}} {
		m := newMachine(t, 1)
		a, b := add(t, m, 0, Settings{RequestCores: 1}), add(t, m, 0, Settings{RequestCores: 1})
		m.Spin(0, a, c.threads)
		m.Spin(0, b, c.neighbour)
		u := m.Usage(1, a)
		if math.Abs(u.SomeSeconds-c.some) > 1e-9 || math.Abs(u.FullSeconds-c.full) > 1e-9 || math.Abs(u.RunQueueSeconds-c.wait) > 1e-9 {
			t.Errorf("%d threads beside %d: some %v, full %v, waited %v, want %v, %v, %v", c.threads, c.neighbour,
				u.SomeSeconds, u.FullSeconds, u.RunQueueSeconds, c.some, c.full, c.wait)
		}
	}
}

// A job of 1 core-second beside an equal neighbour on one core: half speed for 0.5 s gives 0.25; then three times the neighbour's weight, 3/4 of
// a core, for the rest: 0.75/0.75 = 1 s. At half the work's speed from 1 s on (0.375 left) it takes 0.375/0.375 = 1 s more.
func TestResizeAndSpeedMidRun(t *testing.T) {
	t.Parallel()
	for _, slowed := range []bool{false, true} {
		m := newMachine(t, 1)
		a, b := add(t, m, 0, Settings{RequestCores: 1}), add(t, m, 0, Settings{RequestCores: 1})
		m.Spin(0, b, 1)
		m.Start(0, a, 1, 7)
		if err := m.Resize(0.5, a, Settings{RequestCores: 3}); err != nil {
			t.Fatal(err)
		}
		want := 1.5
		if slowed {
			want = 2
			if err := m.SetSpeed(1, a, 0.5); err != nil {
				t.Fatal(err)
			}
		}
		done := map[int32]float64{}
		drive(m, 10, done)
		if math.Abs(done[7]-want) > 1e-9 {
			t.Errorf("slowed %v: the job ended at %v, want %v", slowed, done[7], want)
		}
		if u := m.Usage(10, a); math.Abs(u.WorkSeconds-1) > 1e-9 || math.Abs(m.Contended(10)-want) > 1e-9 {
			t.Errorf("slowed %v: usage %+v, contended %v", slowed, u, m.Contended(10))
		}
	}
}

// A new limit refills the quota of the period, as a write to cpu.max does; no limit ends throttling.
func TestLimitChange(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 1)
	slot := add(t, m, 0, Settings{LimitCores: 0.2})
	m.Spin(0, slot, 1)
	drive(m, 0.05, nil) // throttled since 0.02
	if m.Rate(slot) != 0 {
		t.Fatalf("rate is %v, want 0 while throttled", m.Rate(slot))
	}
	_ = m.Resize(0.05, slot, Settings{LimitCores: 0.4})
	drive(m, 0.1, nil) // 0.04 more until 0.09
	if u := m.Usage(0.1, slot); math.Abs(u.CPUSeconds-0.06) > 1e-9 || math.Abs(u.ThrottledSeconds-0.04) > 1e-9 {
		t.Errorf("after the new limit: %+v", u)
	}
	drive(m, 0.15, nil) // 0.04 until 0.14
	_ = m.Resize(0.15, slot, Settings{})
	drive(m, 1, nil)
	if u := m.Usage(1, slot); math.Abs(u.CPUSeconds-(0.06+0.04+0.85)) > 1e-9 {
		t.Errorf("without a limit: %+v", u)
	}
}

func TestRemoveAndReuse(t *testing.T) {
	t.Parallel()
	m := newMachine(t, 1)
	a, b := add(t, m, 0, Settings{RequestCores: 1}), add(t, m, 0, Settings{RequestCores: 1})
	m.Spin(0, a, 1)
	m.Spin(0, b, 1)
	if u := m.Remove(2, a); math.Abs(u.CPUSeconds-1) > 1e-12 || m.Rate(b) != 1 {
		t.Errorf("after 2 s of half a core: %+v, the other has %v cores", u, m.Rate(b))
	}
	if c := add(t, m, 3, Settings{}); c != a || m.Usage(3, c) != (Usage{}) || m.Runnable(c) != 0 {
		t.Errorf("slot %d has usage %+v", c, m.Usage(3, c))
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, cores := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := New(cores); err == nil {
			t.Errorf("a machine of %v cores was accepted", cores)
		}
	}
	m := newMachine(t, 1)
	slot := add(t, m, 0, Settings{})
	for field, s := range map[string]Settings{
		"RequestCores": {RequestCores: math.NaN()}, "LimitCores": {LimitCores: 0.001}, "Threads": {Threads: -1},
	} {
		if _, err := m.Add(0, s); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("adding %+v: error is %v", s, err)
		}
		if err := m.Resize(0, slot, s); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("resizing to %+v: error is %v", s, err)
		}
	}
	if err := m.SetSpeed(0, slot, 0); err == nil {
		t.Error("a speed of 0 was accepted")
	}
	if id, ended := m.Fire(); ended || id != 0 {
		t.Error("an idle machine has an event")
	}
}
