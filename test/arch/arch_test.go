// Package arch holds the rules of the source tree as tests: who may import whom, what pure packages may do, how packages and
// files are documented, named and sized, which versions go.mod pins, and that every manifest loads through the code that will
// read it. docs/development.md lists the rules.
//
// Each rule is a function from data to violations, and has a test of its own that shows it finds one. A violation says what to do.
package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/ballast-k8s/ballast"

// root is the module's root folder, seen from this one, where go test runs the tests.
const root = "../.."

// golang runs the go command in the module's root and returns its output.
func golang(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// listed is what `go list -json` says of a package.
type listed struct {
	ImportPath, Name                   string
	Imports, TestImports, XTestImports []string
}

// loadTree returns the module's packages.
func loadTree(t *testing.T) tree {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(golang(t, "list", "-e", "-json=ImportPath,Name,Imports,TestImports,XTestImports", "./...")))
	packages := tree{}
	for {
		var l listed
		err := dec.Decode(&l)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		packages[relative(l.ImportPath)] = imports{
			name:    l.Name,
			product: relatives(l.Imports),
			test:    relatives(slices.Concat(l.TestImports, l.XTestImports)),
		}
	}
}

// relative turns an import path of this module into ./path; it leaves others as they are.
func relative(path string) string {
	if path == modulePath {
		return "."
	}
	if rest, ok := strings.CutPrefix(path, modulePath+"/"); ok {
		return "./" + rest
	}
	return path
}

func relatives(paths []string) []string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = relative(p)
	}
	return out
}

// notOurs are folders without source of this module: git's, built tools, outputs.
var notOurs = []string{".git", ".tools", "bin", "out"}

// files returns the tree's files that keep accepts, by path from the root with forward slashes.
func files(t *testing.T, keep func(path string) bool) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && slices.Contains(notOurs, rel):
			return fs.SkipDir
		case !d.Type().IsRegular() || !keep(rel):
			return nil
		}
		found[rel], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatalf("reading the tree: %v", err)
	}
	return found
}

func isGo(path string) bool { return strings.HasSuffix(path, ".go") }

// report fails the test with each violation on its own line.
func report(t *testing.T, violations []string) {
	t.Helper()
	slices.Sort(violations)
	for _, v := range slices.Compact(violations) {
		t.Error(v)
	}
}

// expect checks a rule's own test: with want empty there must be no violation, else one that contains it.
func expect(t *testing.T, got []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("violations %q, want none", got)
	case want != "" && !slices.ContainsFunc(got, func(v string) bool { return strings.Contains(v, want) }):
		t.Errorf("violations %q, want one that says %q", got, want)
	}
}
