package scheduler_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/test/component"
	"github.com/ballast-k8s/ballast/test/handmodel"
)

// classes are handmodel's trio and one that nothing touches and that touches nobody: with it, requests can be put on a node.
func classes() []handmodel.Class { return append(handmodel.Trio(), handmodel.Class{Name: "idle"}) }

func testBadArguments(t *testing.T, s *suite) {
	for name, c := range map[string]struct{ args, want string }{
		"unknown-field": {"modelname: blue", `unknown field "modelname"`},
		"bad-age":       {"modelMaxAge: 0s", `pluginConfig[InterferenceFit].args.modelMaxAge: Invalid value: "0s": must be positive, such as 168h`},
		"bad-policy":    {"staleModelPolicy: Open", `pluginConfig[InterferenceFit].args.staleModelPolicy: Unsupported value: "Open": supported values: "FailOpen", "FailClosed", "FallBack"`},
		"not-a-time":    {"modelMaxAge: soon", "invalid duration"},
	} {
		t.Run(name, func(t *testing.T) {
			config, _ := s.Configure(t, "profile-second", profile("bad", c.args))
			child, err := s.Run(t.Context(), localcluster.Process{Name: name, Path: s.Binary, Args: []string{"--config=" + config, "--secure-port=0"}})
			if err != nil {
				t.Fatal(err)
			}
			select {
			case <-child.Done():
			case <-time.After(soon):
				child.Stop()
				t.Fatal("the scheduler runs with bad arguments")
			}
			text, err := os.ReadFile(child.LogPath())
			if err != nil {
				t.Fatal(err)
			}
			if child.Err() == nil || !strings.Contains(strings.ReplaceAll(string(text), `\"`, `"`), c.want) { // the log quotes errors
				t.Errorf("%v; want %q in:\n%s", child.Err(), c.want, text)
			}
		})
	}
}

func testStartsWithoutCRD(t *testing.T, s *suite) {
	if err := s.AddNodes(t.Context(), "a", 2, nodeShape()); err != nil {
		t.Fatal(err)
	}
	s.Schedule(t, "profile-second", profile("other", "modelName: other")+profile("strict", "modelName: aged, modelMaxAge: 1h, staleModelPolicy: FailClosed")+"\n- schedulerName: stock\n")
	// The stock scheduler sees requests alone and takes the emptier node, where the neighbour halves the pod's speed.
	s.create(t, podSpec{name: "a-loud", class: "loud", pool: "a", node: "a-0", cpu: "100m"})
	s.create(t, podSpec{name: "a-idle", class: "idle", pool: "a", node: "a-1", cpu: "3"})
	s.create(t, podSpec{name: "a-blind", class: "quiet", pool: "a", scheduler: "ballast-scheduler", cpu: "100m"})
	s.awaitNode(t, soon, "a-blind", "a-0")
	s.awaitMetric(t, soon, `blind{profile="ballast-scheduler",reason="no_model"}`, 1)
	if got := s.metric(t, `skipped_pods_total{profile="ballast-scheduler",reason="no_model"}`); got < 1 {
		t.Errorf("skipped_pods_total is %v", got)
	}
}

func testModelComesLate(t *testing.T, s *suite) {
	s.Apply(t, "crd/ballast.dev_interferencemodels.yaml")
	s.publish(t, "default", time.Now(), nil, classes()...)
	s.awaitMetric(t, soon, `blind{profile="ballast-scheduler",reason="no_model"}`, 0)
	s.create(t, podSpec{name: "a-seeing", class: "quiet", pool: "a", scheduler: "ballast-scheduler", cpu: "100m"})
	s.awaitNode(t, soon, "a-seeing", "a-1")
	// On a-1 nobody presses. On a-0 it would run at 0.5.
	s.awaitEvent(t, "a-seeing", "a-1: predicted 1.00 (1.00 to 1.00) of its speed alone beside 1 idle; neighbours lose nothing; next best a-0 by 0.50; model ")
	// The profile without the plugin still takes the emptier node.
	s.create(t, podSpec{name: "a-stock", class: "quiet", pool: "a", scheduler: "stock", cpu: "100m"})
	s.awaitNode(t, soon, "a-stock", "a-0")
	// An aggressor stays away from the sensitive pods: it joins its own kind on a-0 rather than two quiet ones... which are on
	// both nodes now, so it goes where it costs least: a-0 has 2 quiet at 0.5 (lose 0.25 each, and both loud fall to 0.8), a-1
	// one quiet at 1 (loses 0.5): gains 1.6 - 1 - 0.5 = 0.1 and 1 - 0.5 = 0.5.
	s.create(t, podSpec{name: "a-loud-2", class: "loud", pool: "a", scheduler: "ballast-scheduler", cpu: "100m"})
	s.awaitNode(t, soon, "a-loud-2", "a-1")
	s.awaitEvent(t, "a-loud-2", "neighbours lose 0.50; next best a-0 by 0.40")
}

