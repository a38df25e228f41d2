package control

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// anyLimits, anyObservation: what a node may show, and some that it may not.
func anyLimits(r *rand.Rand) Limits {
	var l Limits
	if r.IntN(3) > 0 {
		l.Ways = &WayLimits{Min: 1 + r.IntN(3)}
		l.Ways.Max = l.Ways.Min + r.IntN(18)
	}
	if r.IntN(3) > 0 {
		l.Bandwidth = &BandwidthLimits{Min: 1 + r.IntN(20), Step: 1 + r.IntN(15), UnitMBps: []float64{0, 0, 1, 125}[r.IntN(4)]}
		l.Bandwidth.Max = l.Bandwidth.Min + r.IntN(2048)
	}
	if r.IntN(4) > 0 {
		l.CPU = &CPULimits{Cores: 0.5 + 128*r.Float64()}
		l.CPU.Floor = l.CPU.Cores * (0.01 + 0.3*r.Float64())
	}
	return l
}

func anyObservation(r *rand.Rand, now time.Duration) Observation {
	number := func(lo, hi float64) *float64 {
		if r.IntN(8) == 0 {
			return nil
		}
		return new(lo + (hi-lo)*r.Float64())
	}
	o := Observation{Now: now, BatchCPU: number(0, 64), BatchGIPS: number(0, 64)}
	second := int(now / time.Second)
	if r.IntN(40) == 0 || second%300 > 280 { // nothing for a moment, and for 20 s
		return o
	}
	base := []float64{0.4, -0.7, 0.4, -0.22, 0.4, 0.15, 0.06, 0}[second/40%8]
	for _, name := range []string{"db", "web", "cart"}[:1+r.IntN(3)] {
		causes := []Cause{"", None, LLC, MemoryBandwidth, CPU, Power, Unknown}
		o.Services = append(o.Services, Service{Name: name, Slack: number(base-0.1, base+0.1), Load: number(0, 0.85), Cause: causes[r.IntN(7)]})
	}
	for i := range r.IntN(3) {
		d := Domain{ID: i, PeakMBps: 10000 * float64(r.IntN(3)), LatencyMBps: number(0, 6000), BatchMBps: number(0, 6000)}
		o.Domains = append(o.Domains, d)
	}
	return o
}

// within says what is wrong with a setting; "" nothing.
func within(l Limits, s Setting) string {
	switch {
	case l.Ways == nil && s.BatchWays != 0, l.Ways != nil && (s.BatchWays < l.Ways.Min || s.BatchWays > l.Ways.Max):
		return "ways"
	case l.Bandwidth == nil && s.BatchBandwidth != 0,
		l.Bandwidth != nil && (s.BatchBandwidth < l.Bandwidth.Min || s.BatchBandwidth > l.Bandwidth.Max),
		l.Bandwidth != nil && s.BatchBandwidth%l.Bandwidth.Step != 0 && s.BatchBandwidth != l.Bandwidth.Max:
		return "bandwidth"
	case l.CPU == nil && !math.IsInf(s.BatchCPU, 1),
		l.CPU != nil && !math.IsInf(s.BatchCPU, 1) && !(s.BatchCPU >= l.CPU.Floor && s.BatchCPU < l.CPU.Cores):
		return "CPU"
	}
	return ""
}

