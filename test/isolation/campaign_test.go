package isolation

import (
	"testing"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
)

// campaign runs some contestants through the scenarios in which something disturbs and stays. The full one is the report.
func campaign(t *testing.T, seeds uint64, only ...string) map[string]Summary {
	t.Helper()
	results := map[string][]*Result{}
	for k, name := range []string{"cpu", "cache", "stream", "phase"} {
		for seed := range seeds {
			knobs := plant.AllKnobs
			if (uint64(k)+seed)%2 == 1 { //nolint:gosec // an index
				knobs = plant.OnlyCPU
			}
			s, err := New(name, plant.Tuning, seed+1, knobs)
			if err != nil {
				t.Fatal(err)
			}
			best, err := Search(s, s.Last(), RecoveredSlack)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range Contestants() {
				wanted := false
				for _, o := range only {
					wanted = wanted || o == c.Name
				}
				if !wanted {
					continue
				}
				policy, err := c.Make(s)
				if err != nil {
					t.Fatal(err)
				}
				r, err := Run(s, c.Name, policy, best, false)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%-6s seed %d machine %d %-10s recovery %3.0f s, over %4.1f %%, %3d turns, share %.2f", name, s.Seed, knobs, c.Name, r.Recovery,
					100*r.Violation, r.Turns, r.Share())
				results[c.Name] = append(results[c.Name], r)
			}
		}
	}
	summaries := map[string]Summary{}
	for name, r := range results {
		summaries[name] = Summarize(r)
	}
	return summaries
}

// What the comparison is about, with much to spare: without a partition services stay over their targets; PARTIES never comes to rest; Heracles
// protects and gives batch work little; Ballast's law protects, comes to rest, and gives more than Heracles. The report has the figures.
func TestCampaign(t *testing.T) {
	t.Parallel()
	if testing.Short() || raced {
		t.Skip("twelve minutes of sixteen nodes")
	}
	s := campaign(t, 1, "none", "parties", "heracles", "ballast")
	if x := s["none"]; x.Soon > 0 || x.Violation < 0.9 {
		t.Errorf("no partition: %+v", x)
	}
	if x := s["parties"]; x.Still > 0 || x.Violation > 0.4 {
		t.Errorf("PARTIES: %+v", x)
	}
	if x := s["heracles"]; x.Violation > 0.1 {
		t.Errorf("Heracles: %+v", x)
	}
	if x := s["ballast"]; x.Soon < 3 || x.Still < 3 || x.Violation > 0.1 || x.Share <= s["heracles"].Share {
		t.Errorf("Ballast: %+v; Heracles: %+v", x, s["heracles"])
	}
}

// A culprit for the CPU and one for the cache are found for what they press on, and in a quiet hour nobody is blamed.
func TestAttribution(t *testing.T) {
	t.Parallel()
	for _, kind := range []plant.Kind{plant.CPUBound, plant.CacheHungry, Quiet} {
		if (testing.Short() || raced) && kind != plant.CPUBound {
			continue
		}
		b, err := Inject(plant.Tuning, 1, kind, plant.AllKnobs)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("kind %v: slowdown %.2f (%s), found %v as %q after %.0f s, %d wrong", kind, b.Slowdown, b.Reasons(), b.Found, b.Resource, b.After, b.Wrong)
		if b.Wrong > 0 || (kind != Quiet && !b.Right()) || (kind == Quiet && b.Found) {
			t.Errorf("kind %v: %+v", kind, b)
		}
	}
}

// By hand: own time grows by 0.2 for the clock, time of misses from 0.5 to 1.2, of which twice the misses make 0.5 and costlier ones 0.2: of the
// growth 0.9 on 1.5 these are 2/9, 5/9 and 2/9; the delay is apart. Reference: time = (own + misses) · (1 + delay).
func TestContributions(t *testing.T) {
	t.Parallel()
	before := plant.Cost{OwnSeconds: 1, Misses: 2, MissSeconds: 0.5}
	after := plant.Cost{OwnSeconds: 1.2, Misses: 4, MissSeconds: 1.2, Delay: 0.5}
	got := contributions(&before, &after)
	const ln16, ln15 = 0.4700036292457356, 0.4054651081081644 // of (1.2+1.2)/1.5 = 1.6, and of 1.5
	for resource, want := range map[string]float64{"Power": ln16 * 2 / 9, "LLC": ln16 * 5 / 9, "MemoryBandwidth": ln16 * 2 / 9, "CPU": ln15} {
		for r, x := range got {
			if string(r) == resource && (x < want-1e-9 || x > want+1e-9) {
				t.Errorf("%s contributes %v, want %v", resource, x, want)
			}
		}
	}
	if len(got) != 4 {
		t.Errorf("%d contributions", len(got))
	}
}
