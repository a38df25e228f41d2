package roster_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/api/membership"
	"github.com/ballast-k8s/ballast/plugins/node/placement/quota"
	"github.com/ballast-k8s/ballast/plugins/node/placement/roster"
)

var (
	start      = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	partitions = []membership.Partition{
		{Name: "web", Members: []membership.Member{{Namespace: "shop"}}},
		{Name: "batch", Members: []membership.Member{{QoS: membership.BestEffort}}},
	}
	groups = map[string]string{"batch": "ballast-batch"}
)

func entry(id string) roster.Entry {
	return roster.Entry{ID: id, Namespace: "jobs", Pod: "job-" + id, PodUID: "uid-" + id, Name: "main", QoS: membership.BestEffort}
}

func TestBudget(t *testing.T) {
	for _, tt := range []struct{ rmids, groups, want int }{
		// 256 - 1 - 10 - 26 (a tenth, rounded up)
		{256, 10, 219},
		// 16 - 1 - 5 - 4
		{16, 5, 6},
		{16, 11, 0},
		{16, 14, 0},
		{0, 0, 0},
	} {
		if got := roster.Budget(tt.rmids, tt.groups); got != tt.want {
			t.Errorf("%d ids, %d groups: %d, want %d", tt.rmids, tt.groups, got, tt.want)
		}
	}
}

func TestBackoff(t *testing.T) {
	var b roster.Backoff
	now := start
	if !b.Ready(now) {
		t.Error("the zero value holds back")
	}
	for _, want := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		b.Note(errors.New("no"), now)
		wait := time.Duration(want) * time.Second
		if b.Ready(now.Add(wait-1)) || !b.Ready(now.Add(wait)) {
			t.Errorf("holds back until %v, want %v", b.Until().Sub(now), wait)
		}
		now = now.Add(wait)
	}
	b.Note(nil, now)
	if !b.Ready(now) {
		t.Error("holds back after a success")
	}
}

// TestClass: who is handed which class when it is made.
func TestClass(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*roster.Wish, *roster.Entry)
		want   roster.Adjustment
	}{
		{"a group that is there", nil, roster.Adjustment{Class: "ballast-batch"}},
		{
			"within the budget", func(w *roster.Wish, _ *roster.Entry) { w.Monitors = 1 },
			roster.Adjustment{Class: "ballast-batch", Monitor: true},
		},
		{"no group", func(w *roster.Wish, _ *roster.Entry) { w.Groups = nil }, roster.Adjustment{}},
		{"not the kernel's own", func(w *roster.Wish, _ *roster.Entry) { w.Real = false }, roster.Adjustment{}},
		{"not active", func(w *roster.Wish, _ *roster.Entry) { w.Act = false }, roster.Adjustment{}},
		{"no partition", func(_ *roster.Wish, e *roster.Entry) { e.QoS = membership.Burstable }, roster.Adjustment{}},
		{"another partition, without a group", func(_ *roster.Wish, e *roster.Entry) { e.Namespace = "shop" }, roster.Adjustment{}},
		{"somebody else's class", func(_ *roster.Wish, e *roster.Entry) { e.Class = "pqos" }, roster.Adjustment{}},
		{
			"a class of ours that is not its own", func(_ *roster.Wish, e *roster.Entry) { e.Class = "ballast-web" },
			roster.Adjustment{Class: "ballast-batch"},
		},
		{"its own already", func(_ *roster.Wish, e *roster.Entry) { e.Class = "ballast-batch" }, roster.Adjustment{}},
	} {
		r, e := roster.New(), entry("a")
		w := roster.Wish{Act: true, Partitions: partitions, Groups: groups, Real: true}
		if tt.change != nil {
			tt.change(&w, &e)
		}
		r.Wish(w)
		if got := r.Create(e, start); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if got := roster.New().Create(entry("a"), start); got != (roster.Adjustment{}) {
		t.Errorf("before the first wish: %+v", got)
	}
}

// TestMonitorsWithinBudget: between two wishes no more monitor groups are asked for than there is room for.
func TestMonitorsWithinBudget(t *testing.T) {
	r := roster.New()
	r.Wish(roster.Wish{Act: true, Partitions: partitions, Groups: groups, Real: true, Monitors: 3})
	asked := 0
	for i := range 10 {
		if a := r.Create(entry(fmt.Sprint(i)), start); a.Monitor {
			asked++
		} else if a.Class == "" {
			t.Errorf("container %d gets no class", i)
		}
	}
	if asked != 3 {
		t.Errorf("%d monitor groups, want 3", asked)
	}
}

