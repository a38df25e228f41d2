package arch

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	makeTarget = regexp.MustCompile(`(?m)^([a-z0-9-]+):`)
	makeCall   = regexp.MustCompile(`\bmake ([a-z][a-z0-9-]*)`)
	inlineCode = regexp.MustCompile("`[^`]+`")
)

// makeCommands returns the `make` commands of a document that the Makefile has no target for. Only code counts, inline or
// fenced: prose may make sense.
func makeCommands(name string, document, makefile []byte) []string {
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllSubmatch(makefile, -1) {
		targets[string(m[1])] = true
	}
	var violations []string
	for _, code := range codeOf(string(document)) {
		for _, call := range makeCall.FindAllStringSubmatch(code, -1) {
			if !targets[call[1]] {
				violations = append(violations, fmt.Sprintf("%s says `make %s`, which the Makefile does not have: correct one", name, call[1]))
			}
		}
	}
	return violations
}

// codeOf returns the code of a Markdown document.
func codeOf(markdown string) []string {
	var code []string
	fenced := false
	for line := range strings.Lines(markdown) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
		case fenced:
			line, _, _ = strings.Cut(line, "#")
			code = append(code, line)
		default:
			code = append(code, inlineCode.FindAllString(line, -1)...)
		}
	}
	return code
}

// workplace matches paths and hosts of the machine a text was written on. The parts are joined here so that this file passes.
var workplace = regexp.MustCompile(strings.Join([]string{
	`/wo` + `rk/[a-z]`, `/ro` + `ot/`, `/ho` + `me/[a-z]`, `//(go)?pro` + `xy[.:]`, `\b(go)?pro` + `xy\.[a-z0-9-]+\.[a-z]`, `GOPRO` + `XY=`, `\b(arti` + `factory|ne` + `xus)\b`,
}, "|"))

// workplaceTraces returns lines that would be wrong or telling on another machine.
func workplaceTraces(name string, src []byte) []string {
	if bytes.IndexByte(src, 0) >= 0 { // not text
		return nil
	}
	var violations []string
	line := 0
	for text := range bytes.Lines(src) {
		line++
		if m := workplace.Find(text); m != nil {
			violations = append(violations, fmt.Sprintf("%s:%d: %q belongs to one machine: use a relative path, a flag or an example name", name, line, m))
		}
	}
	return violations
}

func TestDocumentedCommands(t *testing.T) {
	all := files(t, func(name string) bool {
		return name == "Makefile" || strings.HasSuffix(name, ".md") && (name == "README.md" || strings.HasPrefix(name, "docs/"))
	})
	readme, ok := all["README.md"]
	if !ok || !bytes.Contains(readme, []byte("make test")) {
		t.Error("README.md does not say `make test`, which .ci/run runs: a newcomer starts there")
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "Makefile" {
			report(t, makeCommands(name, all[name], all["Makefile"]))
		}
	}
}

func TestNoWorkplaceTraces(t *testing.T) {
	all := files(t, func(name string) bool { return !strings.HasSuffix(name, "go.sum") })
	for _, name := range slices.Sorted(maps.Keys(all)) {
		report(t, workplaceTraces(name, all[name]))
	}
}

func TestTextRulesFindViolations(t *testing.T) {
	makefile := []byte(".PHONY: test\ntest: lint ## x\n\tgo test\n")
	expect(t, makeCommands("a.md", []byte("Run `make test`.\n"), makefile), "")
	expect(t, makeCommands("a.md", []byte("Run `make tests`.\n"), makefile), "`make tests`")
	expect(t, makeCommands("a.md", []byte("```\n$ make demo   # make sure\n```\n"), makefile), "`make demo`")
	expect(t, makeCommands("a.md", []byte("We make sure of it.\n"), makefile), "")

	expect(t, workplaceTraces("a", []byte("x\nat /wo"+"rk/main\n")), "a:2:")
	expect(t, workplaceTraces("a", []byte("export GOPRO"+"XY=https://host")), "a:1:")
	expect(t, workplaceTraces("a", []byte("use pro"+"xy.corp.example")), "a:1:")
	expect(t, workplaceTraces("a", []byte("/framework/x, kube-proxy. Then, front-proxy.crt, ./work, proxy.Handler, /var/lib")), "")
	expect(t, workplaceTraces("a", []byte("\x00/wo"+"rk/main")), "")
}
