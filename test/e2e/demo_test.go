package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ballast-k8s/ballast/simulator/report"
)

// ballast is a run of bin/ballast in a temporary folder of its own, without measured data.
type ballast struct {
	cmd       *exec.Cmd
	out       bytes.Buffer
	messages  log
	tmp, work string
	ended     chan struct{}
	err       error // of its end
}

// log collects standard error and can be searched while it grows.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var _ io.Writer = (*log)(nil)

func start(t *testing.T, args ...string) *ballast {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(root, "bin", "ballast")
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: run `make build`", err)
	}
	b := &ballast{tmp: t.TempDir(), work: t.TempDir(), ended: make(chan struct{})}
	b.cmd = exec.CommandContext(t.Context(), binary, args...)
	b.cmd.Dir = b.work
	b.cmd.Stdout, b.cmd.Stderr = &b.out, &b.messages
	b.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.work, "TMPDIR=" + b.tmp, "BALLAST_TOOLS=" + filepath.Join(root, ".tools", "bin")}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		b.err = b.cmd.Wait()
		close(b.ended)
	}()
	return b
}

// wait returns the exit code.
func (b *ballast) wait(t *testing.T) int {
	t.Helper()
	<-b.ended
	if _, ok := b.err.(*exec.ExitError); b.err != nil && !ok { //nolint:errorlint // Wait returns it unwrapped
		t.Fatal(b.err)
	}
	return b.cmd.ProcessState.ExitCode()
}