func testProvider(t *testing.T, s *suite) {
	if err := s.AddNodes(t.Context(), "p", 3, nodeShape()); err != nil {
		t.Fatal(err)
	}
	s.create(t, podSpec{name: "p-helper", class: "helper", pool: "p", node: "p-2", cpu: "3"})
	s.create(t, podSpec{name: "p-quiet", class: "quiet", pool: "p", scheduler: "ballast-scheduler", cpu: "100m"})
	s.awaitNode(t, soon, "p-quiet", "p-2")
	s.awaitEvent(t, "p-quiet", "predicted 1.50")
}

func testTwoProfiles(t *testing.T, s *suite) {
	if err := s.AddNodes(t.Context(), "t", 2, nodeShape()); err != nil {
		t.Fatal(err)
	}
	reversed := classes()
	reversed[0].PerUnit["loud"] = 1.4 // here loud helps quiet
	s.publish(t, "other", time.Now(), nil, reversed...)
	s.awaitMetric(t, soon, `blind{profile="other",reason="no_model"}`, 0)
	s.create(t, podSpec{name: "t-loud", class: "loud", pool: "t", node: "t-0", cpu: "1"})
	s.create(t, podSpec{name: "t-idle", class: "idle", pool: "t", node: "t-1", cpu: "1"})
	s.create(t, podSpec{name: "t-default", class: "quiet", pool: "t", scheduler: "ballast-scheduler", cpu: "100m"})
	s.awaitNode(t, soon, "t-default", "t-1")
	s.create(t, podSpec{name: "t-other", class: "quiet", pool: "t", scheduler: "other", cpu: "100m"})
	s.awaitNode(t, soon, "t-other", "t-0")
}

func testHoldsAndFrees(t *testing.T, s *suite) {
	if err := s.AddNodes(t.Context(), "h", 1, nodeShape()); err != nil {
		t.Fatal(err)
	}
	s.create(t, podSpec{name: "h-loud", class: "loud", pool: "h", node: "h-0", cpu: "100m"})
	s.create(t, podSpec{name: "h-quiet", class: "quiet", pool: "h", scheduler: "ballast-scheduler", cpu: "100m", floor: "0.8"})
	s.awaitRefusal(t, "h-quiet", "1 node(s) would slow the pod (quiet) below its ballast.dev/min-performance 0.80")
	s.remove(t, "h-loud")
	s.awaitNode(t, soon, "h-quiet", "h-0") // the queueing hint; without it the pod would wait for five minutes
	s.create(t, podSpec{name: "h-loud-2", class: "loud", pool: "h", scheduler: "ballast-scheduler", cpu: "100m"})
	s.awaitRefusal(t, "h-loud-2", "1 node(s) where the pod would slow quiet below its ballast.dev/min-performance 0.80")
	s.remove(t, "h-quiet")
	s.awaitNode(t, soon, "h-loud-2", "h-0")
}

func testStaleModel(t *testing.T, s *suite) {
	if err := s.AddNodes(t.Context(), "s", 1, nodeShape()); err != nil {
		t.Fatal(err)
	}
	s.publish(t, "aged", time.Now().Add(-2*time.Hour), nil, classes()...)
	s.awaitMetric(t, soon, `blind{profile="strict",reason="stale"}`, 1)
	s.awaitEvent(t, "aged", "profile strict: blind (stale): stock scheduling, and pods with ballast.dev/min-performance wait")
	if age := s.metric(t, `model_age_seconds{profile="strict"}`); age < 7200 || age > 7300 {
		t.Errorf("the model's age is %v s, want 7200", age)
	}
	s.create(t, podSpec{name: "s-promised", class: "quiet", pool: "s", scheduler: "strict", cpu: "100m", floor: "0.8"})
	s.awaitRefusal(t, "s-promised", "waiting for a current interference model")
	s.create(t, podSpec{name: "s-plain", class: "quiet", pool: "s", scheduler: "strict", cpu: "100m"})
	s.awaitNode(t, soon, "s-plain", "s-0")
	s.publish(t, "aged", time.Now(), nil, classes()...) // confirmed
	s.awaitNode(t, soon, "s-promised", "s-0")
}

