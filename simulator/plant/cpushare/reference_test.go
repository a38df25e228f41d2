package cpushare

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slowPod and slow are the same laws written without virtual clocks: at each event the rates of all pods are computed anew, from
// scratch and in another way (filling pods in the order of cap over weight), and every job's remaining work is carried forward.
type slowPod struct {
	settings            Settings
	speed               float64
	spin                int
	left                map[int32]float64 // remaining work by job
	used, end, since    float64           // bandwidth: used in the period, its end, where periods are anchored
	throttled, ticking  bool
	cpu, wait, denied   float64
	periods, nThrottled uint64
}

type slow struct {
	cores, now float64
	pods       []*slowPod
	done       map[int32]float64 // time at which each job ended
}

func (p *slowPod) cap() float64 {
	n := p.spin + len(p.left)
	if p.settings.Threads > 0 {
		n = min(n, p.settings.Threads)
	}
	return float64(n)
}

func (s *slow) rates() []float64 {
	order, caps := make([]int, len(s.pods)), make([]float64, len(s.pods))
	weight := func(i int) float64 { return max(s.pods[i].settings.RequestCores, MinWeight) }
	var sum float64
	for i, p := range s.pods {
		order[i] = i
		if !p.throttled {
			caps[i] = p.cap()
		}
		sum += weight(i)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(caps[a]/weight(a), caps[b]/weight(b)) })
	rates, left := make([]float64, len(s.pods)), s.cores
	for _, i := range order {
		rates[i] = min(caps[i], left*weight(i)/sum)
		left -= rates[i]
		sum -= weight(i)
	}
	return rates
}

// run carries everything to a time.
func (s *slow) run(until float64) {
	for {
		rates := s.rates()
		dt := until - s.now
		for i, p := range s.pods {
			if p.settings.LimitCores > 0 && p.cap() > 0 && !p.ticking {
				p.ticking = true
				p.end = p.since + period*(math.Floor((s.now-p.since)/period)+1)
			}
			if p.ticking {
				dt = min(dt, p.end-s.now)
			}
			if rates[i] == 0 {
				continue
			}
			for _, left := range p.left {
				dt = min(dt, left*float64(p.spin+len(p.left))/rates[i]/p.speed)
			}
			if p.settings.LimitCores > 0 {
				dt = min(dt, (p.settings.LimitCores*period-p.used)/rates[i])
			}
		}
		dt = max(dt, 0)
		s.carry(rates, dt)
		if s.now >= until-1e-12 {
			return
		}
	}
}

// carry lets time pass at given rates and handles what then is due.
func (s *slow) carry(rates []float64, dt float64) {
	s.now += dt
	for i, p := range s.pods {
		n := float64(p.spin + len(p.left))
		p.cpu += rates[i] * dt
		p.wait += (p.cap() - rates[i]) * dt
		p.used += rates[i] * dt
		if p.throttled && p.cap() > 0 {
			p.denied += dt
		}
		for id, left := range p.left {
			left -= rates[i] * dt * p.speed / n
			p.left[id] = left
			if left < 1e-11 {
				s.done[id] = s.now
			}
		}
		for id := range s.done {
			delete(p.left, id)
		}
		if p.ticking && s.now >= p.end-1e-10 {
			p.periods++
			if p.throttled {
				p.nThrottled++
			}
			p.ticking = p.used > 0 || p.cap() > 0
			p.used, p.throttled, p.end = 0, false, p.end+period
		} else if p.settings.LimitCores > 0 && p.ticking && p.used >= p.settings.LimitCores*period-1e-11 {
			p.throttled = true
		}
	}
}

// drive runs a machine to a time and notes when jobs end.
func drive(m *Machine, until float64, done map[int32]float64) {
	for m.Next() <= until {
		at := m.Next()
		if id, ended := m.Fire(); ended {
			done[id] = at
		}
	}
}

