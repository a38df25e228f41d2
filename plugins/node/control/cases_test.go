package control

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/knob"
	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// noisy feeds slacks about 0.3 that differ from each other by 0.1 at a distance of two readings, one each 2 s: the deviation of one is taken
// to be 0.1 / (0.6745 x 1.4142) = 0.105. It ends at 30 s.
func noisy(t *testing.T, law *Law) {
	t.Helper()
	for i := range 16 {
		slack := []float64{0.25, 0.25, 0.35, 0.35}[i%4]
		if d := law.Step(web(2*i, slack, "")); d.Changed {
			t.Fatalf("%d s: %s", 2*i, d.Action)
		}
	}
	if n := law.state.Services[0].Noise(); math.Abs(n-0.1048) > 0.001 {
		t.Fatalf("a noise of %g", n)
	}
}

// unlimited is a machine on which there is nothing to grow.
func unlimited(t *testing.T) *Law {
	t.Helper()
	return made(t, onlyCPU(), Params{}, Setting{BatchCPU: math.Inf(1)})
}

// One reading is an emergency below -0.5 - 2.5 x 0.105 = -0.762; -0.7 is one of the noise's, and only a second shows that it was not.
func TestEmergencyInNoise(t *testing.T) {
	law := unlimited(t)
	noisy(t, law)
	if d := law.Step(web(32, -0.7, "")); d.Changed {
		t.Errorf("%s: %s", d.Kind, d.Action)
	}
	if d := law.Step(web(34, 0.3, "")); d.Changed {
		t.Errorf("%s: %s", d.Kind, d.Action)
	}
	law = unlimited(t)
	noisy(t, law)
	law.Step(web(32, -0.7, ""))
	want(t, law.Step(web(34, -0.7, "")), Minimum, Setting{BatchCPU: 0.8}, "mean of 2 readings")
	law = unlimited(t)
	noisy(t, law)
	want(t, law.Step(web(32, -0.8, "")), Emergency, Setting{BatchCPU: 0.8})
}

// After slacks about 0.3 two readings of -0.05 are believed though 0.05 - 3 x 0.105 / 1.414 = -0.173 is not reached: they fell by 0.35, more
// than 3 x 0.105 x sqrt(1/2 + 1/16) = 0.236. The same after slacks about 0.1 are not.
func TestFallen(t *testing.T) {
	law := unlimited(t)
	noisy(t, law)
	law.Step(web(32, -0.05, ""))
	if d := law.Step(web(34, -0.05, "")); d.Kind != Shrink {
		t.Errorf("%s: %s", d.Kind, d.Action)
	}
	law = unlimited(t)
	for i := range 18 {
		slack := []float64{0.05, 0.05, 0.15, 0.15}[i%4]
		if i >= 16 {
			slack = -0.05
		}
		if d := law.Step(web(2*i, slack, "")); d.Changed {
			t.Errorf("%d s: %s", 2*i, d.Action)
		}
	}
}

// A violation while a growth is verified: a small step that cannot have cost what was lost is not rolled back, the ladder is taken. From 4
// to 6 cores target/signal fell by 0.1667 a core; a step of 0.26 of 8.12 cores may have cost three times 0.0433 by that, and not the 0.51
// from a slack of 0.15 to -0.5. A step of a half, of which nothing is known, is rolled back.
func TestViolationDuringVerification(t *testing.T) {
	law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 4})
	steady(law, 0, 8, 0.5, "")
	steady(law, 9, 16, 0.4, "")
	steady(law, 17, 24, 0.15, "")
	law.Step(web(25, -0.5, ""))
	want(t, law.Step(web(26, -0.5, "")), Hold, Setting{BatchCPU: 8.38})
	law.Step(web(27, -0.5, ""))
	want(t, law.Step(web(28, -0.5, "")), Minimum, Setting{BatchCPU: 0.8})
	law = made(t, onlyCPU(), Params{}, Setting{BatchCPU: 4})
	steady(law, 0, 9, 0.5, "")
	want(t, law.Step(web(10, -0.3, "")), RollBack, Setting{BatchCPU: 4})
}

// hungry is web with batch's use of CPU, and its progress per core.
func hungry(at int, slack, pace float64) Observation {
	o := web(at, slack, "")
	o.BatchCPU, o.BatchGIPS = new(4.0), new(4*pace)
	return o
}

