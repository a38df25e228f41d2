package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mustBePure are the packages that DESIGN 4 calls pure; /... means the folder and all below.
var mustBePure = []string{
	"./predictor/...", "./plugins/jointplacement/configlp", "./plugins/node/partition", "./plugins/node/control",
	"./recommender/allocate", "./recommender/localize", "./recommender/tune", "./simulator/plant",
}

// impureStd are the std packages and folders that reach beyond arguments and results: files, network, log, waiting, global state.
var impureStd = []string{
	"context", "crypto/rand", "embed", "expvar", "flag", "io/ioutil", "log", "math/rand", "net", "os", "path/filepath", "plugin",
	"runtime", "syscall", "testing", "unsafe",
}

// pureList reads pure.txt: one package a line, # for comments.
func pureList(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("pure.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, "./"+line)
		}
	}
	return list
}

// pureListing compares pure.txt with the packages there are.
func pureListing(pure []string, tr tree) []string {
	var violations []string
	for _, p := range pure {
		if _, ok := tr[p]; !ok {
			violations = append(violations, fmt.Sprintf("pure.txt lists %s, which does not exist: remove the line", p))
		}
	}
	if !slices.IsSorted(pure) {
		violations = append(violations, "pure.txt is not sorted: sort it")
	}
	for pkg := range tr {
		marked := slices.ContainsFunc(mustBePure, func(m string) bool {
			folder, all := strings.CutSuffix(m, "/...")
			return pkg == folder || all && within(pkg, folder)
		})
		if marked && !slices.Contains(pure, pkg) {
			violations = append(violations, fmt.Sprintf("%s is pure by DESIGN 4 and not in pure.txt: add the line", pkg))
		}
	}
	return violations
}

// pureImports returns imports that a pure package may not have. Its tests may also use go-cmp and all of std.
func pureImports(pure []string, tr tree) []string {
	var violations []string
	for _, pkg := range pure {
		allowed := func(imp string) bool {
			return std(imp) || within(imp, "gonum.org/v1/gonum") || slices.Contains(pure, imp) || imp == pkg
		}
		for _, imp := range tr[pkg].product {
			if !allowed(imp) || within(imp, impureStd...) && imp != "math/rand/v2" {
				violations = append(violations, fmt.Sprintf("%s imports %s: a pure package uses std (but not %s), gonum and other pure packages; "+
					"pass a value in instead", pkg, imp, strings.Join(impureStd, ", ")))
			}
		}
		for _, imp := range tr[pkg].test {
			if !allowed(imp) && !within(imp, "github.com/google/go-cmp") {
				violations = append(violations, fmt.Sprintf("a test of %s imports %s: tests of pure packages use std, go-cmp, gonum and pure packages; "+
					"move the test to where it needs more", pkg, imp))
			}
		}
	}
	return violations
}

// std reports whether an import path is the standard library's: those have no dot in the first element.
func std(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return !strings.Contains(first, ".")
}

// timeValues are what a pure package may use of package time: types, constants and arithmetic. The rest reads the clock or waits.
var timeValues = []string{
	"Duration", "Time", "Month", "Weekday", "Location", "UTC", "Date", "Unix", "UnixMilli", "UnixMicro", "Parse", "ParseDuration",
	"ParseError", "Nanosecond", "Microsecond", "Millisecond", "Second", "Minute", "Hour", "RFC3339", "RFC3339Nano", "DateOnly", "TimeOnly", "DateTime",
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
}

// pureCode returns what a file of a pure package does with the clock, global randomness and, below predictor, goroutines.
func pureCode(name string, src []byte) []string {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, 0)
	if err != nil {
		return []string{err.Error()}
	}
	var violations []string
	add := func(n ast.Node, format string, args ...any) {
		violations = append(violations, fmt.Sprintf("%s: %s", fset.Position(n.Pos()), fmt.Sprintf(format, args...)))
	}
	names := map[string]string{}
	for _, spec := range f.Imports {
		imp, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		names[importName(spec, imp)] = imp
		if spec.Name != nil && spec.Name.Name == "." {
			add(spec, "dot import of %s hides what is used of it: name the package", imp)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			if strings.HasPrefix(name, "predictor/") {
				add(n, "predictor starts no goroutine: let the caller")
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			switch {
			case !ok:
			case names[x.Name] == "time" && !slices.Contains(timeValues, n.Sel.Name):
				add(n, "time.%s: a pure package takes the time as an argument", n.Sel.Name)
			case names[x.Name] == "math/rand/v2" && ast.IsExported(n.Sel.Name) && globalRandom(n.Sel.Name):
				add(n, "rand.%s draws from global state: take a *rand.Rand or rand.Source", n.Sel.Name)
			}
		}
		return true
	})
	return violations
}

