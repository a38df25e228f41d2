// Command testsum reads the output of `go test -json` on its standard input and shows what a reader of a test run wants: one
// line for each package, the output of failed tests, skipped tests with their reasons, and last the number of tests passed and
// failed. It exits 1 if a test or a package failed, or if no test ran at all.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// summary counts tests, subtests included, and keeps the output of those that still run.
type summary struct {
	passed, failed int
	skipped        []string
	output         map[string][]string // by package and test
	broken         map[string]bool     // packages with a failed test
}

func main() {
	s, err := summarise(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(3)
	}
	if s.failed > 0 || s.passed == 0 {
		os.Exit(1)
	}
}

// summarise copies what matters of a test run from r to w and returns the counts.
func summarise(r io.Reader, w io.Writer) (*summary, error) {
	s := &summary{output: map[string][]string{}, broken: map[string]bool{}}
	in := bufio.NewReader(r) // not a Scanner: a test may print lines of any length
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			if _, werr := io.WriteString(w, s.add(line)); werr != nil {
				return nil, fmt.Errorf("writing the summary: %w", werr)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the test run: %w", err)
		}
	}
	for _, name := range s.skipped {
		fmt.Fprintln(w, "skipped:", name)
	}
	counts := fmt.Sprintf("%d passed, %d failed", s.passed, s.failed)
	if n := len(s.skipped); n > 0 {
		counts += fmt.Sprintf(", %d skipped", n)
	}
	_, err := fmt.Fprintln(w, counts)
	return s, err
}

// add takes one line of the run and returns what to show of it now.
func (s *summary) add(line string) string {
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		return line // the go command's own messages are not JSON
	}
	key := e.Package + "." + e.Test
	switch {
	case e.Action == "build-output", e.Action == "output" && e.Test == "" && e.Output != "PASS\n":
		return e.Output
	case e.Action == "output" && e.Test != "":
		s.output[key] = append(s.output[key], e.Output)
	case e.Action == "fail":
		return s.fail(e, key)
	case e.Test == "":
	case e.Action == "pass":
		s.passed++
		delete(s.output, key)
	case e.Action == "skip":
		s.skipped = append(s.skipped, key+reason(s.output[key]))
		delete(s.output, key)
	}
	return ""
}

// reason is why a test was skipped, after a colon: what it said last, without where in the source. Empty if it said nothing.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		if strings.HasPrefix(strings.TrimSpace(line), "---") || strings.HasPrefix(line, "===") {
			continue
		}
		_, said, ok := strings.Cut(line, ".go:")
		if _, said, found := strings.Cut(said, ": "); ok && found {
			return ": " + strings.TrimSpace(said)
		}
	}
	return ""
}

// fail counts a failed test, or a package that failed without one (build error, timeout, os.Exit), and returns the output of it.
func (s *summary) fail(e event, key string) string {
	if e.Test != "" {
		s.failed++
		s.broken[e.Package] = true
		shown := strings.Join(s.output[key], "")
		delete(s.output, key)
		return shown
	}
	if s.broken[e.Package] {
		return ""
	}
	s.failed++
	var shown strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.output)) { // the tests that never ended
		if strings.HasPrefix(name, e.Package+".Test") {
			shown.WriteString(strings.Join(s.output[name], ""))
		}
	}
	return shown.String()
}