// TestNotStarted: what a container did not start with it does not get again; two in a row hold all back for a while; one that starts
// ends it.
func TestNotStarted(t *testing.T) {
	r := roster.New()
	r.Wish(roster.Wish{Act: true, Partitions: partitions, Groups: groups, Real: true})
	now := start
	attempt := func(pod string, n int) roster.Adjustment {
		e := entry(pod)
		e.ID = fmt.Sprintf("%s-%d", pod, n)
		return r.Create(e, now)
	}
	nothing := roster.Adjustment{}
	if attempt("a", 1) == nothing || attempt("a", 2) != nothing || attempt("a", 3) != nothing {
		t.Error("the second and third attempt of a pod whose first failed get something")
	}
	if attempt("b", 1) == nothing || !r.Held(now).IsZero() {
		t.Error("after one failure another pod gets nothing")
	}
	attempt("b", 2)
	if attempt("c", 1) != nothing || r.Held(now) != now.Add(time.Second) {
		t.Errorf("after two failures a pod gets something; held until %v", r.Held(now))
	}
	now = now.Add(time.Second)
	if attempt("d", 1) == nothing {
		t.Error("after the wait a pod gets nothing")
	}
	attempt("d", 2)
	if want := now.Add(2 * time.Second); r.Held(now) != want {
		t.Errorf("held until %v, want %v", r.Held(now), want)
	}
	now = now.Add(2 * time.Second)
	if attempt("e", 1) == nothing {
		t.Error("after the second wait a pod gets nothing")
	}
	r.Started("e-1", 1, quota.Limit{})
	r.Started("a-3", 1, quota.Limit{}) // started without
	attempt("f", 1)
	attempt("f", 2)
	if !r.Held(now).IsZero() {
		t.Error("one failure after a success holds back")
	}
	if attempt("a", 4) == nothing {
		t.Error("a pod whose container started gets nothing again")
	}
}

