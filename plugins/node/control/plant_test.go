package control

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/plugins/node/control/readings"
)

// machine is the small plant: one latency-sensitive service and one batch group on one socket.
//
//	MPKI(w) = m_inf + (m_0 - m_inf) exp(-w/w_0), for each of the two
//	BW      = sum of MPKI x instructions/s x 64 B
//	latency = base (1 + kc MPKI/MPKI_all) / (1 - BW/peak) (1 + kq u^e/(1-u)), u = (l + batch)/cores
//
// The run queue's exponent e goes from 1 (a single queue: flat) to that of Sakasegawa's many-server formula (a cliff).
type machine struct {
	cores, load, demand        float64 // cores: of the node, used by the service, wanted by batch
	ways                       int
	lcInf, lc0, lcW            float64 // misses per 1000 instructions
	beInf, be0, beW            float64
	lcIPS, beIPS               float64 // 10^9 instructions a second of a core
	peak                       float64 // MB/s
	missCost, queueCost, queue float64
	target                     float64
	arm                        arm
}

// arm is what the machine can divide.
type arm int

const (
	cpuOnly arm = iota
	withResctrl
	delayOnly // no resctrl, and the signal is the run queue's delay alone
)

func newMachine(r *rand.Rand, a arm) machine {
	between := func(lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }
	n := []float64{4, 8, 16, 32, 64}[r.IntN(5)]
	m := machine{cores: n, load: n * between(0.15, 0.45), demand: n * between(0.7, 1.5), ways: 11 + r.IntN(10), arm: a}
	m.lcInf, m.lc0, m.lcW = between(0.2, 2), between(4, 15), between(1.5, 5)
	m.beInf, m.be0, m.beW = between(0.5, 6), between(6, 25), between(1.5, 6)
	m.lcIPS, m.beIPS = between(0.8, 2), between(0.8, 2.5)
	m.peak = n * between(800, 3000)
	m.missCost, m.queueCost = between(0.2, 1.5), between(0.3, 2)
	m.queue = 1 + (math.Sqrt(2*(n+1))-2)*r.Float64()
	// The target leaves between 0.3 and 0.6 of slack with batch at its minimum, so that there is something to share.
	floor := m.latency(m.least())
	m.target = floor / (1 - between(0.3, 0.6))
	if a == delayOnly { // it is nearly 0 with batch at its minimum
		m.target = m.latency(Setting{BatchCPU: between(0.2, 0.8) * (m.cores - m.load)}) / (1 - readings.Line)
	}
	return m
}

func (m machine) limits() Limits {
	l := Limits{CPU: &CPULimits{Cores: m.cores, Floor: m.cores / 20}}
	if m.arm == withResctrl {
		l.Ways = &WayLimits{Min: 2, Max: m.ways - 2}
		l.Bandwidth = &BandwidthLimits{Min: 10, Step: 10, Max: 100}
	}
	return l
}

func (m machine) least() Setting {
	return Setting{BatchWays: 2, BatchBandwidth: 10, BatchCPU: m.cores / 20}
}

// bandwidths gives what both take: batch's cores run at the speed that its limit of bandwidth leaves.
func (m machine) bandwidths(s Setting) (lc, be, batch, lcMPKI float64) {
	lcWays, beWays := float64(m.ways-s.BatchWays), float64(s.BatchWays)
	if m.arm != withResctrl { // without partitions each gets its part by its use of the cores
		part := min(s.BatchCPU, m.demand) / (min(s.BatchCPU, m.demand) + m.load)
		lcWays, beWays = float64(m.ways)*(1-part), float64(m.ways)*part
	}
	lcMPKI = m.lcInf + (m.lc0-m.lcInf)*math.Exp(-lcWays/m.lcW)
	beMPKI := m.beInf + (m.be0-m.beInf)*math.Exp(-beWays/m.beW)
	lc = lcMPKI * m.lcIPS * m.load * 64
	batch = max(min(s.BatchCPU, m.demand, m.cores-m.load*0.5), 0) * m.beIPS / (1 + beMPKI/20)
	be = beMPKI * batch * 64
	if m.arm == withResctrl {
		if limit := m.peak * float64(s.BatchBandwidth) / 100; be > limit {
			batch, be = batch*limit/be, limit
		}
	}
	if room := 0.98*m.peak - lc; be > room {
		batch, be = batch*max(room, 0)/be, max(room, 0)
	}
	return lc, be, batch, lcMPKI
}

func (m machine) use(s Setting) float64 { return min(s.BatchCPU, m.demand, m.cores-m.load*0.5) }

func (m machine) latency(s Setting) float64 {
	lc, be, _, mpki := m.bandwidths(s)
	u := min((m.load+m.use(s))/m.cores, 0.98)
	if m.arm == delayOnly {
		return m.queueCost * math.Pow(u, m.queue) / (1 - u)
	}
	return (1 + m.missCost*mpki/m.lc0) / (1 - min((lc+be)/m.peak, 0.98)) * (1 + m.queueCost*math.Pow(u, m.queue)/(1-u))
}

func (m machine) slack(s Setting) float64 { return 1 - m.latency(s)/m.target }

func (m machine) throughput(s Setting) float64 {
	_, _, batch, _ := m.bandwidths(s)
	return batch
}

