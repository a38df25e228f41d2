package interferencefit

import (
	"strings"
	"testing"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/byhand"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/modelsource"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodemix"
	"github.com/ballast-k8s/ballast/plugins/interferencefit/nodesetting"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

func rated(node string, gain int64) fwk.NodeScore { return fwk.NodeScore{Name: node, Score: gain} }

func TestSentence(t *testing.T) {
	base := decision{
		mode: v1alpha1.Active, node: "node-07", names: []string{"redis", "mms"}, version: "3f2a00112233",
		mix:       interference.Mix{{Class: 0, Units: 2}, {Class: 1, Units: 1}},
		predicted: interference.Prediction{Mean: 0.93, Lo: 0.88, Hi: 0.97}, neighboursLose: 0.05,
		scored: true, gain: 8800, best: rated("node-07", 8800), next: rated("node-12", 8600),
	}
	const head = "node-07: predicted 0.93 (0.88 to 0.97) of its speed alone"
	cases := map[string]struct {
		change func(*decision)
		want   string
	}{
		"best":               {func(*decision) {}, head + " beside 2 redis, 1 mms; neighbours lose 0.05; next best node-12 by 0.02; model 3f2a00112233"},
		"alone":              {func(d *decision) { d.mix, d.neighboursLose = nil, 0 }, head + ", with the node to itself; next best node-12 by 0.02; model 3f2a00112233"},
		"helps":              {func(d *decision) { d.neighboursLose = -0.5 }, head + " beside 2 redis, 1 mms; neighbours gain 0.50; next best node-12 by 0.02; model 3f2a00112233"},
		"costs nothing":      {func(d *decision) { d.neighboursLose = -0.001 }, head + " beside 2 redis, 1 mms; neighbours lose nothing; next best node-12 by 0.02; model 3f2a00112233"},
		"unknown neighbour":  {func(d *decision) { d.mix = interference.Mix{{Class: interference.Unknown, Units: 3}} }, head + " beside 3 of unknown class; neighbours lose 0.05; next best node-12 by 0.02; model 3f2a00112233"},
		"foreign neighbours": {func(d *decision) { d.names, d.namespace = []string{"shop/redis", "bank/ledger"}, "shop" }, head + " beside 2 shop/redis, 1 of another namespace; neighbours lose 0.05; next best node-12 by 0.02; model 3f2a00112233"},
		"equally good":       {func(d *decision) { d.best, d.next = rated("node-03", 8800), rated("node-07", 8800) }, head + " beside 2 redis, 1 mms; neighbours lose 0.05; node-03 is as good; model 3f2a00112233"},
		"overruled":          {func(d *decision) { d.best, d.next = rated("node-03", 9300), rated("node-07", 8800) }, head + " beside 2 redis, 1 mms; neighbours lose 0.05; node-03 is better by 0.05, but other scores decided; model 3f2a00112233"},
		"single":             {func(d *decision) { d.next = fwk.NodeScore{} }, head + " beside 2 redis, 1 mms; neighbours lose 0.05; model 3f2a00112233"},
		"unscored":           {func(d *decision) { d.scored, d.best, d.next = false, fwk.NodeScore{}, fwk.NodeScore{} }, head + " beside 2 redis, 1 mms; neighbours lose 0.05; no other node was compared; model 3f2a00112233"},
		"stale":              {func(d *decision) { d.stale = true }, head + " beside 2 redis, 1 mms; neighbours lose 0.05; next best node-12 by 0.02; model 3f2a00112233 (stale, used by staleModelPolicy FallBack)"},
		"shadow":             {func(d *decision) { d.mode = v1alpha1.Shadow }, "shadow, nothing was changed: " + head + " beside 2 redis, 1 mms; neighbours lose 0.05; next best node-12 by 0.02; model 3f2a00112233"},
		"shadow, other node": {func(d *decision) {
			d.mode, d.best, d.next = v1alpha1.Shadow, rated("node-03", 9300), rated("node-07", 8800)
		}, "shadow, nothing was changed: " + head + " beside 2 redis, 1 mms; neighbours lose 0.05; Ballast would have chosen node-03, better by 0.05; model 3f2a00112233"},
		"in a setting":    {func(d *decision) { d.setting = "m5/batch+web" }, head + " beside 2 redis, 1 mms; neighbours lose 0.05; next best node-12 by 0.02; setting m5/batch+web; model 3f2a00112233"},
		"unknown setting": {func(d *decision) { d.setting, d.doubt = "m6", nodesetting.UnknownSetting }, head + ` beside 2 redis, 1 mms; neighbours lose 0.05; next best node-12 by 0.02; setting "m6" is not in the model, so the least of its settings was taken; model 3f2a00112233`},
		"old report":      {func(d *decision) { d.setting, d.doubt = "m5/web", nodesetting.StaleReport }, head + ` beside 2 redis, 1 mms; neighbours lose 0.05; next best node-12 by 0.02; setting "m5/web" by an old report, so the least of what it may be was taken; model 3f2a00112233`},
		"no report":       {func(d *decision) { d.doubt = nodesetting.UnreadReports }, head + " beside 2 redis, 1 mms; neighbours lose 0.05; next best node-12 by 0.02; settings of nodes are not read yet, so the least of the model's was taken; model 3f2a00112233"},
		"shadow, broken":  {func(d *decision) { d.mode, d.breaks = v1alpha1.Shadow, true }, "shadow, nothing was changed: " + head + " beside 2 redis, 1 mms; neighbours lose 0.05; it breaks a ballast.dev/min-performance; model 3f2a00112233"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			d := base
			c.change(&d)
			if got := d.sentence(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSentenceFitsAnEvent(t *testing.T) {
	for name, want := range map[string]string{strings.Repeat("c", 20): " and 34 more classes", strings.Repeat("c", 150): " and 39 more classes", strings.Repeat("c", 317): " and 40 more classes"} {
		d := decision{
			mode: v1alpha1.Shadow, node: strings.Repeat("n", 253), version: "3f2a00112233", stale: true, scored: true,
			setting: strings.Repeat("s", 200), doubt: nodesetting.StaleReport, gain: -scale.Limit, best: rated(strings.Repeat("b", 253), scale.Limit),
		}
		for i := range 40 {
			d.mix = append(d.mix, interference.Load{Class: i, Units: 1})
			d.names = append(d.names, name)
		}
		got := d.sentence()
		if len(got) > 1024 || !strings.Contains(got, want) {
			t.Errorf("%d characters, want %q in: %s", len(got), want, got)
		}
	}
}

func TestDecide(t *testing.T) {
	k := learn(t, byhand.Trio()...)
	c := &cycle{condition: condition{Mode: v1alpha1.Active, Known: k}, class: loud, scored: true, best: rated("n2", 9000)}
	d := c.decide(nodemix.NewCache(nil).Observe(byhand.Node("n1", byhand.Several(2, "quiet")...), k, ""), "n1")
	// loud itself runs at 1; each of two quiet falls from 1 to 0.5.
	byhand.Near(t, "predicted", d.predicted.Mean, 1)
	byhand.Near(t, "cost", d.neighboursLose, 1)
	if d.gain != 0 || d.agrees() {
		t.Errorf("gain %d, agrees %v; want 0 and false", d.gain, d.agrees())
	}
}

func TestUnchecked(t *testing.T) {
	k := learn(t, append(byhand.Trio(), byhand.Class{Name: "new", Unmeasured: true})...)
	active := condition{Mode: v1alpha1.Active, Known: k}
	cases := map[string]struct {
		cycle cycle
		pod   string
		want  string
	}{
		"checked":    {cycle{condition: active, class: quiet}, "quiet", ""},
		"exempt":     {cycle{condition: active, class: quiet, exempt: true}, "quiet", "DaemonSet and system-critical pods are never rejected"},
		"shadow":     {cycle{condition: condition{Mode: v1alpha1.Shadow, Known: k}, class: quiet}, "quiet", "mode is shadow"},
		"blind":      {cycle{condition: condition{Mode: v1alpha1.Active, Blind: modelsource.ReasonStale}}, "quiet", "there is no usable interference model: stale"},
		"unknown":    {cycle{condition: active, class: interference.Unknown}, "mystery", "the interference model has no class mystery"},
		"no class":   {cycle{condition: active, class: interference.Unknown}, "", "the interference model has no class (none: the pod has no label and no controller)"},
		"unmeasured": {cycle{condition: active, class: 3}, "new", "class new was never measured"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.cycle.unchecked(byhand.Pod(c.pod, "0.5")); got != c.want {
				t.Errorf("unchecked is %q, want %q", got, c.want)
			}
		})
	}
}