// Ways with batch's progress known: 5 -> 10 brings nothing, 10 -> 18 neither: back to 5. The same again after a quarter of an hour, after half
// of one more, and then after an hour each; at once when batch is other work by more than a fifth.
func TestUselessWays(t *testing.T) {
	law := made(t, full(), Params{}, Setting{BatchWays: 5, BatchBandwidth: 100, BatchCPU: math.Inf(1)})
	run := func(from, to int, pace float64) (moves []Decision) {
		for at := from; at < to; at++ {
			if d := law.Step(hungry(at, 0.4, pace)); d.Changed {
				moves = append(moves, d)
			}
		}
		return moves
	}
	var rests []time.Duration
	moves := run(0, 500, 1)
	if len(moves) != 3 {
		t.Fatalf("%+v", moves)
	}
	s := Setting{BatchWays: 10, BatchBandwidth: 100, BatchCPU: math.Inf(1)}
	want(t, moves[0], Grow, s)
	s.BatchWays = 18
	want(t, moves[1], Grow, s)
	s.BatchWays = 5
	want(t, moves[2], RollBack, s, "rose by 0.0 %, less than 2 %", "batch ways 18 -> 5")
	if moves = run(500, 510, 1.1); len(moves) != 0 { // 10 % are the same work
		t.Fatalf("%+v", moves)
	}
	for at, was := 510, law.state.Knobs[knob.Ways].HoldUntil; at < 3*3600; { // taken back in the first minutes, and 15, 30, 60, 60 minutes later
		if moves = run(at, at+600, 1); len(moves) > 3 {
			t.Errorf("from %d s on: %+v", at, moves)
		}
		if at += 600; law.state.Knobs[knob.Ways].HoldUntil != was {
			was = law.state.Knobs[knob.Ways].HoldUntil
			rests = append(rests, law.state.Idle.For)
		}
	}
	if want := []time.Duration{30 * time.Minute, time.Hour, time.Hour, time.Hour}; !slices.Equal(rests, want) {
		t.Errorf("left alone for %v, want %v", rests, want)
	}
	if moves = run(3*3600, 3*3600+30, 2); len(moves) == 0 || moves[0].Kind != Grow || law.state.Idle.For > knob.Memory {
		t.Errorf("other work does not get ways, or its first rest is %s: %+v", law.state.Idle.For, moves)
	}
}

// Ways that bring something stay, and those that brought nothing yet go first when a service falls below its line.
func TestUsefulWays(t *testing.T) {
	law := made(t, full(), Params{}, Setting{BatchWays: 4, BatchBandwidth: 100, BatchCPU: math.Inf(1)})
	for at := range 9 {
		law.Step(hungry(at, 0.4, 1))
	}
	for at := 9; at < 400; at++ { // 18 is all
		if d := law.Step(hungry(at, 0.4, float64(law.setting().BatchWays)/4)); d.Changed && d.Kind != Grow {
			t.Fatalf("%d s: %s", at, d.Action)
		}
	}
	if w := law.setting().BatchWays; w != 18 {
		t.Errorf("%d ways", w)
	}
	law = made(t, full(), Params{}, Setting{BatchWays: 4, BatchBandwidth: 100, BatchCPU: math.Inf(1)})
	for at := range 13 {
		law.Step(hungry(at, 0.4, 1))
	}
	law.Step(hungry(13, 0.02, 1))
	want(t, law.Step(hungry(14, 0.02, 1)), RollBack, Setting{BatchWays: 4, BatchBandwidth: 100, BatchCPU: math.Inf(1)},
		"has not yet had anything of its last ways")
}

// Nobody to blame: from two readings on it is sizing's for 4 s, then CPU of batch is tried, 6 x (1 + 2 (0 - 0.1)) = 4.8. That helps, by 0.02 and more, so that it
// goes on until it does not: then it is sizing's again, for a quarter of an hour.
func TestSizingThenCPU(t *testing.T) {
	law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 6})
	for at := range 6 {
		if d := law.Step(web(at, 0, None)); d.Changed || at >= 2 && at%2 == 0 && d.Kind != Sizing {
			t.Fatalf("%d s: %s: %s", at, d.Kind, d.Action)
		}
	}
	want(t, law.Step(web(6, 0, None)), Shrink, Setting{BatchCPU: 4.8}, "nobody found who disturbs it", "batch CPU 6.00 -> 4.80 cores")
	steady(law, 7, 9, 0.025, None)
	// 1 + 4 (0.025 - 0.1) = 0.7 of 4.8
	want(t, law.Step(web(10, 0.025, None)), Shrink, Setting{BatchCPU: 3.36})
	for at := 11; at < 900; at++ {
		if d := law.Step(web(at, 0.03, None)); d.Changed || at == 14 && d.Kind != Sizing {
			t.Fatalf("%d s: %s: %s", at, d.Kind, d.Action)
		}
	}
	for at := 900; law.setting().BatchCPU == 3.36; at++ { // worse by 0.05 is another matter
		if law.Step(web(at, -0.05, None)); at > 910 {
			t.Fatal("a worse violation is not tried")
		}
	}
	// On a machine where it helps down to the floor it is said that no setting is enough.
	law = made(t, onlyCPU(), Params{}, Setting{BatchCPU: 1})
	steady(law, 0, 5, -0.09, None)
	want(t, law.Step(web(6, -0.09, None)), Shrink, Setting{BatchCPU: 0.8})
	steady(law, 7, 9, -0.05, None)
	if d := law.Step(web(10, -0.05, None)); d.Setting.Infeasible == "" {
		t.Errorf("%s: %s", d.Kind, d.Action)
	}
}

