package application_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/predictor/application"
)

// shop is web, which calls db twice in 80 % of the requests, and in the others db and a bank without spans at the same time.
func shop() application.Document {
	return application.Document{
		Format: application.Format, Source: "by hand",
		Services: []application.Service{
			{
				Name: "web", Kind: application.Measured, Pods: 2, Cores: 0.5, Rate: 40, Shape: 1,
				Law: application.Law{Fixed: 0.004, Work: 0.01, Stretch: 1, Spread: 0.1, Windows: 20}, Shift: 0.004,
			},
			{
				Name: "db", Kind: application.Prior, Rate: 72, Shape: 2, Law: application.Law{Fixed: 0.002, Work: 0.002, Stretch: 1, Spread: 0.35},
				Operations: []application.Operation{{Name: "scan", Size: 3}},
			},
			{Name: "pay (no spans)", Kind: application.External, Rate: 8, Shape: 1, Law: application.Law{Fixed: 0.02, Spread: 0.35}},
		},
		Entries: []application.Entry{{
			Service: "web", Operation: "GET /buy", Rate: 40, Tail: 1.1, TailSpread: 0.1, TailWindows: 19, TailLow: 0.9, TailHigh: 1.4,
			Patterns: []application.Pattern{
				{Name: "plain", Share: 0.8, Low: 0.75, High: 0.85, Part: application.Part{Series: []application.Part{
					{Service: "web", Operation: "GET /buy", Calls: 1}, {Service: "db", Operation: "get", Calls: 2},
				}}},
				{Name: "paid", Share: 0.2, Low: 0.15, High: 0.25, Part: application.Part{Series: []application.Part{
					{Service: "web", Operation: "GET /buy", Calls: 1},
					{Parallel: []application.Part{{Service: "db", Operation: "scan", Calls: 1}, {Service: "pay (no spans)", Calls: 1}}},
				}}},
			},
		}},
	}
}