// result reads the numbers that the run left in a folder of its working folder.
func (b *ballast) result(t *testing.T, folder string) *report.Result {
	t.Helper()
	numbers, err := os.ReadFile(filepath.Join(b.work, folder, "demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	var result report.Result
	if err := json.Unmarshal(numbers, &result); err != nil {
		t.Fatal(err)
	}
	return &result
}

// await waits until the run says something on standard error.
func (b *ballast) await(t *testing.T, message string) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for !strings.Contains(b.messages.String(), message) {
		select {
		case <-b.ended:
			t.Fatalf("it ended before it said %q:\n%s", message, &b.messages)
		case <-deadline:
			t.Fatalf("%q was not said in two minutes:\n%s", message, &b.messages)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// assertNothingLeft fails if a file or a process of the run is still there, a moment after its end.
func (b *ballast) assertNothingLeft(t *testing.T) {
	t.Helper()
	const moment = 30 * time.Second // the watchdog of a killed run needs about one on an idle machine
	var left []string
	for deadline := time.Now().Add(moment); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		left = nil
		entries, err := os.ReadDir(b.tmp)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			left = append(left, "file "+e.Name())
		}
		commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, c := range commands {
			line, _ := os.ReadFile(c)
			if bytes.Contains(line, []byte(b.tmp)) {
				left = append(left, "process "+string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
}

// Without data the demonstration generates its inputs; Ballast must beat the stock scheduler on them, as the analytic truth sees it.
func TestDemo(t *testing.T) {
	b := start(t, "demo", "--part", "placement", "--nodes", "27,40", "--out", "report")
	if code := b.wait(t); code != 0 {
		t.Fatalf("exit %d\n%s", code, &b.messages)
	}
	b.assertNothingLeft(t)
	for _, want := range []string{"The nodes are simulated", "Inputs: generated", "upper bound", "Report: report/report.html"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("the output does not say %q:\n%s", want, &b.out)
		}
	}
	if _, err := os.Stat(filepath.Join(b.work, "report", "report.html")); err != nil {
		t.Error(err)
	}
	result := b.result(t, "report").Placement
	if len(result.Parks) != 2 {
		t.Fatalf("%d parks, want 2", len(result.Parks))
	}
	for _, park := range result.Parks {
		stock, ours := park.Arms[0].Verdict, park.Arms[1].Verdict
		if stock.Containers != 200 || ours.Containers != 200 {
			t.Errorf("%d nodes: %d and %d containers were judged, want 200", park.Nodes, stock.Containers, ours.Containers)
		}
		// The gap is 0.15 and more; kube-scheduler's random ties move it by 0.02.
		if !(stock.Mean+0.05 < ours.Mean && ours.Mean <= park.Bound+1e-9) {
			t.Errorf("%d nodes: stock %.3f, Ballast %.3f, bound %.3f", park.Nodes, stock.Mean, ours.Mean, park.Bound)
		}
		if len(park.Arms[1].Reasons) == 0 {
			t.Errorf("%d nodes: no decision says its reason", park.Nodes)
		}
	}
	entries, err := os.ReadDir(b.work)
	if err != nil || len(entries) != 1 {
		t.Errorf("the working folder holds %v (%v), want the report only", entries, err)
	}
}

// On the published mixes the figures are the README's: in 14 runs with 6 orders of arrival, stock reached 0.840 to 0.874 on 27 nodes and
// Ballast 0.931 to 0.950.
func TestDemoOnPublishedMixes(t *testing.T) {
	data := os.Getenv("BALLAST_DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	data, err := filepath.Abs(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(data, "metis")); err != nil {
		t.Skipf("published mixes not found: %v; set BALLAST_DATA to the folder that holds metis/", err)
	}
	b := start(t, "demo", "--part", "placement", "--nodes", "27", "--data", data, "--out", ".")
	if code := b.wait(t); code != 0 {
		t.Fatalf("exit %d\n%s", code, &b.messages)
	}
	park := b.result(t, ".").Placement.Parks[0]
	if stock, ours := park.Arms[0].Verdict.Mean, park.Arms[1].Verdict.Mean; stock < 0.82 || stock > 0.89 || ours < 0.92 || ours > park.Bound {
		t.Errorf("stock %.3f, want 0.82 to 0.89; Ballast %.3f, want 0.92 to the bound %.3f", stock, ours, park.Bound)
	}
	if !strings.Contains(b.out.String(), "Judged by the paper's own simulator, a random forest fitted to one of the same campaigns") {
		t.Errorf("the output does not say who judges:\n%s", &b.out)
	}
}

// The loop is closed on every machine and with every seed; who does better is not asserted.
func TestClosedLoop(t *testing.T) {
	b := start(t, "demo", "--part", "loop", "--seed", "3", "--out", ".")
	if code := b.wait(t); code != 0 {
		t.Fatalf("exit %d\n%s", code, &b.messages)
	}
	b.assertNothingLeft(t)
	for _, want := range []string{"F = 60", "within the target", "The nodes are simulated", "Load: generated (seed 3)", "Neighbours: an analytic model"} {
		if !strings.Contains(b.out.String(), want) {
			t.Errorf("the output does not say %q:\n%s", want, &b.out)
		}
	}
	loop := b.result(t, ".").Loop
	if err := loop.Verify(); err != nil {
		t.Error(err)
	}
	stock, ours := &loop.Arms[0], &loop.Arms[1]
	if stock.Requests != ours.Requests || stock.Requests == 0 {
		t.Errorf("stock got %d requests and Ballast %d, want the same", stock.Requests, ours.Requests)
	}
	// The hour's load asks for 6.4 undisturbed cores; neighbours take up to a third of the speed, and a tenth more or less of the
	// requests may fail or be served late.
	for _, arm := range loop.Arms {
		if arm.UsedCores < 5.5 || arm.UsedCores > 10 {
			t.Errorf("arm %s used %.2f cores", arm.Name, arm.UsedCores)
		}
		for _, s := range arm.Sizes {
			if s.Requested == s.Guess {
				t.Errorf("arm %s: %s still requests the developer's guess, %d m", arm.Name, s.Service, s.Guess)
			}
		}
	}
	if len(ours.Reasons) == 0 || len(loop.Objective.Budgets) == 0 {
		t.Errorf("%d reasons of the scheduler and %d budgets, want some of each", len(ours.Reasons), len(loop.Objective.Budgets))
	}
}

// stages are moments at which a run is ended: while the batch is placed, and while the closed loop's clock runs.
var stages = map[string][]string{
	"containers placed":                {"demo", "--part", "placement", "--nodes", "27"},
	"closed loop: minutes":             {"demo", "--part", "loop"},
	"closed loop: starting schedulers": {"demo", "--part", "loop"}, // VPA is starting, too
	"starting etcd":                    {"demo"},
}

func TestDemoInterrupted(t *testing.T) {
	for message, args := range stages {
		t.Run(message, func(t *testing.T) {
			b := start(t, args...)
			b.await(t, message)
			if err := b.cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if code := b.wait(t); code != 3 || !strings.Contains(b.messages.String(), "interrupted") {
				t.Errorf("exit %d\n%s", code, &b.messages)
			}
			b.assertNothingLeft(t)
		})
	}
}

func TestDemoKilled(t *testing.T) {
	for message, args := range stages {
		t.Run(message, func(t *testing.T) {
			b := start(t, args...)
			b.await(t, message)
			if err := b.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			b.wait(t)
			b.assertNothingLeft(t)
		})
	}
}

func TestDemoFails(t *testing.T) {
	for program, args := range map[string][]string{
		"ballast-scheduler":   {"--nodes", "27", "--scheduler", "/bin/false"},
		"ballast-recommender": {"--part", "loop", "--recommender", "/bin/false"},
	} {
		b := start(t, append([]string{"demo"}, args...)...)
		if code := b.wait(t); code != 3 || !strings.Contains(b.messages.String(), program) {
			t.Errorf("%s: exit %d\n%s", program, code, &b.messages)
		}
		b.assertNothingLeft(t)
	}
}
