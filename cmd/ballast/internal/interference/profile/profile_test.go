package profile

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli/clitest"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// ballast runs one command line and returns what it printed.
func ballast(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return clitest.Run(t, []*cobra.Command{Command()}, args...)
}

// profileJSON is the part of -o json that tests look at.
type profileJSON struct {
	Mixes []struct {
		Rank       int
		Containers []struct {
			Class  string
			Number float64
		}
		Estimate struct{ Gain, IntervalHalfWidth, IntervalHalfWidthAfter float64 }
		Reason   string
	}
	Summary struct{ MixesConsidered, MixesUnmeasured int }
}

// The three forms are of the same mixes, and none of them was measured.
func TestProfilePrints(t *testing.T) {
	t.Parallel()
	args := []string{"profile", "--model", clitest.Model(t), "--slots", "6", "--next", "3"}
	code, table, stderr := ballast(t, args...)
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if code != cli.ExitDone || len(lines) != 4 || !strings.HasPrefix(lines[0], "rank  mix") || !strings.HasPrefix(lines[1], "1     ") {
		t.Fatalf("exit %d, table %q, %q", code, table, stderr)
	}
	// C(8,2) − 1 mixes of up to 6, less the 14 of up to 4.
	if !strings.HasPrefix(stderr, "27 mixes of a, b weighed, 13 of them never measured\nexpected gain") {
		t.Errorf("summary is %q", stderr)
	}
	_, text, _ := ballast(t, append(args, "-o", "csv")...)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 4 || strings.Join(rows[0], ",") != "n_a,n_b,perf_a,perf_b" {
		t.Fatalf("%v, %q", err, text)
	}
	var out profileJSON
	code, text, _ = ballast(t, append(args, "-o", "json")...)
	if err := json.Unmarshal([]byte(text), &out); code != cli.ExitDone || err != nil || out.Summary.MixesUnmeasured != 13 || len(out.Mixes) != 3 {
		t.Fatalf("exit %d, %v, %q", code, err, text)
	}
	for i, m := range out.Mixes {
		counts, all := map[string]float64{}, 0.0
		for _, c := range m.Containers {
			counts[c.Class] = c.Number
			all += c.Number
		}
		record := []string{fmt.Sprint(counts["a"]), fmt.Sprint(counts["b"]), "", ""}
		narrows := m.Estimate.IntervalHalfWidthAfter < m.Estimate.IntervalHalfWidth
		if !slices.Equal(rows[i+1], record) || all <= 4 || m.Rank != i+1 || !strings.Contains(lines[i+1], m.Reason) || !narrows {
			t.Errorf("%+v in json, %v in csv, %q in the table", m, rows[i+1], lines[i+1])
		}
	}
}

func TestProfileForSomePods(t *testing.T) {
	t.Parallel()
	model := clitest.Model(t)
	code, text, _ := ballast(t, "profile", "--model", model, "--slots", "6", "--pods", "b=10", "-o", "csv")
	if code != cli.ExitDone || !strings.HasPrefix(text, "n_a,n_b,perf_a,perf_b\n0,") || strings.Count(text, "\n0,") != 2 {
		t.Errorf("with pods of b alone: exit %d, %q, want the mixes of 5 and 6 of b", code, text)
	}
}

func TestProfileOfANewClass(t *testing.T) {
	t.Parallel()
	model := clitest.Model(t)
	code, table, stderr := ballast(t, "profile", "--model", model, "--new", "c")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	alone := len(lines) == 6 && strings.HasPrefix(lines[1], "1     c=1 ") && strings.Contains(lines[1], "only fixes the scale")
	if code != cli.ExitDone || !alone || !strings.Contains(lines[2], " % of what is unsure") || !strings.Contains(stderr, "measure c in these mixes") {
		t.Errorf("exit %d, %q, %q", code, table, stderr)
	}
	code, text, _ := ballast(t, "profile", "--model", model, "--new", "c", "-o", "csv")
	if code != cli.ExitDone || !strings.HasPrefix(text, "n_a,n_b,n_c,perf_a,perf_b,perf_c\n0,0,1,,,\n") {
		t.Errorf("exit %d, %q", code, text)
	}
}

