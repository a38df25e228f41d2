package callgraph

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Services of the hand-made traces.
const (
	front = iota
	search
	rate
)

func id(n int) SpanID {
	var s SpanID
	s[7], s[6] = byte(n), byte(n>>8)
	return s
}

func span(n, parent, service int, kind Kind, start, end int64) Span {
	return Span{ID: id(n), Parent: id(parent), Service: service, Kind: kind, Start: start, End: end}
}

const ms = 1_000_000

// chain is front [0,100] calling search by a client span [10,60] whose server has [15,50], and then rate [60,90] / [62,88].
func chain() []Span {
	return []Span{
		span(1, 0, front, Server, 0, 100*ms),
		span(2, 1, front, Client, 10*ms, 60*ms),
		span(3, 2, search, Server, 15*ms, 50*ms),
		span(4, 1, front, Client, 60*ms, 90*ms),
		span(5, 4, rate, Server, 62*ms, 88*ms),
	}
}

func sweepRoot(t *testing.T, spans []Span) (Parts, Repairs) {
	t.Helper()
	tree, repairs := Build(spans)
	parts := tree.Sweep(tree.Root())
	sum := parts.Network
	for _, p := range parts.Services {
		sum += p.Critical
	}
	if sum != parts.Duration {
		t.Errorf("parts add up to %d of %d", sum, parts.Duration)
	}
	return parts, repairs
}

func TestSweep(t *testing.T) {
	tests := []struct {
		name    string
		spans   []Span
		want    Parts
		repairs Repairs
	}{
		{name: "empty"},
		{
			// front: 100 − 50 − 30 = 20. Network: (50 − 35) + (30 − 26) = 19. 20 + 35 + 26 + 19 = 100.
			name: "chain", spans: chain(),
			want: Parts{Duration: 100 * ms, Network: 19 * ms, Services: []Part{
				{front, 1, 20 * ms, 20 * ms}, {search, 1, 35 * ms, 35 * ms}, {rate, 1, 26 * ms, 26 * ms},
			}},
		},
		{
			// Two calls side by side, [10,60] and [10,90]: the shorter is hidden. front: 10 + 10; rate 80 on the path, search 50 off it.
			name: "parallel",
			spans: []Span{
				span(1, 0, front, Server, 0, 100*ms),
				span(2, 1, search, Server, 10*ms, 60*ms),
				span(3, 1, rate, Server, 10*ms, 90*ms),
			},
			want: Parts{Duration: 100 * ms, Services: []Part{
				{front, 1, 20 * ms, 20 * ms}, {search, 1, 50 * ms, 0}, {rate, 1, 80 * ms, 80 * ms},
			}},
		},
		{
			// search [10,60] overlaps rate [40,90], on which the path is: front's own are [0,40] and [90,100].
			name: "overlap",
			spans: []Span{
				span(1, 0, front, Server, 0, 100*ms),
				span(2, 1, search, Server, 10*ms, 60*ms),
				span(3, 1, rate, Server, 40*ms, 90*ms),
			},
			want: Parts{Duration: 100 * ms, Services: []Part{
				{front, 1, 50 * ms, 50 * ms}, {search, 1, 50 * ms, 0}, {rate, 1, 50 * ms, 50 * ms},
			}},
		},
		{
			// A consumer of a message: calls and time of its service, not on the path. A span of the same service that goes on after the
			// answer is the same.
			name: "background",
			spans: []Span{
				span(1, 0, front, Server, 0, 100*ms),
				span(2, 1, front, Producer, 40*ms, 50*ms),
				span(3, 2, search, Consumer, 45*ms, 300*ms),
				span(4, 1, front, Internal, 90*ms, 130*ms),
			},
			want: Parts{Duration: 100 * ms, Services: []Part{{front, 1, 140 * ms, 100 * ms}, {search, 1, 255 * ms, 0}}},
		},
		{
			// A handler below the router's span is the same call: 10 + 40 of its own. An attempt inside the client span is network as this
			// is: 10 + 10. Search has 30.
			name: "inside one service",
			spans: []Span{
				span(1, 0, front, Server, 0, 100*ms),
				span(2, 1, front, Server, 5*ms, 95*ms),
				span(3, 2, front, Client, 20*ms, 70*ms),
				span(4, 3, front, Internal, 25*ms, 65*ms),
				span(5, 4, search, Server, 30*ms, 60*ms),
			},
			want: Parts{Duration: 100 * ms, Network: 20 * ms, Services: []Part{{front, 1, 50 * ms, 50 * ms}, {search, 1, 30 * ms, 30 * ms}}},
		},
		{
			// Threads of one call, [10,60] and [20,80], overlap: they are no more than the call. Search, in one of them, takes 30 of it.
			name: "threads",
			spans: []Span{
				span(1, 0, front, Server, 0, 100*ms),
				span(2, 1, front, Internal, 10*ms, 60*ms),
				span(3, 1, front, Internal, 20*ms, 80*ms),
				span(4, 3, search, Server, 40*ms, 70*ms),
			},
			want: Parts{Duration: 100 * ms, Services: []Part{{front, 1, 70 * ms, 70 * ms}, {search, 1, 30 * ms, 30 * ms}}},
		},
		{
			// A message to itself is another call: 100 − 20 of the handler, which has 20 + 10 for producer and consumer.
			name: "message to itself",
			spans: []Span{
				span(1, 0, front, Server, 0, 100*ms),
				span(2, 1, front, Producer, 40*ms, 60*ms),
				span(3, 2, front, Consumer, 45*ms, 55*ms),
			},
			want: Parts{Duration: 100 * ms, Services: []Part{{front, 2, 110 * ms, 100 * ms}}},
		},
		{
			// A service that calls itself is called twice.
			name: "recursion",
			spans: []Span{
				span(1, 0, front, Server, 0, 100*ms),
				span(2, 1, front, Client, 20*ms, 80*ms),
				span(3, 2, front, Server, 30*ms, 70*ms),
			},
			want: Parts{Duration: 100 * ms, Network: 20 * ms, Services: []Part{{front, 2, 80 * ms, 80 * ms}}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, repairs := sweepRoot(t, test.spans)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			if repairs != test.repairs {
				t.Errorf("repairs %+v, want %+v", repairs, test.repairs)
			}
		})
	}
}

