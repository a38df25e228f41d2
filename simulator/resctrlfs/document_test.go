package resctrlfs

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var writeDocument = flag.Bool("write-rules", false, "write the table of rules into docs/resctrl-rules.md instead of comparing it")

const (
	beginTable = "<!-- written by `go test ./simulator/resctrlfs -run RulesDocument -write-rules` from the table of the tests: do not edit -->\n"
	endTable   = "<!-- end of the table -->\n"
)

// table is the conformance table as the document has it.
func table() string {
	var b strings.Builder
	escape := strings.NewReplacer("|", `\|`, "*", `\*`, "_", `\_`, "<", `\<`)
	for _, p := range parts() {
		fmt.Fprintf(&b, "\n### %s\n\nIn `%s`.\n\n| rule | kernel source | test |\n|---|---|---|\n", escape.Replace(p.title), p.file)
		for _, r := range p.rules {
			fmt.Fprintf(&b, "| %s | %s | `TestRules/%s` |\n", escape.Replace(r.name), escape.Replace(r.source), testName(r.name))
		}
	}
	return b.String() + "\n"
}

// testName is what `go test -run` knows a rule as.
func testName(rule string) string { return strings.ReplaceAll(rule, " ", "_") }

// The document's table is that of the tests, so that each rule in it has a source and a test that runs.
func TestRulesDocument(t *testing.T) {
	t.Parallel()
	name := filepath.Join("..", "..", "docs", "resctrl-rules.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), beginTable)
	have, after, ends := strings.Cut(rest, endTable)
	if !begins || !ends {
		t.Fatalf("%s has no table between %q and %q", name, beginTable, endTable)
	}
	if *writeDocument {
		if err := os.WriteFile(name, []byte(before+beginTable+table()+endTable+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != table() {
		t.Errorf("%s does not show the rules of the tests: go test ./simulator/resctrlfs -run RulesDocument -write-rules", name)
	}
}