func TestProfileExitCodes(t *testing.T) {
	t.Parallel()
	model := clitest.Model(t)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--slots 4", cli.ExitNegative, "nothing is left to measure: every mix of up to 4 containers of a, b"},
		{"--slots 0", cli.ExitUsage, "--slots is 0, expected 1 to 1000"},
		{"--next 101", cli.ExitUsage, "--next is 101, expected 1 to 100"},
		{"--pods c=1", cli.ExitUsage, `the model has no class "c"; it knows a, b`},
		{"--pods a=many", cli.ExitUsage, "--pods a=many: expected a number of pods"},
		{"--pods a=0", cli.ExitUsage, "no pods of any class"},
		{"--new a", cli.ExitUsage, "the model knows this class already"},
		{"--new c --next 3", cli.ExitUsage, "leave --next and --pods out"},
		{"--new c=d", cli.ExitUsage, "a class name holds no comma, equals sign"},
		{"--measure true", cli.ExitUsage, "--measure and --mixes-out go together"},
		{"--mixes-out x.csv", cli.ExitUsage, "--measure and --mixes-out go together"},
		{"--measure true --mixes-out x.csv.gz", cli.ExitUsage, "expected a file that is not compressed"},
		{"--measure true --mixes-out x.csv --timeout 0s", cli.ExitUsage, "--timeout is 0s"},
		{"-o yaml", cli.ExitUsage, "expected one of table, json, csv"},
		{"more", cli.ExitUsage, `unexpected argument "more"`},
	} {
		code, _, stderr := ballast(t, append([]string{"profile", "--model", model}, strings.Fields(c.args)...)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %q, want %d and %q", c.args, code, stderr, c.code, c.want)
		}
	}
	if code, _, _ := ballast(t, "profile"); code != cli.ExitUsage {
		t.Errorf("without --model: exit %d", code)
	}
	if code, _, _ := ballast(t, "profile", "--model", "nowhere.json"); code != cli.ExitFailed {
		t.Errorf("without a file: exit %d", code)
	}
}

// The command writes what it is asked to a log, fails of the third mix, and measures 0.5 for each class otherwise. Run again without the
// fault it measures what is missing only, and a model can be fitted with what it measured.
func TestProfileMeasures(t *testing.T) {
	t.Parallel()
	model, dir := clitest.Model(t), t.TempDir()
	log, fault, file := filepath.Join(dir, "log"), filepath.Join(dir, "fault"), filepath.Join(dir, "measured.csv")
	command := fmt.Sprintf(`echo "$BALLAST_MIX" >> %[1]s
		test "$BALLAST_MIX" = "$(echo "$@" | tr ' ' ,)" || exit 9
		if [ $(wc -l < %[1]s) = 3 ] && ! [ -e %[2]s ]; then touch %[2]s; echo broken >&2; exit 7; fi
		for c in "$@"; do echo "${c%%%%=*}=0.5"; done`, log, fault)
	args := []string{"profile", "--model", model, "--slots", "6", "--next", "4", "--measure", command, "--mixes-out", file, "-o", "csv"}
	code, todo, stderr := ballast(t, args...)
	if code != cli.ExitFailed || !strings.Contains(stderr, "broken\n") || !strings.Contains(stderr, "exit status 7; what was measured before is in "+file) {
		t.Fatalf("exit %d, %q", code, stderr)
	}
	if b, err := os.ReadFile(file); err != nil || strings.Count(string(b), "\n") != 3 {
		t.Fatalf("%v, %q, want the header and two measurements", err, b)
	}
	code, again, stderr := ballast(t, args...)
	if code != cli.ExitDone || again != todo || strings.Count(stderr, "is in "+file+" already") != 2 || !strings.Contains(stderr, "4 mixes are in "+file) {
		t.Fatalf("the second time: exit %d, %q", code, stderr)
	}
	asked, err := os.ReadFile(log)
	if lines := strings.Split(strings.TrimSpace(string(asked)), "\n"); err != nil || len(lines) != 5 || lines[2] != lines[3] {
		t.Errorf("asked %q, want four mixes, the third twice", asked)
	}
	want := strings.Split(strings.TrimSpace(todo), "\n")
	b, err := os.ReadFile(file)
	got := strings.Split(strings.TrimSpace(string(b)), "\n")
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v, %q, want %d lines", err, b, len(want))
	}
	for i := 1; i < len(want); i++ {
		perf := func(n string) string {
			if n == "0" {
				return ""
			}
			return "0.5"
		}
		n := strings.Split(want[i], ",")
		if line := strings.Join([]string{n[0], n[1], perf(n[0]), perf(n[1])}, ","); got[i] != line {
			t.Errorf("line %d is %q, want %q", i, got[i], line)
		}
	}
	learn(t, clitest.MixesFile(t), file)
}