// TestLimits plays kubelet, runtime, wishes and kills of the agent at random against a model: what the kubelet wants of each container, and
// what the runtime holds, merged as runtimes do. Whenever the limits that are due have been written, each container has the smaller one
// of the two, and without a wish the kubelet's; and in between no update of the kubelet's lifts ours.
func TestLimits(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	m := &model{r: roster.New(), kubelet: map[string]quota.Limit{}, have: map[string]quota.Limit{}, random: random}
	wish := roster.Wish{Act: true, Partitions: partitions, Own: map[string]float64{}}
	m.r.Wish(wish)
	for step := range 20_000 {
		id := fmt.Sprint(random.IntN(6))
		switch _, there := m.have[id]; {
		case !there:
			m.create(id)
		case random.IntN(20) == 0:
			m.r.Ended(id)
			m.r.Removed(id)
			delete(m.have, id)
		case random.IntN(3) == 0:
			m.resize(t, id, wish)
		case random.IntN(10) == 0:
			if random.IntN(2) == 0 { // killed
				m.r = roster.New()
			}
			m.sync()
			m.r.Wish(wish)
		default:
			own := map[string]float64{}
			for i := range 6 {
				if random.IntN(2) == 0 {
					own[fmt.Sprint(i)] = 0.02 + random.Float64()*3
				}
			}
			wish.Act, wish.Own = random.IntN(5) > 0, own
			m.r.Wish(wish)
		}
		if random.IntN(3) == 0 {
			continue
		}
		for _, c := range m.r.Due(start, false) {
			m.have[c.ID] = c.Limit
			m.r.Wrote(c, nil, start)
		}
		for id, have := range m.have {
			m.check(t, step, id, have, wish)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	for _, c := range m.r.Due(start, true) {
		m.have[c.ID] = c.Limit
	}
	for id, have := range m.have {
		got, want := have.Cores(), m.kubelet[id].Cores()
		if got != want && math.Abs(got-want) > 1.001e-3 { // exact but for a kill with a limit of, say, 1.999 cores
			t.Errorf("lifted: %s has %+v, the kubelet wants %+v", id, have, m.kubelet[id])
		}
	}
}

type model struct {
	r             *roster.Roster
	kubelet, have map[string]quota.Limit
	random        *rand.Rand
}

// limit is one that a kubelet may want; without one, Quota is 0.
func (m *model) limit() quota.Limit {
	if m.random.IntN(3) == 0 {
		return quota.Limit{Period: 100_000}
	}
	return quota.Limit{Quota: int64(10+m.random.IntN(4000)) * 100, Period: 100_000}
}

func (m *model) create(id string) {
	e := entry(id)
	e.Limit = m.limit()
	m.kubelet[id] = e.Limit
	a := m.r.Create(e, start)
	m.have[id] = e.Limit
	if a.Limited {
		m.have[id] = a.Limit
	}
	m.r.Started(id, 1, m.have[id])
}

func (m *model) resize(t *testing.T, id string, wish roster.Wish) {
	asked := m.limit()
	if asked.Quota != 0 {
		m.kubelet[id] = asked
	}
	merged := m.have[id]
	before := merged.Cores()
	if asked.Quota != 0 {
		merged.Quota = asked.Quota
	}
	merged.Period = asked.Period
	_, ours := quota.Kubelet(m.have[id])
	if answer, changed := m.r.Updating(id, asked, 0); changed {
		merged = answer
	}
	m.have[id] = merged
	m.r.Updated(id, merged)
	if want, is := wish.Own[id]; is && wish.Act && ours && before <= want*1.05 && merged.Cores() > want*1.05+1e-3 {
		t.Errorf("a resize of %s to %v cores lifted our %v to %v", id, asked.Cores(), want, merged.Cores())
	}
}

// sync is a new connection, perhaps of a new agent, which has to find everything in what the runtime holds.
func (m *model) sync() {
	var list []roster.Entry
	for id, have := range m.have {
		e := entry(id)
		e.Limit, e.PID = have, 1
		list = append(list, e)
	}
	m.r.Sync(list, start)
}

func (m *model) check(t *testing.T, step int, id string, have quota.Limit, wish roster.Wish) {
	t.Helper()
	want := m.kubelet[id].Cores()
	if own, is := wish.Own[id]; is && wish.Act {
		want = min(want, own)
	}
	got := have.Cores()
	if math.IsInf(want, 1) != math.IsInf(got, 1) || !math.IsInf(want, 1) && (got > want*1.05+1e-3 || got < want*0.9-1e-3) {
		t.Errorf("step %d: %s has %v cores, want %v: wish %+v, the kubelet %+v", step, id, got, want, wish, m.kubelet[id])
	}
}

// TestNewAgent: an agent that knows nothing finds the limits of one before, leaves them until there is a wish, and finds the kubelet's
// in them.
func TestNewAgent(t *testing.T) {
	kubelet := quota.Limit{Quota: 150_000, Period: 100_000}
	r, e := roster.New(), entry("a")
	e.Limit, e.PID = quota.Min(0.2, kubelet), 1
	r.Sync([]roster.Entry{e}, start)
	if due := r.Due(start, false); len(due) != 0 {
		t.Errorf("before the first wish: %+v", due)
	}
	if rows := r.Rows(); rows[0].Kubelet != 1.5 || math.Abs(rows[0].Limit.Cores()-0.2) > 1e-4 {
		t.Errorf("%+v", rows)
	}
	r.Wish(roster.Wish{Act: true, Partitions: partitions})
	if due := r.Due(start, false); len(due) != 1 || due[0].Limit != kubelet {
		t.Errorf("after a wish without limits: %+v, want %+v", due, kubelet)
	}
}

// TestRefused: a limit that the runtime refuses is tried again later and later.
func TestRefused(t *testing.T) {
	r, e := roster.New(), entry("a")
	e.PID = 1
	r.Sync([]roster.Entry{e}, start)
	r.Wish(roster.Wish{Act: true, Partitions: partitions, Cores: map[string]float64{"batch": 0.5}})
	due := r.Due(start, false)
	if len(due) != 1 {
		t.Fatalf("%+v", due)
	}
	r.Wrote(due[0], errors.New("no"), start)
	if len(r.Due(start.Add(time.Second-1), false)) != 0 || len(r.Due(start.Add(time.Second), false)) != 1 {
		t.Error("not tried again after a second")
	}
	if rows := r.Rows(); rows[0].Problem != "no" {
		t.Errorf("%+v", rows)
	}
}

// TestSeen: without a runtime to ask, the node's own files tell who is there and belongs where; nobody is limited then.
func TestSeen(t *testing.T) {
	r, e := roster.New(), entry("a")
	e.Cgroup, e.Use = "/kubepods/besteffort/poda/a", 0.5
	r.Wish(roster.Wish{Act: true, Partitions: partitions, Groups: groups, Cores: map[string]float64{"batch": 0.5}})
	r.Seen([]roster.Entry{e}, start)
	if rows := r.Rows(); len(rows) != 1 || rows[0].Control != "ballast-batch" || rows[0].Cgroup != e.Cgroup || rows[0].Runtime {
		t.Fatalf("%+v", rows)
	}
	if due := r.Due(start, false); len(due) != 0 {
		t.Errorf("%+v", due)
	}
	r.Seen([]roster.Entry{}, start.Add(time.Minute))
	if !r.Knows("a") {
		t.Error("forgotten after a minute")
	}
	r.Seen([]roster.Entry{}, start.Add(11*time.Minute))
	if r.Knows("a") {
		t.Error("not forgotten after eleven minutes")
	}
}

// TestBounded: more containers than any node has are left alone.
func TestBounded(t *testing.T) {
	r := roster.New()
	r.Wish(roster.Wish{Act: true, Partitions: partitions, Groups: groups, Real: true})
	var list []roster.Entry
	for i := range roster.MaxContainers + 10 {
		list = append(list, entry(fmt.Sprint(i)))
	}
	r.Sync(list, start)
	if n := len(r.Rows()); n != roster.MaxContainers {
		t.Errorf("%d containers", n)
	}
	if a := r.Create(entry("one more"), start); a != (roster.Adjustment{}) {
		t.Errorf("%+v", a)
	}
}

// BenchmarkCreate is the answer to the runtime on a node with 200 batch containers under one limit.
func BenchmarkCreate(b *testing.B) {
	r := roster.New()
	r.Wish(roster.Wish{Act: true, Partitions: partitions, Groups: groups, Real: true, Cores: map[string]float64{"batch": 8}})
	for i := range 200 {
		r.Create(entry(fmt.Sprint(i)), start)
		r.Started(fmt.Sprint(i), 1, quota.Limit{})
	}
	for b.Loop() {
		r.Create(entry("new"), start)
		r.Removed("new")
	}
}