// best is brute force: the most batch work of all settings that keep a slack of 0.05.
func (m machine) best() float64 {
	best := 0.0
	try := func(s Setting) {
		if t := m.throughput(s); t > best && m.slack(s) >= readings.Line {
			best = t
		}
	}
	const grid = 400
	for c := 1; c <= grid; c++ {
		s := Setting{BatchCPU: m.cores * float64(c) / grid}
		if m.arm != withResctrl {
			try(s)
			continue
		}
		if c%4 != 0 {
			continue
		}
		for s.BatchWays = 2; s.BatchWays <= m.ways-2; s.BatchWays++ {
			for s.BatchBandwidth = 10; s.BatchBandwidth <= 100; s.BatchBandwidth += 10 {
				try(s)
			}
		}
	}
	return best
}

// cause is a perfect attribution: the resource whose return to batch's minimum helps most.
func (m machine) cause(s Setting) Cause {
	if m.arm != withResctrl {
		return Unknown
	}
	best, cause := m.slack(s)+0.01, Unknown
	low := m.least()
	for _, c := range []Cause{LLC, MemoryBandwidth, CPU} {
		t := s
		switch c {
		case LLC:
			t.BatchWays = low.BatchWays
		case MemoryBandwidth:
			t.BatchBandwidth = low.BatchBandwidth
		default:
			t.BatchCPU = low.BatchCPU
		}
		if v := m.slack(t); v > best {
			best, cause = v, c
		}
	}
	return cause
}

// event is a change of the plant at a second.
type event struct {
	at int
	do func(*machine)
}

// run is what happens in a run.
type run struct {
	events    []event
	end       int
	recovery  []time.Duration // of each event: to a slack that stays above 0.05 for 5 s; negative: never
	met       []time.Duration // of each event: to a slack that stays above 0 for 5 s; negative: never
	share     float64         // of brute force, from the first event on
	reversals int             // of batch CPU from up to down, from 60 s after an event on
	violated  int             // seconds with a true slack below 0 after recovery
	last      int             // event
	best      float64         // brute force since then
	well      int             // seconds in a row above 0.05
	fine      int             // and above 0
	up        bool            // the last change of batch CPU was up
}

// play lets the law run. Readings are of the last 2 s and have a multiplicative noise.
func (m machine) play(t *testing.T, seed uint64, noise float64, events []event, end int) run {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 11))
	inForce := Setting{BatchCPU: math.Inf(1)}
	if m.arm == withResctrl {
		inForce.BatchWays, inForce.BatchBandwidth = m.ways-2, 100
	}
	law := made(t, m.limits(), Params{}, inForce)
	r := run{events: events, end: end, last: -1}
	previous := math.NaN()
	for at := range end {
		r.happen(&m, at)
		actual := m.slack(inForce)
		signal := (1 - actual) * (1 + noise*random.NormFloat64())
		if math.IsNaN(previous) {
			previous = signal
		}
		d := law.Step(m.observe(at, 1-(signal+previous)/2, inForce, random))
		previous = signal
		if r.last >= 0 {
			r.judge(at, actual, m.throughput(inForce), inForce, d.Setting)
		}
		if d.Changed && testing.Verbose() && seed == *traced {
			t.Logf("%3d s: slack %.3f: %s: %s", at, actual, d.Kind, d.Action)
		}
		inForce = d.Setting
	}
	return r
}

// happen lets the event of a second happen.
func (r *run) happen(m *machine, at int) {
	for i, e := range r.events {
		if e.at == at {
			e.do(m)
			r.best, r.last, r.well, r.fine, r.up = m.best(), i, 0, 0, false
			r.recovery, r.met = append(r.recovery, -1), append(r.met, -1)
		}
	}
}

func (m machine) observe(at int, slack float64, s Setting, random *rand.Rand) Observation {
	jitter := func(v float64) *float64 { return new(v * (1 + 0.02*random.NormFloat64())) }
	o := Observation{
		Now: time.Duration(at) * time.Second, BatchCPU: jitter(m.use(s)), BatchGIPS: jitter(m.throughput(s)),
		Services: []Service{{Name: "web", Slack: &slack, Cause: m.cause(s)}},
	}
	if m.arm == withResctrl {
		lc, be, _, _ := m.bandwidths(s)
		o.Domains = []Domain{{PeakMBps: m.peak, LatencyMBps: jitter(lc), BatchMBps: jitter(be)}}
	}
	return o
}

// judge counts a second.
func (r *run) judge(at int, actual, throughput float64, before, after Setting) {
	if r.recovery[r.last] >= 0 && actual < 0 {
		r.violated++
	}
	first := func(n *int, line float64, when *time.Duration) {
		const lasts = 5
		if *n++; actual < line {
			*n = 0
		}
		if *n == lasts && *when < 0 {
			*when = time.Duration(at-lasts+1-r.events[r.last].at) * time.Second
		}
	}
	first(&r.well, readings.Line, &r.recovery[r.last])
	first(&r.fine, 0, &r.met[r.last])
	r.share += min(throughput/r.best, 1) / float64(r.end-r.events[0].at)
	if at > r.events[r.last].at+60 && before.BatchCPU != after.BatchCPU {
		if after.BatchCPU < before.BatchCPU && r.up {
			r.reversals++
		}
		r.up = after.BatchCPU > before.BatchCPU
	}
}