// learn fits a model to mixes files.
func learn(t *testing.T, paths ...string) {
	t.Helper()
	tables := make([]*interference.Table, len(paths))
	for i, path := range paths {
		var err error
		if tables[i], err = cli.ReadMixes(path); err != nil {
			t.Fatal(err)
		}
	}
	ds, err := interference.Pool(tables...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := interference.Fit(ds, "all"); err != nil {
		t.Errorf("fit with what was measured: %v", err)
	}
}

// A file of other columns, or one that was cut off, is refused before anything is measured; columns in another order are kept.
func TestProfileMixesOut(t *testing.T) {
	t.Parallel()
	model := clitest.Model(t)
	for text, want := range map[string]string{
		"n_a,perf_a\n1,1\n":                      "has no column n_b",
		"n_a,n_b\n1,1\n":                         "has no column perf_a",
		"n_a,n_b,perf_a,perf_b\n5,0,0.4":         "the last line does not end",
		"n_a,n_b,perf_a,perf_b\n5,0,fast,\n":     `"fast" is not a performance`,
		"n_a,n_b,perf_a,perf_b\n5,0,0.4\n":       "wrong number of fields",
		"n_a,n_b,perf_a,perf_b\n\"5,0,0.4,0.4\n": "extraneous or missing",
	} {
		file := clitest.WriteTemp(t, "out.csv", text)
		code, _, stderr := ballast(t, "profile", "--model", model, "--slots", "6", "--measure", "touch "+file+".ran", "--mixes-out", file)
		if _, err := os.Stat(file + ".ran"); code != cli.ExitFailed || !strings.Contains(stderr, want) || err == nil {
			t.Errorf("%q: exit %d, %q, want %q, and nothing measured", text, code, stderr, want)
		}
	}
	file := clitest.WriteTemp(t, "out.csv", "campaign,perf_b,n_b,perf_a,n_a\n")
	code, todo, stderr := ballast(t, "profile", "--model", model, "--slots", "6", "--pods", "a=1", "--next", "1", "-o", "csv",
		"--measure", "echo; echo ' a = 0.25 '", "--mixes-out", file)
	b, err := os.ReadFile(file)
	units, _, _ := strings.Cut(strings.TrimPrefix(todo, "n_a,n_b,perf_a,perf_b\n"), ",")
	if want := "campaign,perf_b,n_b,perf_a,n_a\n,,0,0.25," + units + "\n"; code != cli.ExitDone || err != nil || string(b) != want {
		t.Errorf("exit %d, %q, %v, %q, want %q", code, stderr, err, b, want)
	}
}

func TestParsePerformances(t *testing.T) {
	t.Parallel()
	mix := containers{{"a", 2}, {"b/c", 1}}
	got, err := parsePerformances("b/c=1.25\n\n a = 0 \n", mix)
	if err != nil || got.String() != "b/c=1.25,a=0" {
		t.Errorf("%v, %v", got, err)
	}
	for text, want := range map[string]string{
		"":                  "no performance of class a",
		"a=1\n":             "no performance of class b/c",
		"a=1\nb/c=1\na=1\n": "line 3 of its output is of class a, which stood above",
		"a=1\nd=1\n":        `line 2 of its output is of class "d", which is not in the mix a=2,b/c=1`,
		"measuring\n":       `line 1 of its output is "measuring", expected a line <class>=<performance>`,
		"a=fast\n":          `"fast" is not a performance`,
		"a=-1\n":            `"-1" is not a performance`,
		"a=NaN\n":           `"NaN" is not a performance`,
		"a=1e9\n":           `"1e9" is not a performance`,
		"a=1=2\n":           `"1=2" is not a performance`,
		"a=0\nb/c=0\n":      "every class failed",
		"a=1\nb/c=\n":       `"" is not a performance`,
	} {
		if _, err := parsePerformances(text, mix); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Whatever the command writes, what is taken has one number in bounds for each class of the mix.
func FuzzParsePerformances(f *testing.F) {
	f.Add("a=1\nb=0.5\n")
	f.Add("a=0\r\nb=1e-2\n\n")
	f.Add("a==1\nb=inf")
	mix := containers{{"a", 2}, {"b", 1}}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parsePerformances(text, mix)
		if err != nil {
			return
		}
		if len(got) != 2 || got[0].Class == got[1].Class {
			t.Fatalf("%q: %v", text, got)
		}
		for _, n := range got {
			if mix.of(n.Class) == 0 || !(n.Number == 0 || n.Number >= 0.001 && n.Number <= 1000) {
				t.Fatalf("%q: %v", text, got)
			}
		}
	})
}

// sleeper is a command that writes its own process and that of a child to a file and sleeps for a minute.
func sleeper(t *testing.T) (command, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "processes")
	return fmt.Sprintf("sleep 60 & echo $$ $! > %[1]s.part; mv %[1]s.part %[1]s; wait", file), file
}

