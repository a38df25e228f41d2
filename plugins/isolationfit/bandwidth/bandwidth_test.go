package bandwidth

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

var instant = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func group(mbps ...int64) v1alpha1.IsolationGroup {
	g := v1alpha1.IsolationGroup{}
	for domain, rate := range mbps {
		g.Domains = append(g.Domains, v1alpha1.DomainUse{Domain: int32(domain), TotalBytesPerSecond: new(rate * 1_000_000)})
	}
	return g
}

// Two groups take 1,000 + 2,000 and 500 + 9,000 of 10,000, the third domain is over its peak: 7,000, 500 and nothing are left.
func TestOf(t *testing.T) {
	d, known := Of([]v1alpha1.IsolationGroup{group(1000, 500, 9000), group(2000, 9000, 3000)}, 10_000)
	if !known || d.Use != 1 || !slices.Equal(d.Free, []float64{7000, 500, 0}) || d.Emptiest() != 7000 {
		t.Errorf("%+v, %v", d, known)
	}
	for what, groups := range map[string][]v1alpha1.IsolationGroup{"no use": {group()}, "no groups": nil, "a group without a domain": {group(1, 2), group(1)}} {
		if d, known := Of(groups, 10_000); known || d.Emptiest() != 0 || d.Spare(0) != 0 {
			t.Errorf("%s: %+v, %v", what, d, known)
		}
	}
	if _, known := Of([]v1alpha1.IsolationGroup{group(1)}, 0); known {
		t.Error("known without a peak")
	}
}

// Others may take 2,000 of the first and 1,000 of the second domain before neither has 7,000 left; the third has not as it is.
func TestSpare(t *testing.T) {
	d := Domains{Free: []float64{9000, 8000, 6000}}
	for demand, want := range map[float64]float64{7000: 3000, 9000: 0, 9001: 0, 6000: 5000, 1000: 20_000} {
		if got := d.Spare(demand); got != want {
			t.Errorf("%v: %v, want %v", demand, got, want)
		}
	}
}

// However others spread what they take, up to Spare some domain has the demand left; with any more there is a way to leave none.
func TestSpareIsTheBound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		d := Domains{}
		for range 1 + random.IntN(4) {
			d.Free = append(d.Free, float64(random.IntN(100)))
		}
		slices.Sort(d.Free)
		slices.Reverse(d.Free)
		demand := float64(1 + random.IntN(100))
		if d.Emptiest() < demand {
			continue
		}
		spare := d.Spare(demand)
		left, met := spare, false
		for i, free := range d.Free { // any split of spare
			take := left * random.Float64()
			if i == len(d.Free)-1 {
				take = left
			}
			left -= take
			met = met || free-take >= demand-1e-9
		}
		if !met {
			t.Fatalf("%v with %v spare for %v: a split leaves no domain with it", d.Free, spare, demand)
		}
		total, still := 0.0, false
		for _, free := range d.Free { // what leaves none: a little more than free - demand of each
			take := max(free-demand+1e-6, 0)
			total, still = total+take, still || free-take >= demand
		}
		if still || total > spare+1e-5 {
			t.Fatalf("%v has %v spare for %v, and %v leave none: %v", d.Free, spare, demand, total, !still)
		}
	}
}

func asking(name, mbps string) *v1.Pod {
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Annotations: map[string]string{v1alpha1.MemoryBandwidthAnnotation: mbps}}}
}

func running(p *v1.Pod, since ...time.Time) *v1.Pod {
	for _, at := range since {
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, v1.ContainerStatus{State: v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.NewTime(at)}}})
	}
	return p
}

func TestUnseen(t *testing.T) {
	waiting := running(asking("crashing", "1"))
	waiting.Status.ContainerStatuses = []v1.ContainerStatus{{State: v1.ContainerState{Waiting: &v1.ContainerStateWaiting{}}}}
	for what, c := range map[string]struct {
		pod  *v1.Pod
		want bool
	}{
		"not started":              {asking("a", "1"), true},
		"no container runs":        {waiting, true},
		"a report of before":       {running(asking("a", "1"), instant.Add(time.Second)), true},
		"within the rates":         {running(asking("a", "1"), instant.Add(-11*time.Second)), true},
		"before the rates":         {running(asking("a", "1"), instant.Add(-12*time.Second)), false},
		"one container came later": {running(asking("a", "1"), instant.Add(-time.Hour), instant.Add(-time.Second)), true},
	} {
		if got := Unseen(c.pod, instant); got != c.want {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

type fakePod struct {
	fwk.PodInfo
	pod *v1.Pod
}

func (f fakePod) GetPod() *v1.Pod { return f.pod }

// Of 100 + 20 + 3 that are declared, 20 run since long, and a value of another form declares nothing; without the pod of 3, 100 come.
func TestComing(t *testing.T) {
	var pods []fwk.PodInfo
	for _, p := range []*v1.Pod{asking("a", "100"), running(asking("b", "20"), instant.Add(-time.Hour)), asking("c", "3"), asking("d", "4G"), asking("e", ""), {}} {
		pods = append(pods, fakePod{pod: p})
	}
	if got := Coming(pods, instant, ""); got != 103 {
		t.Errorf("%v come, want 103", got)
	}
	if got := Coming(pods, instant, "c"); got != 100 {
		t.Errorf("%v come without c, want 100", got)
	}
}

func FuzzDeclared(f *testing.F) {
	for _, text := range []string{"8000", "", "8G", "NaN", "-1", "1e3", "2000000001", "0x1p4"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mbps, ok := Declared(asking("a", text))
		if mbps < 0 || mbps > Most || mbps != mbps || !ok && mbps != 0 || ok && mbps == 0 && text != "" {
			t.Errorf("%q is %v, %v", text, mbps, ok)
		}
	})
}