// Guard alone: (9000 - 5500) / 4000 of 60 % is 52.5 %, so 50 %; slack is not judged, nobody is blind for it, and what was read meanwhile and
// in the 2 s after is not taken for the law's own setting, unless it is below the line.
func TestGuardAlone(t *testing.T) {
	law := made(t, full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6})
	law.Step(web(0, 0.3, ""))
	o := web(1, -0.9, "")
	o.Domains = []Domain{{PeakMBps: 10000, LatencyMBps: new(5500.0), BatchMBps: new(4000.0)}}
	cut := Setting{BatchWays: 8, BatchBandwidth: 50, BatchCPU: 6}
	want(t, law.Guard(o), Guard, cut)
	for at := 2; at < 30; at++ {
		want(t, law.Guard(web(at, 0.9, "")), Hold, cut)
	}
	if d := law.Step(web(30, 0.9, "")); d.Changed || len(law.state.Services[0].Readings) != 1 {
		t.Errorf("%s: %s: %v", d.Kind, d.Action, law.state.Services[0].Readings)
	}
	for at := 31; at < 38; at++ { // readings count from 31 on, and growth needs 4 of them
		law.Step(web(at, 0.9, ""))
	}
	if n := len(law.state.Services[0].Readings); n != 8 {
		t.Errorf("%d readings", n)
	}
	law.Guard(web(38, 0.9, ""))
	law.Step(web(39, -0.2, ""))
	law.Step(web(40, -0.2, ""))
	law.Step(web(41, -0.2, ""))
	if d := law.Step(web(42, -0.2, "")); d.Setting.BatchCPU != 0.8 {
		t.Errorf("%s: %s", d.Kind, d.Action)
	}
}

// A law that starts with a CPU limit in force, such as after a restart, goes on from it: no growth before 4 clean periods, no lifting while
// nothing was read for less than that, and then one step, not all.
func TestStartWithLimit(t *testing.T) {
	for _, blind := range []bool{false, true} {
		law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 2})
		for at := 1000; at < 1008; at++ {
			o := web(at, 0.4, "")
			if blind {
				o.Services[0].Slack = nil
			}
			want(t, law.Step(o), map[bool]Kind{false: Hold, true: law.kindOfWait(at)}[blind], Setting{BatchCPU: 2})
		}
	}
	// Growth: max(min(1 + 0.1 x 0.4, 1.6), 0.05 x 16, 0.5 x 2) = 1.04.
	law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 2})
	steady(law, 1000, 1007, 0.4, "")
	want(t, law.Step(web(1008, 0.4, "")), Grow, Setting{BatchCPU: 3.04})
}

// kindOfWait is what a law without readings says that began at 1000 s: it is blind after more than 6 s, but lifts nothing before 8 s.
func (l *Law) kindOfWait(at int) Kind {
	if time.Duration(at-1000)*time.Second > readings.Silence {
		return Blind
	}
	return Hold
}

// A clock that goes back by an hour keeps nobody waiting for an hour: the violation that nobody causes is met within the patience, 4 s, and some readings.
func TestClockGoesBackInOwnViolation(t *testing.T) {
	law := made(t, onlyCPU(), Params{}, Setting{BatchCPU: 6})
	if changed := steady(law, 7200, 7203, 0, None); len(changed) > 0 {
		t.Fatalf("too early for the test: %+v", changed)
	}
	if changed := steady(law, 3600, 3612, 0, None); len(changed) == 0 {
		t.Error("batch is not cut")
	}
}