func TestRepairs(t *testing.T) {
	server := func(s Span) []Span { return append(chain()[:2], s, chain()[3], chain()[4]) }
	tests := []struct {
		name    string
		spans   []Span
		network int64 // ms; the rest follows
		search  Part
		repairs Repairs
	}{
		// 400 ms ahead: [415,450] goes to the middle of [10,60], with its own 35 ms.
		{"clock ahead", server(span(3, 2, search, Server, 415*ms, 450*ms)), 19, Part{search, 1, 35 * ms, 35 * ms}, Repairs{Shifted: 1}},
		// 100 ms long in a call of 50 (the caller gave up): only [10,60] of it is on the path.
		{
			"outlives the caller", server(span(3, 2, search, Server, 10*ms, 110*ms)), 4,
			Part{search, 1, 100 * ms, 50 * ms},
			Repairs{Clamped: 1},
		},
		// Its start before the caller's: moved to the caller's start.
		{
			"longer and earlier", server(span(3, 2, search, Server, 5*ms, 105*ms)), 4,
			Part{search, 1, 100 * ms, 50 * ms},
			Repairs{Shifted: 1, Clamped: 1},
		},
		{"backward", server(span(3, 2, search, Server, 50*ms, 15*ms)), 54, Part{search, 1, 0, 0}, Repairs{Backward: 1}},
		{
			"duplicate", append(chain(), span(3, 1, rate, Server, 0, 99*ms)), 19,
			Part{search, 1, 35 * ms, 35 * ms},
			Repairs{Duplicates: 1},
		},
		// The parent of search is missing: it goes to the only client span around it that has no child.
		{"orphan", server(span(3, 77, search, Server, 15*ms, 50*ms)), 19, Part{search, 1, 35 * ms, 35 * ms}, Repairs{Orphans: 1}},
		// No hole around it, but the root: hidden behind the call of rate, which ends later.
		{"orphan of the root", server(span(3, 77, search, Server, 55*ms, 70*ms)), 54, Part{search, 1, 15 * ms, 0}, Repairs{Orphans: 1}},
		// The call of rate is around it, but has its callee; below it [60,62] would be on the path.
		{"no hole", server(span(3, 77, search, Server, 60*ms, 62*ms)), 54, Part{search, 1, 2 * ms, 0}, Repairs{Orphans: 1}},
		{"lost", append(chain(), span(8, 77, rate, Server, 95*ms, 105*ms)), 19, Part{search, 1, 35 * ms, 35 * ms}, Repairs{Lost: 1}},
		{
			"circle", append(chain(), span(8, 9, rate, Server, 1, 2), span(9, 8, rate, Server, 1, 2), span(10, 9, rate, Server, 1, 2)),
			19,
			Part{search, 1, 35 * ms, 35 * ms},
			Repairs{Cycles: 3},
		},
		{"its own parent", append(chain(), span(8, 8, rate, Server, 1, 2)), 19, Part{search, 1, 35 * ms, 35 * ms}, Repairs{Cycles: 1}},
		{"two roots", append(chain(), span(8, 0, rate, Server, 1, 2)), 19, Part{search, 1, 35 * ms, 35 * ms}, Repairs{Roots: 1}},
		{
			"invalid", append(chain(), span(0, 1, rate, Server, 1, 2), span(8, 1, rate, Server, -1, 2), span(9, 1, rate, Server, 0, 1<<50)),
			19,
			Part{search, 1, 35 * ms, 35 * ms},
			Repairs{Invalid: 3},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, repairs := sweepRoot(t, test.spans)
			if repairs != test.repairs {
				t.Errorf("repairs %+v, want %+v", repairs, test.repairs)
			}
			if got.Duration != 100*ms || got.Network != test.network*ms {
				t.Errorf("duration %d, network %d; want 100 ms, %d ms", got.Duration, got.Network, test.network)
			}
			if at := slices.IndexFunc(got.Services, func(p Part) bool { return p.Service == search }); at < 0 || got.Services[at] != test.search {
				t.Errorf("services %+v, want %+v in it", got.Services, test.search)
			}
		})
	}
}