// gone waits until the processes of a file are no more.
func gone(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(b)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(20 * time.Second)
		for ended := false; !ended; {
			state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			ended = err != nil || strings.Contains(string(state), ") Z ") || syscall.Kill(pid, 0) != nil
			if !ended && time.Now().After(deadline) {
				t.Fatalf("process %d of the command runs on", pid)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

func TestProfileStopsTheCommand(t *testing.T) {
	t.Parallel()
	model := clitest.Model(t)
	args := func(command string, more ...string) []string {
		return append([]string{"profile", "--model", model, "--slots", "6", "--measure", command, "--mixes-out", filepath.Join(t.TempDir(), "out.csv")}, more...)
	}
	t.Run("after the timeout", func(t *testing.T) {
		t.Parallel()
		command, file := sleeper(t)
		// Long enough for the shell to write the file on a busy machine.
		code, _, stderr := ballast(t, args(command, "--timeout", "20s")...)
		if code != cli.ExitFailed || !strings.Contains(stderr, "the command took longer than 20s; give --timeout") {
			t.Errorf("exit %d, %q", code, stderr)
		}
		gone(t, file)
	})
	t.Run("when interrupted", func(t *testing.T) {
		t.Parallel()
		command, file := sleeper(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var out, stderr strings.Builder
		result := make(chan int)
		go func() { result <- cli.Run(ctx, cli.Root(Command()), args(command), &out, &stderr) }()
		deadline := time.Now().Add(30 * time.Second)
		for {
			if _, err := os.Stat(file); err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the command was not started")
			}
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
		if code := <-result; code != cli.ExitFailed || !strings.Contains(stderr.String(), "interrupted") {
			t.Errorf("exit %d, %q", code, stderr.String())
		}
		gone(t, file)
	})
	t.Run("of too much output", func(t *testing.T) {
		t.Parallel()
		code, _, stderr := ballast(t, args("head -c 100000 /dev/zero")...)
		if code != cli.ExitFailed || !strings.Contains(stderr, "more than 64 KiB to standard output") {
			t.Errorf("exit %d, %q", code, stderr)
		}
	})
}