func testAnotherFormat(t *testing.T, s *suite) {
	newer := func(im *v1alpha1.InterferenceModel) { im.Spec.Format = "ballast.dev/interference-model/v9" }
	s.publish(t, "default", time.Now(), newer, classes()...)
	s.awaitMetric(t, soon, `model_updates_total{profile="ballast-scheduler",result="unsupported_format"}`, 1)
	s.awaitMetric(t, soon, `blind{profile="ballast-scheduler",reason="unsupported_format"}`, 0) // the last good one decides
	if err := s.Objects.Resource(v1alpha1.InterferenceModels).Delete(t.Context(), "default", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitMetric(t, soon, `blind{profile="ballast-scheduler",reason="no_model"}`, 1)
	s.publish(t, "default", time.Now(), newer, classes()...)
	s.awaitMetric(t, soon, `blind{profile="ballast-scheduler",reason="unsupported_format"}`, 1)
	if err := s.AddNodes(t.Context(), "f", 2, nodeShape()); err != nil {
		t.Fatal(err)
	}
	s.create(t, podSpec{name: "f-loud", class: "loud", pool: "f", node: "f-0", cpu: "100m"})
	s.create(t, podSpec{name: "f-idle", class: "idle", pool: "f", node: "f-1", cpu: "3"})
	s.create(t, podSpec{name: "f-quiet", class: "quiet", pool: "f", scheduler: "ballast-scheduler", cpu: "100m"})
	s.awaitNode(t, soon, "f-quiet", "f-0") // as stock
	s.publish(t, "default", time.Now(), nil, classes()...)
	s.awaitMetric(t, soon, `blind{profile="ballast-scheduler",reason="unsupported_format"}`, 0)
}

func testSwitch(t *testing.T, s *suite) {
	if err := s.AddNodes(t.Context(), "w", 2, nodeShape()); err != nil {
		t.Fatal(err)
	}
	s.create(t, podSpec{name: "w-loud-0", class: "loud", pool: "w", node: "w-0", cpu: "100m"})
	s.create(t, podSpec{name: "w-loud-1", class: "loud", pool: "w", node: "w-1", cpu: "3"})
	s.create(t, podSpec{name: "w-quiet", class: "quiet", pool: "w", scheduler: "ballast-scheduler", cpu: "100m", floor: "0.8"})
	s.awaitRefusal(t, "w-quiet", "2 node(s) would slow the pod")
	s.Turn(t, "shadow")
	s.awaitNode(t, switchBound, "w-quiet", "w-0") // as stock
	s.awaitMetric(t, soon, `mode{mode="shadow",profile="ballast-scheduler"}`, 1)
	s.awaitEvent(t, "w-quiet", "shadow, nothing was changed: w-0: predicted 0.50")
	s.awaitEvent(t, "w-quiet", "placed without checking ballast.dev/min-performance 0.80: mode is shadow")
	s.awaitMetric(t, soon, `shadow_decisions_total{agrees="false",profile="ballast-scheduler"}`, 1)

	s.Turn(t, "sideways")
	s.awaitMetric(t, soon, `switch_errors_total{profile="ballast-scheduler"}`, 1)
	s.awaitMetric(t, soon, `mode{mode="shadow",profile="ballast-scheduler"}`, 1)
	s.Turn(t, "off")
	s.awaitMetric(t, switchBound, `blind{profile="ballast-scheduler",reason="off"}`, 1)
	if err := s.Client.CoreV1().ConfigMaps(v1alpha1.SwitchNamespace).Delete(t.Context(), v1alpha1.SwitchName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitMetric(t, switchBound, `mode{mode="active",profile="ballast-scheduler"}`, 1)
}

// testPermissions reads the log of all that went before.
func testPermissions(t *testing.T, s *suite) {
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := component.Get(ctx, s.HTTP, s.URL+"/healthz"); err != nil {
		t.Errorf("the probe fails: %v", err)
	}
	s.Scheduler.Stop()
	text, err := os.ReadFile(s.Scheduler.LogPath())
	if err != nil {
		t.Fatal(err)
	}
	bad := regexp.MustCompile(`(?i:forbidden|unauthorized)|DATA RACE|panic|^E\d{4} .*InterferenceFit`)
	for line := range strings.Lines(string(text)) {
		expected := strings.Contains(line, "Refused") || strings.Contains(line, "Ignored the switch") || strings.Contains(line, "FLAG:")
		if bad.MatchString(line) && !expected {
			t.Errorf("the scheduler logged: %s", line)
		}
	}
	if strings.Contains(string(text), "DATA RACE") {
		t.Logf("%s", text)
	}
	// The CRD was missing for a while: that is worth a line for each profile, not one for each try.
	if n := strings.Count(string(text), "Cannot watch an object"); n == 0 || n > 6 {
		t.Errorf("the missing CRD was logged %d times", n)
	}
}