// A machine whose clock is ahead: what its service did below the moved call is moved along, and the call that it made to another
// machine, whose clock is right, is not.
func TestMovesWithTheMachine(t *testing.T) {
	got, repairs := sweepRoot(t, []Span{
		span(1, 0, front, Server, 0, 100*ms),
		span(2, 1, front, Client, 10*ms, 90*ms),
		span(3, 2, search, Server, 1020*ms, 1080*ms), // to [20,80]
		span(4, 3, search, Client, 1030*ms, 1070*ms), // to [30,70]
		span(5, 4, rate, Server, 35*ms, 65*ms),
	})
	want := Parts{Duration: 100 * ms, Network: 30 * ms, Services: []Part{
		{front, 1, 20 * ms, 20 * ms}, {search, 1, 20 * ms, 20 * ms}, {rate, 1, 30 * ms, 30 * ms},
	}}
	if diff := cmp.Diff(want, got); diff != "" || repairs != (Repairs{Shifted: 1}) {
		t.Errorf("repairs %+v; parts (-want +got):\n%s", repairs, diff)
	}
}

// Services on the machine whose clock is ahead keep their order: moved to the middle of search one by one, rate would lie behind geo.
func TestMovesTogether(t *testing.T) {
	const geo = 3
	got, repairs := sweepRoot(t, []Span{
		span(1, 0, front, Server, 0, 100*ms),
		span(2, 1, search, Server, 1020*ms, 1080*ms), // to [20,80]
		span(3, 2, rate, Server, 1022*ms, 1030*ms),
		span(4, 2, geo, Server, 1040*ms, 1078*ms),
	})
	want := Parts{Duration: 100 * ms, Services: []Part{
		{front, 1, 40 * ms, 40 * ms}, {search, 1, 14 * ms, 14 * ms}, {rate, 1, 8 * ms, 8 * ms}, {geo, 1, 38 * ms, 38 * ms},
	}}
	if diff := cmp.Diff(want, got); diff != "" || repairs != (Repairs{Shifted: 3}) {
		t.Errorf("repairs %+v; parts (-want +got):\n%s", repairs, diff)
	}
}

func TestEntries(t *testing.T) {
	isFront := func(s Span) bool { return s.Service == front && s.Kind == Server }
	// A gateway without spans: all requests of the trace have the same missing parent.
	tree, repairs := Build([]Span{
		span(1, 90, front, Server, 50, 60), span(2, 1, front, Server, 51, 59),
		span(3, 90, front, Server, 10, 20), span(4, 3, search, Server, 11, 12),
	})
	if got := tree.Entries(isFront); !slices.Equal(got, []int{2, 0}) || repairs != (Repairs{Roots: 1}) {
		t.Errorf("entries %v, repairs %+v", got, repairs)
	}
	// Below the client span of a load generator.
	tree, _ = Build([]Span{span(1, 0, rate, Client, 0, 100), span(2, 1, front, Server, 10, 90), span(3, 2, front, Client, 20, 80)})
	entries := tree.Entries(isFront)
	if !slices.Equal(entries, []int{1}) {
		t.Fatalf("entries %v", entries)
	}
	want := Parts{Duration: 80, Network: 60, Services: []Part{{front, 1, 20, 20}}}
	if diff := cmp.Diff(want, tree.Sweep(1)); diff != "" {
		t.Error(diff)
	}
	if got := tree.Sweep(7); got.Duration != 0 || got.Services != nil {
		t.Errorf("out of range: %+v", got)
	}
}