// Random machines, pods and histories: starts of jobs, spinning threads, resizes, speeds. Every job must end when the slow
// implementation says, and all totals must agree.
func TestAgainstSlowReference(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 1))
		cores := float64(1+rng.IntN(6)) * (0.5 + rng.Float64())
		m, err := New(cores)
		if err != nil {
			t.Fatal(err)
		}
		s := &slow{cores: cores, done: map[int32]float64{}}
		random := func() Settings {
			set := Settings{RequestCores: rng.Float64() * 2, Threads: rng.IntN(4)}
			if rng.IntN(3) == 0 {
				set.LimitCores = 0.05 + rng.Float64()*2
			}
			return set
		}
		for range 1 + rng.IntN(8) {
			set := random()
			if _, err := m.Add(0, set); err != nil {
				t.Fatal(err)
			}
			s.pods = append(s.pods, &slowPod{settings: set, speed: 1, left: map[int32]float64{}})
		}
		done, now := map[int32]float64{}, 0.0
		for job := range int32(150) {
			now += rng.ExpFloat64() * 0.02
			drive(m, now, done)
			s.run(now)
			i := rng.IntN(len(s.pods))
			p := s.pods[i]
			switch rng.IntN(12) {
			case 0:
				p.spin = rng.IntN(3)
				m.Spin(now, i, p.spin)
			case 1:
				p.speed = 0.3 + rng.Float64()
				if err := m.SetSpeed(now, i, p.speed); err != nil {
					t.Fatal(err)
				}
			case 2:
				set := random()
				if set.LimitCores != p.settings.LimitCores {
					p.used, p.throttled = 0, false
					p.ticking = p.ticking && set.LimitCores > 0
				}
				p.settings = set
				if err := m.Resize(now, i, set); err != nil {
					t.Fatal(err)
				}
			default:
				work := rng.ExpFloat64() * 0.05
				p.left[job] = work
				m.Start(now, i, work, job)
			}
			checkConserved(t, m)
		}
		drive(m, now+5, done)
		s.run(now + 5)
		compare(t, seed, m, s, done, now+5)
	}
}

// checkConserved: the cores given are min(cores, cores wanted), and no pod gets more than it can use.
func checkConserved(t *testing.T, m *Machine) {
	t.Helper()
	var given, wanted float64
	for i := range m.pods {
		rate := m.Rate(i)
		given += rate
		wanted += m.lanes[i].cap
		if rate > m.lanes[i].cap+1e-12 || rate < 0 {
			t.Fatalf("pod %d gets %v cores and can use %v", i, rate, m.lanes[i].cap)
		}
	}
	if want := min(m.cores, wanted); math.Abs(given-want) > 1e-9 {
		t.Fatalf("%v cores are given, want %v of %v wanted on %v", given, want, wanted, m.cores)
	}
}

func compare(t *testing.T, seed uint64, m *Machine, s *slow, done map[int32]float64, now float64) {
	t.Helper()
	const tolerance = 1e-6 // both add up thousands of doubles; jobs take about 50 ms
	if len(done) != len(s.done) {
		t.Errorf("seed %d: %d jobs ended, want %d", seed, len(done), len(s.done))
	}
	for id, want := range s.done {
		if math.Abs(done[id]-want) > tolerance {
			t.Errorf("seed %d: job %d ended at %.9f, want %.9f", seed, id, done[id], want)
		}
	}
	for i, p := range s.pods {
		u := m.Usage(now, i)
		if math.Abs(u.CPUSeconds-p.cpu) > tolerance || math.Abs(u.RunQueueSeconds-p.wait) > tolerance ||
			math.Abs(u.ThrottledSeconds-p.denied) > tolerance || u.Periods != p.periods || u.ThrottledPeriods != p.nThrottled {
			t.Errorf("seed %d, pod %d: %+v, want CPU %v, wait %v, throttled %v, %d of %d periods", seed, i, u, p.cpu, p.wait, p.denied,
				p.nThrottled, p.periods)
		}
	}
}