// TestProperties: on random nodes with random histories every setting is within the limits; batch never gets more of anything while the
// last two readings of the present setting are below 0.05; a decision that changes nothing says so; equal calls give equal decisions, in
// whatever order services are listed; a state that went through JSON decides like another that did.
func TestProperties(t *testing.T) {
	kinds := map[Kind]int{}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		l := anyLimits(r)
		start := Setting{BatchWays: r.IntN(20), BatchBandwidth: r.IntN(2048), BatchCPU: 100 * r.Float64()}
		a, b := made(t, l, Params{EvictBatch: seed%2 == 0}, start), made(t, l, Params{EvictBatch: seed%2 == 0}, start)
		before := a.setting()
		for at := range 600 {
			o := anyObservation(r, time.Duration(at)*time.Second)
			violated := false
			d := a.Step(o)
			kinds[d.Kind]++
			for i := range a.state.Services {
				s := a.readings(&a.state.Services[i])
				violated = violated || len(s) > 1 && max(s[len(s)-1], s[len(s)-2]) < readings.Line
			}
			if w := within(l, d.Setting); w != "" {
				t.Fatalf("seed %d, %d s: %s out of limits: %+v", seed, at, w, d)
			}
			more := d.Setting.BatchWays > before.BatchWays || d.Setting.BatchBandwidth > before.BatchBandwidth ||
				d.Setting.BatchCPU > before.BatchCPU
			if more && d.Kind != Blind && (violated || d.Kind != Grow) {
				t.Fatalf("seed %d, %d s: batch grows: %+v", seed, at, d)
			}
			same := d.Setting
			same.Evict, same.Infeasible, before.Evict, before.Infeasible = false, "", false, ""
			if d.Changed == (same == before) || d.Action == "" {
				t.Fatalf("seed %d, %d s: changed %v: %+v to %+v: %q", seed, at, d.Changed, before, d.Setting, d.Action)
			}
			before = d.Setting
			slices.Reverse(o.Services)
			if other := b.Step(o); !reflect.DeepEqual(d, other) {
				t.Fatalf("seed %d, %d s: %+v and %+v", seed, at, d, other)
			}
			if at == 300 {
				a, b = throughJSON(t, l, a), throughJSON(t, l, b)
			}
		}
	}
	for _, k := range []Kind{Hold, Guard, Evict, Emergency, Minimum, Shrink, Sizing, Grow, RollBack, Blind} {
		if kinds[k] < 5 {
			t.Errorf("only %d decisions of kind %s: the test shows little", kinds[k], k)
		}
	}
}

func throughJSON(t *testing.T, l Limits, law *Law) *Law {
	t.Helper()
	text, err := json.Marshal(law.State())
	if err != nil {
		t.Fatal(err)
	}
	var s State
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	again, err := Restore(l, law.params, s)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// FuzzStep: whatever numbers come in, nothing panics, settings stay within the limits, and the state can be written.
func FuzzStep(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"), uint64(1))
	wild := []float64{
		math.NaN(), math.Inf(1), math.Inf(-1), -1, 0, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0.3, -0.7, 1e-300, 1,
	}
	var b []byte
	for range 4 {
		for _, v := range wild {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	f.Add(b, uint64(2))
	f.Add(slices.Concat(b, b[3:], b[5:]), uint64(4))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		next := func() *float64 {
			if len(data) < 8 {
				return nil
			}
			v := math.Float64frombits(binary.LittleEndian.Uint64(data))
			data = data[8:]
			return &v
		}
		value := func() float64 {
			if p := next(); p != nil {
				return *p
			}
			return 0
		}
		l := anyLimits(rand.New(rand.NewPCG(seed, 3)))
		start := Setting{BatchWays: int(seed % 64), BatchBandwidth: -int(seed % 512), BatchCPU: value()}
		law, err := New(l, Params{EvictBatch: seed%2 == 0}, start)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Duration(0)
		for i := 0; len(data) >= 8 && i < 200; i++ {
			now += time.Second
			if i%17 == 16 {
				now = time.Duration(math.Float64bits(value()) >> 2) // jumps, back too
			}
			look := law.Step
			if i%13 == 5 {
				look = law.Guard
			}
			d := look(Observation{
				Now: now, BatchCPU: next(), BatchGIPS: next(),
				Services: []Service{{Name: "a", Slack: next(), Load: next()}, {Name: "b", Slack: next()}},
				Domains:  []Domain{{PeakMBps: value(), LatencyMBps: next(), BatchMBps: next()}},
			})
			if w := within(l, d.Setting); w != "" {
				t.Fatalf("%s out of limits: %+v", w, d)
			}
			if _, err := json.Marshal(law.State()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// BenchmarkStep: one second of a node with 20 services.
func BenchmarkStep(b *testing.B) {
	law, err := New(full(), Params{}, Setting{BatchWays: 8, BatchBandwidth: 60, BatchCPU: 6})
	if err != nil {
		b.Fatal(err)
	}
	r, at := rand.New(rand.NewPCG(1, 1)), 0
	var services []Service
	for i := range 20 {
		services = append(services, Service{Name: string(rune('a' + i)), Slack: new(0.0)})
	}
	for b.Loop() {
		at++
		for i := range services {
			*services[i].Slack = 0.1 + 0.05*r.NormFloat64()
		}
		law.Step(Observation{Now: time.Duration(at) * time.Second, Services: services})
	}
}
