package erms

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/test/peers/internal/dermerms"
)

// setting is one of the artifact's own settings.
type setting struct {
	name     string
	mode     Mode
	services []Service
	want     map[string]float64
}

// settings reads them with the models at their interference and the trees of calls.
func settings(t *testing.T) []*setting {
	t.Helper()
	lines, spans := dermerms.Rows(t, "erms_latency_models.csv"), dermerms.Rows(t, "erms_span_relationships.csv")
	var list []*setting
	byName := map[string]*setting{}
	for _, r := range dermerms.Rows(t, "erms_ref_containers.csv") {
		name := r.Text("case") + " " + r.Text("mode")
		s := byName[name]
		if s == nil {
			s = &setting{name: name, want: map[string]float64{}}
			if r.Text("mode") == "non" {
				s.mode = Shared
			}
			targets, loads := pairs(t, r.Text("sla_ms")), pairs(t, r.Text("workload"))
			for _, service := range slices.Sorted(maps.Keys(targets)) {
				s.services = append(s.services, Service{
					Name: service, Target: targets[service], Load: loads[service], Root: calls(spans, r.Text("app"), service),
					Models: models(lines, r.Text("app"), service, r.Number("cpu_interference_cores"), r.Number("mem_interference_mib")),
				})
			}
			byName[name], list = s, append(list, s)
		}
		s.want[r.Text("microservice")] = r.Number("containers")
	}
	return list
}

// pairs reads name=number;name=number.
func pairs(t *testing.T, text string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for part := range strings.SplitSeq(text, ";") {
		name, number, _ := strings.Cut(part, "=")
		x, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = x
	}
	return out
}

func models(rows []dermerms.Row, app, service string, cores, mebibytes float64) map[string]Model {
	out := map[string]Model{}
	for _, r := range rows {
		if r.Text("app") != app || r.Text("service") != service {
			continue
		}
		m := out[r.Text("microservice")]
		line := Line{r.Number("a_cpu")*cores + r.Number("b_mem")*mebibytes + r.Number("c"), r.Number("d")}
		if r.Text("segment") == "before" {
			m.Before = line
		} else {
			m.After = line
		}
		out[r.Text("microservice")] = m
	}
	return out
}

// calls reads the tree. A row's tag is the way to it: 1.2 is the second below the first.
func calls(rows []dermerms.Row, app, service string) *Call {
	below := map[string]*Call{"": {}}
	steps := map[*Call]map[string]int{}
	for _, r := range rows {
		if r.Text("app") != app || r.Text("service") != service {
			continue
		}
		tag := r.Text("tag")
		parent := below[""]
		if i := strings.LastIndexByte(tag, '.'); i >= 0 {
			parent = below[tag[:i]]
		} else {
			parent.Microservice = r.Text("parent_ms")
		}
		if steps[parent] == nil {
			steps[parent] = map[string]int{}
		}
		at, there := steps[parent][r.Text("step")]
		if !there {
			at = len(parent.Steps)
			steps[parent][r.Text("step")], parent.Steps = at, append(parent.Steps, nil)
		}
		below[tag] = &Call{Microservice: r.Text("child_ms")}
		parent.Steps[at] = append(parent.Steps[at], below[tag])
	}
	return below[""]
}

// All 38 settings of the artifact, in both modes where two services share microservices.
func TestReferenceContainers(t *testing.T) {
	cases := map[string]bool{}
	for _, s := range settings(t) {
		got, _, err := Allocate(s.services, s.mode)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		for name, want := range s.want {
			if !entry[name] && got[name] != want {
				t.Errorf("%s: %q gets %v containers, reference %v", s.name, name, got[name], want)
			}
		}
		name, _, _ := strings.Cut(s.name, " ")
		cases[name] = true
	}
	if len(cases) != 38 {
		t.Errorf("%d settings, expected 38", len(cases))
	}
}

// The targets that the reference names: 52.03 and 47.89 ms.
func TestReferenceTargets(t *testing.T) {
	for _, s := range settings(t) {
		if s.name != "ae_latency_target prio" {
			continue
		}
		_, targets, err := Allocate(s.services, s.mode)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]float64{"recommendation": 52.03, "profile": 47.89} {
			if got := targets[0][name] / 1000; math.Abs(got-want) > 0.005 {
				t.Errorf("target of %q is %v ms, reference %v", name, got, want)
			}
		}
		return
	}
	t.Error("the setting is not there")
}