func model(t *testing.T, d application.Document) *application.Model {
	t.Helper()
	m, err := application.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEncodeDecode(t *testing.T) {
	t.Parallel()
	b, err := application.Encode(shop())
	if err != nil {
		t.Fatal(err)
	}
	m, err := application.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := application.Encode(m.Document())
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("decoded and encoded again it differs: %v", err)
	}
	for _, test := range []struct{ old, new, want string }{
		{`"calls": 2`, `"calls": 3`, "changed after it was written"},
		{`"calls": 2`, `"cals": 2`, `unknown field "cals"`},
		{application.Format, "ballast.dev/application/v0", `reads "ballast.dev/application/v1"`},
		{`{`, `[`, "expected the JSON file"},
	} {
		if _, err := application.Decode([]byte(strings.Replace(string(b), test.old, test.new, 1))); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("with %s: %v, want %q", test.new, err, test.want)
		}
	}
	if _, err := application.Decode(append(b, b...)); err == nil {
		t.Error("two documents were read as one")
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(d *application.Document){
		"services has 0 entries":                         func(d *application.Document) { d.Services = nil },
		"entries has 0 entries":                          func(d *application.Document) { d.Entries = nil },
		"services[1].name is \"web\"":                    func(d *application.Document) { d.Services[1].Name = "web" },
		"services[0] (web): kind is \"sure\"":            func(d *application.Document) { d.Services[0].Kind = "sure" },
		"pods is -1":                                     func(d *application.Document) { d.Services[0].Pods = -1 },
		"rate is NaN":                                    func(d *application.Document) { d.Services[0].Rate = math.NaN() },
		"law.workCoreSeconds is 0":                       func(d *application.Document) { d.Services[0].Law.Work = 0 },
		"law has fixedSeconds +Inf":                      func(d *application.Document) { d.Services[0].Law.Fixed = math.Inf(1) },
		"shape is 0":                                     func(d *application.Document) { d.Services[0].Shape = 0 },
		"shiftSeconds is 0.02":                           func(d *application.Document) { d.Services[0].Shift = 0.02 },
		"workCoreSeconds 1 and stretch 0":                func(d *application.Document) { d.Services[2].Law.Work = 1 },
		"operations[0] is \"scan\" with size 0":          func(d *application.Document) { d.Services[1].Operations[0].Size = 0 },
		"expected a service of the list":                 func(d *application.Document) { d.Entries[0].Service = "shop" },
		"patterns has 0 entries":                         func(d *application.Document) { d.Entries[0].Patterns = nil },
		"tail is 0":                                      func(d *application.Document) { d.Entries[0].Tail = 0 },
		"tailLow is 1.2":                                 func(d *application.Document) { d.Entries[0].TailLow = 1.2 },
		"tailHigh +Inf":                                  func(d *application.Document) { d.Entries[0].TailHigh = math.Inf(1) },
		"add up to 0.89999":                              func(d *application.Document) { d.Entries[0].Patterns[0].Share = 0.7 },
		"patterns[1]: share is 2":                        func(d *application.Document) { d.Entries[0].Patterns[1].Share = 2; d.Entries[0].Patterns[1].Low = 3 },
		"patterns[0].part: service \"\", 0 parts":        func(d *application.Document) { d.Entries[0].Patterns[0].Part = application.Part{} },
		"service is \"cache\", expected one of the list": func(d *application.Document) { d.Entries[0].Patterns[0].Part.Series[0].Service = "cache" },
		"calls is 0 for service \"web\"":                 func(d *application.Document) { d.Entries[0].Patterns[0].Part.Series[0].Calls = 0 },
		"without a service":                              func(d *application.Document) { d.Entries[0].Patterns[0].Part.Calls = 1 },
		"more than 14 levels": func(d *application.Document) {
			p := &d.Entries[0].Patterns[0].Part
			for range 20 {
				*p = application.Part{Series: []application.Part{*p}}
			}
		},
	} {
		d := shop()
		change(&d)
		if _, err := application.New(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestTimes computes them by hand.
func TestTimes(t *testing.T) {
	t.Parallel()
	m := model(t, shop())
	states := m.Observed()
	if want := (application.State{Load: 20, Cores: 0.5}); states[0] != want || states[1] != (application.State{}) {
		t.Fatalf("observed %+v, want %+v and nothing known", states, want)
	}
	times, ok := m.Times(states)
	if !ok {
		t.Fatal("overloaded")
	}
	// web: 0.01/(0.5 − 20·0.01) = 1/30 s beside the constant 4 ms. db with CPU to spare: 2 + 2 ms. The bank: 20 ms.
	for i, want := range []struct{ shift, mean float64 }{{0.004, 1.0 / 30}, {0, 0.004}, {0, 0.02}} {
		if math.Abs(times[i].Shift-want.shift) > 1e-12 || math.Abs(times[i].Mean-want.mean) > 1e-12 {
			t.Errorf("service %d: %+v, want %+v", i, times[i], want)
		}
	}
	states[0].Slowdown = 1.25 // 0.0125/(0.5 − 0.25) = 50 ms
	states[1].Stretch = 3     // 2 + 6 ms
	times, _ = m.Times(states)
	if math.Abs(times[0].Mean-0.05) > 1e-12 || math.Abs(times[1].Mean-0.008) > 1e-12 {
		t.Errorf("slowed %+v", times)
	}
	states[0].Load = 50
	if _, ok := m.Times(states); ok {
		t.Error("50·0.0125 core-seconds a second fit into half a core")
	}
	if q := m.Quantile(0, states, 0.95); !math.IsInf(q, 1) {
		t.Errorf("percentile of an overloaded service %v", q)
	}
	curve := m.Document().Services[0].Curve(application.State{Load: 20})
	if got := curve.Mean(0.7); math.Abs(got-0.02) > 1e-12 { // 0.01/(0.7 − 0.2)
		t.Errorf("mean beyond the shift at 0.7 cores %v, want 20 ms", got)
	}
	if got := curve.Slope(0.7); math.Abs(got+0.04) > 1e-12 { // −0.01/0.5²
		t.Errorf("slope %v, want −0.04", got)
	}
}

// TestParts checks what patterns become: an operation of another size is drawn apart.
func TestParts(t *testing.T) {
	t.Parallel()
	d := shop()
	d.Entries[0].Patterns[0].Part.Series = append(d.Entries[0].Patterns[0].Part.Series, application.Part{Service: "db", Operation: "scan", Calls: 2.4})
	b, _ := json.Marshal(model(t, d).Parts(0)) // without the zero fields a reader of the failure would have to skip
	text := string(b)
	for _, old := range []string{`"Series":null`, `"Parallel":null`, `"Alike":false`, ",,"} {
		text = strings.ReplaceAll(strings.ReplaceAll(text, ","+old, ""), old+",", "")
	}
	// 2.4 calls of size 3 are two draws of 3.6.
	want := `[{"Service":0,"Calls":0,"Series":[{"Service":0,"Calls":1},{"Service":1,"Calls":2},{"Service":1,"Calls":3.5999999999999996,"Alike":true},` +
		`{"Service":1,"Calls":3.5999999999999996,"Alike":true}]},` +
		`{"Service":0,"Calls":0,"Series":[{"Service":0,"Calls":1},{"Service":0,"Calls":0,"Parallel":[{"Service":1,"Calls":3,"Alike":true},{"Service":2,"Calls":1}]}]}]`
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// FuzzNew reads documents as Decode does, but for the fingerprint: one that is accepted predicts.
func FuzzNew(f *testing.F) {
	b, err := application.Encode(shop())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"format":"ballast.dev/application/v1","services":[{}],"entries":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = application.Decode(data)
		var d application.Document
		if json.Unmarshal(data, &d) != nil {
			return
		}
		m, err := application.New(d)
		if err != nil {
			return
		}
		for i := range m.Document().Entries {
			if q := m.Quantile(i, m.Observed(), 0.9); !(q >= 0) {
				t.Errorf("a document that was accepted has the percentile %v", q)
			}
		}
	})
}