// globalRandom reports whether a name of math/rand/v2 is a function on the global source.
func globalRandom(name string) bool {
	return !strings.HasPrefix(name, "New") && !slices.Contains([]string{"Rand", "Source", "PCG", "ChaCha8", "Zipf"}, name)
}

// importName is the name a file knows an import by, as far as the path tells.
func importName(spec *ast.ImportSpec, imp string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	if imp == "math/rand/v2" {
		return "rand"
	}
	return path.Base(imp)
}

func TestPure(t *testing.T) {
	pure, tr := pureList(t), loadTree(t)
	report(t, pureListing(pure, tr))
	report(t, pureImports(pure, tr))
	sources := files(t, func(name string) bool {
		return isGo(name) && !strings.HasSuffix(name, "_test.go") && slices.Contains(pure, "./"+path.Dir(name))
	})
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		report(t, pureCode(name, sources[name]))
	}
}

func TestPureRulesFindViolations(t *testing.T) {
	tr := tree{"./predictor/a": {}, "./predictor/b/c": {}, "./plugins/node/control": {}, "./plugins/node": {}}
	expect(t, pureListing([]string{"./plugins/node/control", "./predictor/a", "./predictor/b/c"}, tr), "")
	expect(t, pureListing([]string{"./plugins/node/control", "./predictor/a"}, tr), "./predictor/b/c is pure by DESIGN")
	expect(t, pureListing([]string{"./predictor/a", "./predictor/b/c"}, tr), "./plugins/node/control is pure by DESIGN")
	expect(t, pureListing([]string{"./predictor/z"}, tr), "./predictor/z, which does not exist")
	expect(t, pureListing([]string{"./predictor/b/c", "./predictor/a"}, tr), "not sorted")

	for imp, want := range map[string]string{
		"math": "", "time": "", "math/rand/v2": "", "gonum.org/v1/gonum/mat": "", "./predictor/b": "", "io": "",
		"os": "imports os", "os/exec": "os/exec", "net/http": "net/http", "log/slog": "log/slog", "context": "context", "math/rand": "math/rand:",
		"gonum.org/v1/plot": "gonum.org/v1/plot", "k8s.io/api/core/v1": "k8s.io/api", "./plugins/a": "./plugins/a",
	} {
		expect(t, pureImports([]string{"./predictor/a", "./predictor/b"}, tree{"./predictor/a": {product: []string{imp}}}), want)
	}
	for imp, want := range map[string]string{
		"os": "", "github.com/google/go-cmp/cmp": "", "./predictor/a": "", "k8s.io/api/core/v1": "a test of ./predictor/a imports k8s.io/api",
	} {
		expect(t, pureImports([]string{"./predictor/a"}, tree{"./predictor/a": {test: []string{imp}}}), want)
	}

	for body, want := range map[string]string{
		`import "time"; func f(t time.Time) time.Duration { return t.Sub(time.Unix(0, 0)) * time.Second }`: "",
		`import "time"; var t = time.Now()`:                                    "time.Now",
		`import clock "time"; var t = clock.Since`:                             "time.Since",
		`import . "time"; var t = Now()`:                                       "dot import",
		`import "math/rand/v2"; var x = rand.IntN(3)`:                          "rand.IntN",
		`import "math/rand/v2"; func f(r *rand.Rand) int { return r.IntN(3) }`: "",
		`import "math/rand/v2"; var r = rand.New(rand.NewPCG(1, 2))`:           "",
		`func f() { go f() }`:                                                  "goroutine",
		`type time struct{ Now int }; func f(now time) int { return now.Now }`: "",
	} {
		expect(t, pureCode("predictor/a/a.go", []byte("package a; "+body)), want)
	}
	expect(t, pureCode("recommender/tune/a.go", []byte("package a; func f() { go f() }")), "")
}
