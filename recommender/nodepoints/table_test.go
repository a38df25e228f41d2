package nodepoints

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/recommender/workload"
)

// of is a Deployment "shop/<target>" with a VPA of its name, and pods "<name>@<node>".
func of(target string, pods ...string) *workload.Workload {
	w := &workload.Workload{Namespace: "shop", Name: "vpa-" + target, Kind: "Deployment", Target: target}
	for _, p := range pods {
		name, node, _ := strings.Cut(p, "@")
		w.Pods = append(w.Pods, workload.Pod{Name: name, Node: node})
	}
	return w
}

// everything are the names of the workloads' pods and others of the namespace.
func everything(workloads []*workload.Workload, others ...string) map[string][]string {
	names := others
	for _, w := range workloads {
		for _, p := range w.Pods {
			names = append(names, p.Name)
		}
	}
	return map[string][]string{"shop": names}
}

// line is a table in a line.
func line(table []v1alpha1.SetPoint) string {
	var list []string
	for i := range table {
		list = append(list, fmt.Sprintf("%s=%d", table[i].Pod, table[i].MilliTarget))
	}
	return strings.Join(list, " ")
}

// table reads a line back.
func table(text string) []v1alpha1.SetPoint {
	var list []v1alpha1.SetPoint
	for word := range strings.FieldsSeq(text) {
		pod, milli, _ := strings.Cut(word, "=")
		p := v1alpha1.SetPoint{PartitionMember: v1alpha1.PartitionMember{Namespace: "shop", Pod: pod}, Signal: v1alpha1.SignalRunQueueDelay}
		if _, err := fmt.Sscan(milli, &p.MilliTarget); err != nil {
			panic(err)
		}
		list = append(list, p)
	}
	return list
}

