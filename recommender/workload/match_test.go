package workload

import (
	"math"
	"testing"
)

// shop is a namespace with three workloads, and one of the same name elsewhere.
func shop() []*Workload {
	pod := func(uid string) Pod { return Pod{UID: uid} }
	return []*Workload{
		{Namespace: "shop", Name: "front-vpa", Kind: "Deployment", Target: "front", Pods: []Pod{pod("f1"), pod("f2")}},
		{Namespace: "shop", Name: "search-vpa", Kind: "Deployment", Target: "search", Pods: []Pod{pod("s1")}},
		{Namespace: "shop", Name: "store-vpa", Kind: "StatefulSet", Target: "store", Pods: []Pod{pod("t1"), pod("t2"), pod("t3")}},
		{Namespace: "bank", Name: "front-vpa", Kind: "Deployment", Target: "front", Pods: []Pod{pod("b1")}},
	}
}

func TestMatch(t *testing.T) {
	for name, c := range map[string]struct {
		service Service
		want    string
	}{
		"by pod":                            {Service{Name: "x", PodUIDs: []string{"gone", "s1"}}, "search-vpa"},
		"by pod before names":               {Service{Name: "front", Deployment: "front", Namespace: "shop", PodUIDs: []string{"t2"}}, "store-vpa"},
		"by most pods":                      {Service{PodUIDs: []string{"f1", "t1", "t3"}}, "store-vpa"},
		"by Deployment":                     {Service{Name: "search", Deployment: "front", Namespace: "shop"}, "front-vpa"},
		"by Deployment, namespace untold":   {Service{Name: "x", Deployment: "search"}, "search-vpa"},
		"by Deployment, unknown pods":       {Service{Name: "x", Deployment: "search", PodUIDs: []string{"gone"}}, "search-vpa"},
		"by Deployment, another namespace":  {Service{Name: "x", Deployment: "search", Namespace: "bank"}, ""},
		"no Deployment, but the name":       {Service{Name: "x", Deployment: "store"}, ""},
		"by service name":                   {Service{Name: "store", Namespace: "shop"}, "store-vpa"},
		"by service name, namespace untold": {Service{Name: "store"}, "store-vpa"},
		"canary named as the service":       {Service{Name: "front", Deployment: "front-canary", Namespace: "shop", PodUIDs: []string{"gone"}}, ""},
		"by service name, and told so":      {Service{Name: "store", Deployment: "store", Namespace: "shop"}, "store-vpa"},
		"by service name, elsewhere":        {Service{Name: "store", Namespace: "bank"}, ""},
		"pod of another namespace":          {Service{Name: "x", PodUIDs: []string{"b1"}}, ""},
		"nothing told":                      {Service{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if w := Match(c.service, Select(shop(), "shop", nil)); w != nil {
				got = w.Name
			}
			if got != c.want {
				t.Errorf("%+v is workload %q, want %q", c.service, got, c.want)
			}
		})
	}
}

func TestSelect(t *testing.T) {
	if got := Select(shop(), "shop", nil); len(got) != 3 {
		t.Errorf("%d workloads of namespace shop, want 3", len(got))
	}
	listed := []Reference{{"Deployment", "front"}, {"Deployment", "store"}} // store is a StatefulSet
	if got := Select(shop(), "shop", listed); len(got) != 1 || got[0].Key() != "shop/front-vpa" {
		t.Errorf("%d workloads of those listed, want shop/front-vpa alone", len(got))
	}
	if got := Match(Service{Deployment: "search"}, Select(shop(), "shop", listed)); got != nil {
		t.Errorf("matched %s, which is not listed", got.Name)
	}
}

func TestContainer(t *testing.T) {
	unknown := math.NaN()
	pods := func(usages ...[2]float64) *Workload {
		w := &Workload{}
		for _, u := range usages {
			w.Pods = append(w.Pods, Pod{Containers: []Container{{Name: "app", Usage: u[0]}, {Name: "proxy", Usage: u[1]}}})
		}
		return w
	}
	for name, c := range map[string]struct {
		w           *Workload
		told, soFar string
		want        string
	}{
		"told":               {pods([2]float64{2, 1}), "proxy", "app", "proxy"},
		"told what is not":   {pods([2]float64{1, 2}), "gone", "app", "app"},
		"so far":             {pods([2]float64{1, 2}), "", "app", "app"},
		"so far, but gone":   {pods([2]float64{1, 2}), "", "gone", "proxy"},
		"largest":            {pods([2]float64{1, 0}, [2]float64{0, 1.5}), "", "", "proxy"},
		"tie":                {pods([2]float64{1, 1}), "", "", "app"},
		"one measured":       {pods([2]float64{unknown, 0}), "", "", "proxy"},
		"nothing measured":   {pods([2]float64{unknown, unknown}), "", "", "app"},
		"measured in second": {pods([2]float64{unknown, unknown}, [2]float64{0.1, 0.2}), "", "", "proxy"},
		"no pods":            {pods(), "app", "app", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.w.Container(c.told, c.soFar); got != c.want {
				t.Errorf("container %q, want %q", got, c.want)
			}
		})
	}
}

// A sidecar that the policy leaves alone is never the one, and the one that a pod names goes before the busiest.
func TestContainerOfPolicy(t *testing.T) {
	w := &Workload{
		Policies: []Policy{{Container: "app"}, {Container: "worker"}, {Container: "*", Off: true}},
		Pods:     []Pod{{Containers: []Container{{Name: "proxy", Usage: 3}, {Name: "app", Usage: 1}, {Name: "worker", Usage: 2}}}},
	}
	for _, c := range []struct{ told, soFar, main, want string }{
		{"", "", "", "worker"},
		{"", "", "app", "app"},
		{"", "worker", "app", "worker"},
		{"app", "worker", "", "app"},
		{"proxy", "", "", "worker"},
		{"", "proxy", "", "worker"},
		{"", "", "proxy", "worker"},
		{"", "", "gone", "worker"},
	} {
		w.Pods[0].Main = c.main
		if got := w.Container(c.told, c.soFar); got != c.want {
			t.Errorf("told %q, so far %q, named by the pod %q: container %q, want %q", c.told, c.soFar, c.main, got, c.want)
		}
	}
	w.Policies = w.Policies[2:]
	if got := w.Container("app", "app"); got != "" {
		t.Errorf("container %q, want none: all are off", got)
	}
}

func TestPolicy(t *testing.T) {
	w := &Workload{Policies: []Policy{{Container: "*", Max: 2}, {Container: "proxy", Off: true}}}
	if got := w.Policy("app"); got.Max != 2 || got.Off {
		t.Errorf("policy of app %+v, want that of *", got)
	}
	if got := w.Policy("proxy"); !got.Off {
		t.Errorf("policy of proxy %+v, want its own", got)
	}
	if got := (&Workload{}).Policy("app"); got.Off || got.Min != 0 || got.Max != 0 || !got.LimitFollows {
		t.Errorf("without policies %+v, want VPA's default: limits follow", got)
	}
}
