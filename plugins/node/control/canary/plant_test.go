package canary

import (
	"math"
	"math/rand/v2"
	"time"
)

// service is one of the plant's: its misses fall with its ways, its memory stalls by what its bandwidth lacks, and its latency grows like
// 1/(1 - utilisation). None of it is what package search assumes, which knows smooth curves only.
type service struct {
	name                string
	least, most, spread float64 // misses per 1,000 instructions with all ways and with none, and the ways that cost a factor e
	cost                float64 // of a miss, in parts of the time of 1,000 instructions without
	hunger              float64 // units of bandwidth per miss per 1,000 instructions
	load                float64 // utilisation without misses
	target              float64
}

// latency with shares in force, in times of a request without misses and without load.
func (s *service) latency(x Shares) float64 {
	misses := s.least + (s.most-s.least)*math.Exp(-float64(x.Ways)/s.spread)
	stall := s.cost * misses
	if want := s.hunger * misses; x.Bandwidth > 0 && want > float64(x.Bandwidth) {
		stall *= want / float64(x.Bandwidth)
	}
	work := 1 + stall
	return work / (1 - min(s.load*work, 0.98))
}

func (s *service) slack(x Shares) float64 { return 1 - s.latency(x)/s.target }

// node is a machine with services and a clock.
type node struct {
	services []service
	given    []Shares
	limits   Limits
	batch    Batch
	noise    float64
	random   *rand.Rand
	now      time.Duration
	// warm is the latency of each service, which follows what is in force with a time constant of 0.7 s; sums are over the last window.
	warm, sums []float64
	inForce    map[string]Shares
	blind      bool
}

// newNode draws two to four services that share 11 to 20 ways, of which the spec gives batch 2 to 4, and on every other machine bandwidth.
func newNode(r *rand.Rand) *node {
	n := &node{random: r, noise: 0.02}
	count := 2 + r.IntN(3)
	spare := 2 + r.IntN(3)
	each := (11+r.IntN(10)-spare-2)/count + 1
	n.limits.Ways = &Range{Min: 1, Step: 1, Max: 20}
	n.batch = Batch{Given: Shares{Ways: 2 + spare}, Has: Shares{Ways: 2}, AtMinimum: true}
	with := r.IntN(2) == 0
	if with {
		n.limits.Bandwidth = &Range{Min: 10, Step: 10, Max: 100}
	}
	for i := range count {
		s := service{
			name: string(rune('a' + i)), least: 1 + 2*r.Float64(), most: 10 + 30*r.Float64(), spread: 1 + 5*r.Float64(), cost: 0.01 + 0.04*r.Float64(),
			load: 0.2 + 0.25*r.Float64(), hunger: 1 + 4*r.Float64(),
		}
		g := Shares{Ways: each}
		if with {
			g.Bandwidth = 30
		}
		n.services, n.given = append(n.services, s), append(n.given, g)
	}
	// The targets are those that some division just meets, with a margin of 6 to 15 %: of a random one.
	p, _ := newPool(n.input())
	for _, x := range p.draw(r) {
		i := len(n.warm)
		s := &n.services[i]
		s.target = s.latency(x) * (1.06 + 0.09*r.Float64())
		n.warm, n.sums = append(n.warm, s.latency(n.given[i])), append(n.sums, 0)
	}
	return n
}

// draw is a random division of a pool.
func (p *pool) draw(r *rand.Rand) []Shares {
	out := make([]Shares, len(p.names))
	for i := range p.parts {
		t := &p.parts[i]
		for j := range out {
			*t.at(&out[j]) = t.least * t.limit.Step
		}
		for range t.units - len(out) {
			if v := t.at(&out[r.IntN(len(out))]); *v+t.limit.Step <= t.limit.Max {
				*v += t.limit.Step
			}
		}
	}
	return out
}

func (n *node) input() *Input {
	in := &Input{Now: n.now, Allowed: true, Batch: n.batch, Limits: n.limits, Spec: "1"}
	for i := range n.services {
		in.Partitions = append(in.Partitions, Partition{Name: n.services[i].name, Services: 1, Given: n.given[i], Load: new(n.services[i].load)})
	}
	return in
}

func (n *node) has(i int) Shares {
	if x, ok := n.inForce[n.services[i].name]; ok {
		return x
	}
	return n.given[i]
}

// misses says whether a service misses its set-point without noise.
func (n *node) misses(shares func(i int) Shares) bool {
	for i := range n.services {
		if n.services[i].slack(shares(i)) < 0 {
			return true
		}
	}
	return false
}

// second lets one pass, in steps of 100 ms; every other one ends with readings.
func (n *node) second() *Input {
	const steps, constant = 10, 0.7
	for i := range n.services {
		s := &n.services[i]
		for range steps {
			n.warm[i] += (s.latency(n.has(i)) - n.warm[i]) * (1 - math.Exp(-1/(steps*constant)))
			n.sums[i] += n.warm[i] / (2 * steps)
		}
	}
	n.now += time.Second
	in := n.input()
	if n.now%observe == 0 {
		for i := range n.services {
			if !n.blind {
				in.Partitions[i].Slack = new(1 - n.sums[i]*(1+n.noise*n.random.NormFloat64())/n.services[i].target)
			}
			n.sums[i] = 0
		}
	}
	return in
}

// run takes seconds until the machine says stop, or so many have passed.
func (n *node) run(m *Machine, seconds int, each func(in *Input, d Decision) (stop bool)) Decision {
	var d Decision
	for range seconds {
		in := n.second()
		d = m.Step(*in)
		n.inForce = d.Setting
		if each(in, d) {
			break
		}
	}
	return d
}

// most is the greatest least slack of all divisions, by trying all of them.
func (n *node) most() float64 {
	p, _ := newPool(n.input())
	x := p.spec()
	best := math.Inf(-1)
	var walk func(i int)
	walk = func(i int) {
		if i == len(p.parts) {
			least := math.Inf(1)
			for j := range x {
				least = min(least, n.services[j].slack(x[j]))
			}
			best = max(best, least)
			return
		}
		t := &p.parts[i]
		var split func(j, left int)
		split = func(j, left int) {
			for u := 1; u <= left-(len(x)-1-j); u++ {
				if j == len(x)-1 {
					u = left
				}
				*t.at(&x[j]) = min((u+t.least-1)*t.limit.Step, t.limit.Max)
				if j == len(x)-1 {
					walk(i + 1)
					return
				}
				split(j+1, left-u)
			}
		}
		split(0, t.units)
	}
	walk(0)
	return best
}