// TestPlaces: a prefix stands for a workload only where it means its pods and no other's.
func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		workloads []*workload.Workload
		others    []string
		want      string // table of node n at 100 each
	}{
		"by prefix":                       {workloads: []*workload.Workload{of("web", "web-5f-a@n", "web-5f-b@n", "web-5f-c@m")}, want: "web-*=100"},
		"not on the node":                 {workloads: []*workload.Workload{of("web", "web-5f-a@m")}, want: ""},
		"another's pod begins alike":      {workloads: []*workload.Workload{of("web", "web-5f-a@n", "web-5f-b@m")}, others: []string{"web-admin-7-x"}, want: "web-5f-a=100"},
		"another workload's begins alike": {workloads: []*workload.Workload{of("web", "web-5f-a@n"), of("web-admin", "web-admin-7-x@n")}, want: "web-admin-*=100 web-5f-a=100"},
		"only its beginning is alike":     {workloads: []*workload.Workload{of("web", "web-5f-a@n")}, others: []string{"website-1"}, want: "web-*=100"},
		"pods with names of their own":    {workloads: []*workload.Workload{of("web", "front-a@n", "web-5f-a@n")}, want: "web-5f-a=100 front-a=100"},
	} {
		p := placesOf(c.workloads, everything(c.workloads, c.others...))
		all := claims{asked: map[string]asked{}}
		for _, w := range c.workloads {
			all.asked[w.Key()] = asked{milli: 100}
		}
		if got := line(next(nil, "n", p, all)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestNext(t *testing.T) {
	workloads := []*workload.Workload{of("web", "web-1@n"), of("db", "db-1@n", "db-2@m"), of("gone", "gone-1@m")}
	p := placesOf(workloads, everything(workloads, "stranger"))
	const web, db, gone = "shop/vpa-web", "shop/vpa-db", "shop/vpa-gone"
	for name, c := range map[string]struct {
		present string
		claims  claims
		want    string
	}{
		"new": {"", claims{asked: map[string]asked{web: {milli: 400}, db: {milli: 200}}}, "web-*=400 db-*=200"},
		"pods that left, and what nobody asks for": {
			"web-*=300 gone-*=100 old-*=70 stranger=90", claims{asked: map[string]asked{web: {milli: 400}, gone: {milli: 100}}}, "web-*=400",
		},
		"a blind objective's stay": {
			"web-*=300 db-*=100",
			claims{asked: map[string]asked{web: {milli: 400}}, silent: map[string]bool{db: true}, quiet: map[string]bool{"shop": true}},
			"web-*=400 db-*=100",
		},
		"what a blind one may have asked for is not taken back": {
			"web-*=300", claims{asked: map[string]asked{web: {milli: 400}}, silent: map[string]bool{web: true}}, "web-*=300",
		},
		"the least counts beside a blind one": {
			"web-*=300", claims{asked: map[string]asked{web: {milli: 200}}, silent: map[string]bool{web: true}}, "web-*=200",
		},
		"what a blind one's workloads were is not known": {
			"unknown-*=80 stranger=90 left-1=70", claims{quiet: map[string]bool{"shop": true}}, "unknown-*=80 stranger=90",
		},
		"none any more": {"web-*=300", claims{}, ""},
	} {
		if got := line(next(table(c.present), "n", p, c.claims)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Nothing changes while every objective is silent, whatever stands and wherever pods are, unless pods named one by one are gone.
func TestSilenceChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		var workloads []*workload.Workload
		c := claims{silent: map[string]bool{}, quiet: map[string]bool{"shop": true}}
		present := map[slot]int32{}
		for i := range 1 + r.IntN(5) {
			w := of(fmt.Sprintf("w%d", i))
			for j := range r.IntN(4) {
				w.Pods = append(w.Pods, workload.Pod{Name: fmt.Sprintf("w%d-%d", i, j), Node: string(rune('m' + r.IntN(2)))})
			}
			workloads = append(workloads, w)
			c.silent[w.Key()] = r.IntN(4) > 0 // or its objective lost it
			present[slot{"shop", fmt.Sprintf("w%d-*", i)}] = 50 + r.Int32N(1000)
		}
		stands := tableOf(present)
		got := next(stands, "n", placesOf(workloads, everything(workloads)), c)
		for key := range c.silent {
			if !c.silent[key] { // a workload that is known and that no objective has
				delete(present, slot{"shop", strings.TrimPrefix(key, "shop/vpa-") + "-*"})
			}
		}
		if diff := cmp.Diff(tableOf(present), got); diff != "" {
			t.Fatalf("(-stood +stands)\n%s", diff)
		}
	}
}

func TestTooMany(t *testing.T) {
	targets := map[slot]int32{}
	for i := range 300 {
		targets[slot{"shop", fmt.Sprintf("w-%03d", i)}] = 1000 - int32(i)
	}
	got := tableOf(targets)
	if len(got) != mostPoints || got[0].Pod != "w-299" || got[len(got)-1].Pod != "w-044" {
		t.Errorf("%d set-points from %s to %s, want the 256 least", len(got), got[0].Pod, got[len(got)-1].Pod)
	}
}

func TestChanges(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"web-*=100", "web-*=100", false},
		{"web-*=100", "web-*=120", false}, // a fifth is not more than a fifth
		{"web-*=100", "web-*=121", true},
		{"web-*=100", "web-*=80", false},
		{"web-*=100", "web-*=79", true},
		{"web-*=100", "web-*=100 db-*=50", true},
		{"web-*=100 db-*=50", "web-*=100", true},
		{"", "", false},
	} {
		changed, gone := changes(table(c.from), table(c.to))
		if got := len(changed)+len(gone) > 0; got != c.want {
			t.Errorf("from %q to %q: changes %t, want %t", c.from, c.to, got, c.want)
		}
	}
	foreign := []v1alpha1.SetPoint{{PartitionMember: v1alpha1.PartitionMember{Namespace: "shop", Pod: "web-*"}, Signal: v1alpha1.SignalCPI, MilliTarget: 9}}
	if _, gone := changes(foreign, nil); len(gone) != 1 {
		t.Error("a table of somebody else's counts as ours")
	}
}

func TestVersion(t *testing.T) {
	at := time.Date(2026, 5, 4, 12, 0, 0, 5e8, time.UTC)
	v := versionOf(table("web-*=100"), at)
	if other := versionOf(table("web-*=200"), at); !strings.HasPrefix(v, "recommender 2026-05-04T12:00:00Z ") || v == other || len(v) != len("recommender 2026-05-04T12:00:00Z 01234567") {
		t.Errorf("versions %q and %q", v, other)
	}
	if got := writtenAt(v); !got.Equal(at.Truncate(time.Second)) {
		t.Errorf("written at %s", got)
	}
	for _, foreign := range []string{"", "hand-1", "recommender", "recommender noon", "2026-05-04T12:00:00Z"} {
		if got := writtenAt(foreign); !got.IsZero() {
			t.Errorf("%q was written at %s", foreign, got)
		}
	}
}
