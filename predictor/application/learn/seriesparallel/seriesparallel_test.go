package seriesparallel

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/callgraph"
	"github.com/ballast-k8s/ballast/predictor/callgraph/graphpattern"
)

const (
	web = iota
	db
	disk
)

func names(label graphpattern.Label) (service, operation string) {
	return []string{"web", "db", "disk"}[label.Service], label.Operation
}

func call(caller, service int, start, end int64) callgraph.Call {
	return callgraph.Call{Caller: caller, Service: service, Operation: "get", Start: start * 1e6, End: end * 1e6}
}

func part(service string, calls float64) application.Part {
	return application.Part{Service: service, Operation: "get", Calls: calls}
}

// of is the first pattern of requests, and the calls of each operation as given.
func of(t *testing.T, calls map[graphpattern.Label]float64, request []callgraph.Call) (application.Part, bool) {
	t.Helper()
	book := graphpattern.New()
	if at := book.Add(request); at != 0 {
		t.Fatalf("pattern %d", at)
	}
	return Of(book, 0, calls, names)
}

// web calls db three times one after the other, each with a call of disk: a bucket of three or four. In the mean there are 3.3 of db. Where
// the count is beyond the bucket the part has the most of it, 4, and is then scaled to the calls that there were: 5.
func TestSeriesHasTheMeanCalls(t *testing.T) {
	t.Parallel()
	request := []callgraph.Call{call(-1, web, 0, 100)}
	for k := range int64(3) {
		request = append(request, call(0, db, 10+20*k, 25+20*k), call(int(1+2*k), disk, 12+20*k, 20+20*k))
	}
	for _, calls := range []float64{3.3, 5} {
		got, ok := of(t, map[graphpattern.Label]float64{
			{Service: web, Operation: "get"}: 1, {Service: db, Operation: "get"}: calls, {Service: disk, Operation: "get"}: calls,
		}, request)
		want := application.Part{Series: []application.Part{part("web", 1), part("db", calls), part("disk", calls)}}
		if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); !ok || diff != "" {
			t.Errorf("%v calls: %v %s", calls, ok, diff)
		}
	}
}

// Twice one after the other web calls db and disk at the same time: two blocks, not one with twice the calls.
func TestGroupsAreKeptApart(t *testing.T) {
	t.Parallel()
	got, ok := of(t, map[graphpattern.Label]float64{
		{Service: web, Operation: "get"}: 1, {Service: db, Operation: "get"}: 2, {Service: disk, Operation: "get"}: 2,
	}, []callgraph.Call{
		call(-1, web, 0, 100), call(0, db, 10, 30), call(0, disk, 12, 32), call(0, db, 50, 70), call(0, disk, 52, 72),
	})
	block := application.Part{Parallel: []application.Part{part("db", 1), part("disk", 1)}}
	want := application.Part{Series: []application.Part{part("web", 1), block, block}}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(1e-9, 0)); !ok || diff != "" {
		t.Errorf("%v %s", ok, diff)
	}
}

// A chain of calls deeper than a document may be is no pattern of its own.
func TestTooDeep(t *testing.T) {
	t.Parallel()
	// Each level calls both at the same time, so that it is two levels of parts: a group, and a branch of it.
	const levels = application.MaxDepth
	request, calls := []callgraph.Call{call(-1, web, 0, 10000)}, map[graphpattern.Label]float64{}
	caller := 0
	for level := range int64(levels) {
		request = append(request, call(caller, db, 10+level, 9000-level), call(caller, disk, 10+level, 9000-level))
		caller = len(request) - 2
	}
	for _, c := range request {
		calls[graphpattern.Label{Service: c.Service, Operation: c.Operation}]++
	}
	if got, ok := of(t, calls, request); ok {
		t.Errorf("%d levels make a part of %d, expected none", levels, len(got.Series))
	}
}