// stepping is the sweep, one nanosecond at a time, on spans that lie inside their parents and are short enough for no tolerance.
func stepping(spans []Span, at int, lo, hi int64, own map[int]int64) {
	child := -1
	var from, to int64
	for now := hi; now > lo; now-- {
		if child >= 0 && now <= from {
			stepping(spans, child, from, to, own)
			child = -1
		}
		if child >= 0 {
			continue
		}
		for i, s := range spans {
			if s.Parent == spans[at].ID && s.Start < now && s.End == now && (child < 0 || s.Start > spans[child].Start) {
				child, from, to = i, s.Start, s.End
			}
		}
		if child < 0 {
			own[at]++
		}
	}
	if child >= 0 {
		stepping(spans, child, from, to, own)
	}
}

func TestSweepAgainstStepping(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		spans := []Span{span(1, 0, 0, Server, 0, 99)}
		for n := 2; n < 14; n++ {
			p := spans[random.IntN(len(spans))]
			if p.End-p.Start < 2 {
				continue
			}
			start := p.Start + random.Int64N(p.End-p.Start)
			// A service of its own for each, so that parts are by span.
			spans = append(spans, Span{
				ID: id(n), Parent: p.ID, Service: len(spans), Kind: Server, Start: start, End: start + 1 + random.Int64N(p.End-start),
			})
		}
		got, repairs := sweepRoot(t, spans)
		if repairs != (Repairs{}) {
			t.Fatalf("repairs %+v", repairs)
		}
		want, alone := map[int]int64{}, map[int]int64{}
		stepping(spans, 0, 0, 99, want)
		for i, s := range spans {
			own := map[int]int64{}
			stepping(spans, i, s.Start, s.End, own)
			alone[i] = own[i]
		}
		for _, p := range got.Services {
			if p.Critical != want[p.Service] || p.Self != alone[p.Service] || p.Calls != 1 {
				t.Fatalf("%+v: want critical %d, self %d, of %+v", p, want[p.Service], alone[p.Service], spans)
			}
		}
	}
}

// FuzzBuild: whatever the spans, every request's parts add up, and none is negative or above its service's own time.
func FuzzBuild(f *testing.F) {
	f.Add([]byte{1, 0, 0, 1, 0, 100, 2, 1, 0, 2, 10, 50, 3, 2, 1, 1, 15, 35}, int64(1_000_000))
	f.Add([]byte{1, 2, 0, 1, 0, 100, 2, 1, 0, 1, 0, 100}, int64(1))
	f.Add([]byte{1, 9, 0, 1, 0, 100, 2, 1, 0, 2, 200, 50, 3, 2, 1, 1, 255, 35}, int64(1<<54))
	f.Fuzz(func(t *testing.T, data []byte, unit int64) {
		var spans []Span
		for ; len(data) >= 6 && len(spans) < 300; data = data[6:] {
			start := int64(data[4]) * unit
			spans = append(spans, Span{
				ID: id(int(data[0])), Parent: id(int(data[1])), Service: int(data[2] % 8), Kind: Kind(data[3] % 5),
				Start: start, End: start + int64(data[5])*unit,
			})
		}
		tree, _ := Build(spans)
		entries := tree.Entries(func(s Span) bool { return s.Kind == Server })
		for _, entry := range append(entries, tree.Root()) {
			parts := tree.Sweep(entry)
			sum := parts.Network
			for _, p := range parts.Services {
				sum += p.Critical
				if p.Critical < 0 || p.Critical > p.Self || p.Self > 0 && p.Calls < 1 {
					t.Errorf("%+v", p)
				}
			}
			if sum != parts.Duration || parts.Network < 0 {
				t.Errorf("parts %+v add up to %d", parts, sum)
			}
			checkCalls(t, tree, entry)
		}
	})
}
