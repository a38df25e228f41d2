package isolator

import (
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"k8s.io/klog/v2/ktesting"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/node/control"
	"github.com/ballast-k8s/ballast/plugins/node/control/canary"
	"github.com/ballast-k8s/ballast/plugins/node/isolator/elevenways"
	"github.com/ballast-k8s/ballast/plugins/node/loop"
)

// redivided has a trial in force that gives web 7 and db 1 of the 8 ways that they have with what batch gave up: the spec gives them 3 each, and
// batch 4, of which the law has left it 2.
func redivided(t *testing.T, i *Isolator, root string) (w Wish, count func() (web, db, be int)) {
	t.Helper()
	logger, _ := ktesting.NewTestContext(t)
	spec := elevenways.Ways("web", 3)
	for name, n := range map[string]int32{"db": 3, "be": 4} {
		spec.Partitions = append(spec.Partitions, elevenways.Ways(name, n).Partitions...)
	}
	spec.Control = &v1alpha1.LocalControl{Mode: v1alpha1.ControlAct, Canary: true}
	w = Wish{v1alpha1.Active, spec}
	count = func() (web, db, be int) {
		n := map[string]int{}
		for _, name := range []string{"web", "db", "be"} {
			text, err := os.ReadFile(filepath.Join(root, "ballast-"+name, "schemata"))
			if err != nil {
				t.Fatal(err)
			}
			_, mask, _ := strings.Cut(string(text), "L3:0=")
			mask, _, _ = strings.Cut(mask, ";")
			v, err := strconv.ParseUint(mask, 16, 32)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			n[name] = bits.OnesCount64(v)
		}
		return n["web"], n["db"], n["be"]
	}
	for _, shares := range []map[string]canary.Shares{nil, {"web": {Ways: 7}, "db": {Ways: 1}}} {
		out := i.Round(logger, w, &loop.Outcome{
			Spec: spec, Acts: true, Batch: "be", Setting: control.Setting{BatchWays: 2, BatchCPU: math.Inf(1)}, Shares: shares,
		}, elevenways.Start)
		if out.Reason != v1alpha1.ReasonInForce {
			t.Fatalf("%s: %s", out.Reason, out.Message)
		}
	}
	return w, count
}

// A trial ends with the switch, and with the agent: web and db have the 3 ways of the spec again, while batch's stay 2.
func TestTrialEndsWithTheSwitch(t *testing.T) {
	logger, _ := ktesting.NewTestContext(t)
	for name, end := range map[string]func(i *Isolator, w Wish){
		"off":            func(i *Isolator, w Wish) { i.Round(logger, Wish{v1alpha1.Off, w.Spec}, nil, elevenways.Start) },
		"shadow":         func(i *Isolator, w Wish) { i.Round(logger, Wish{v1alpha1.Shadow, w.Spec}, nil, elevenways.Start) },
		"the agent ends": func(i *Isolator, w Wish) { i.End(logger, *w.Spec) },
	} {
		root := elevenways.Tree(t)
		elevenways.Put(t, filepath.Join(root, "info/L3/num_closids"), "8\n")
		elevenways.Put(t, filepath.Join(root, "info/MB/num_closids"), "8\n")
		i := &Isolator{Root: root}
		w, count := redivided(t, i, root)
		if web, db, be := count(); web != 7 || db != 1 || be != 2 {
			t.Fatalf("the trial is not in force: web %d, db %d, be %d", web, db, be)
		}
		end(i, w)
		if web, db, be := count(); web != 3 || db != 3 || be != 2 {
			t.Errorf("%s: web %d, db %d, be %d", name, web, db, be)
		}
		if i.redivided != nil {
			t.Errorf("%s: would be ended again", name)
		}
	}
}
