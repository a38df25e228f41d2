package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	maxLines  = 600 // an error
	longLines = 400 // a hint: such a file often holds two concepts
	maxName   = 18  // characters of a package name
)

// vague are package names that say nothing of what is inside.
var vague = []string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "base", "impl", "types", "lib", "shared"}

// fileSize returns a violation for a file that is too long. Generated files may be.
func fileSize(name string, src []byte) []string {
	n := bytes.Count(src, []byte("\n"))
	if n <= maxLines || generated(src) {
		return nil
	}
	return []string{fmt.Sprintf("%s has %d lines, more than %d: split it by concept", name, n, maxLines)}
}

func generated(src []byte) bool {
	for line := range bytes.Lines(src) {
		line = bytes.TrimRight(line, "\r\n")
		if bytes.HasPrefix(line, []byte("// Code generated ")) && bytes.HasSuffix(line, []byte(" DO NOT EDIT.")) {
			return true
		}
		if bytes.HasPrefix(line, []byte("package ")) {
			return false
		}
	}
	return false
}

// initFunctions returns the init functions of a file.
func initFunctions(name string, src []byte) []string {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, src, 0)
	if err != nil {
		return []string{err.Error()}
	}
	var violations []string
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			violations = append(violations, fmt.Sprintf("%s: func init runs behind every importer's back: call it from main or a constructor",
				fset.Position(fn.Pos())))
		}
	}
	return violations
}

// packageDoc returns what is wrong with the package documentation of one folder: a comment in exactly one file, in the form
// that go doc shows well. The files that count are those of the package, or the tests where there is nothing else.
func packageDoc(folder string, sources map[string][]byte) []string {
	var documented []string
	var name, text string
	for _, file := range docFiles(sources) {
		f, err := parser.ParseFile(token.NewFileSet(), file, sources[file], parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return []string{err.Error()}
		}
		name = f.Name.Name
		if f.Doc != nil && f.Doc.Text() != "" {
			documented, text = append(documented, path.Base(file)), f.Doc.Text()
		}
	}
	want := "Package " + name + " "
	if name == "main" {
		want = "Command " + path.Base(folder) + " "
	}
	switch {
	case len(documented) == 0:
		return []string{fmt.Sprintf("%s has no package comment: write \"// %s...\" in its main file", folder, want)}
	case len(documented) > 1:
		return []string{fmt.Sprintf("%s has package comments in %s: keep one", folder, strings.Join(documented, " and "))}
	case !strings.HasPrefix(text, want):
		return []string{fmt.Sprintf("%s: the package comment in %s starts %.30q: start it with %q", folder, documented[0], text, want)}
	}
	return nil
}

// docFiles are the files of a folder that may carry its package comment, sorted.
func docFiles(sources map[string][]byte) []string {
	var product, tests []string
	for _, file := range slices.Sorted(maps.Keys(sources)) {
		if strings.HasSuffix(file, "_test.go") {
			tests = append(tests, file)
		} else {
			product = append(product, file)
		}
	}
	if len(product) > 0 {
		return product
	}
	return tests
}

// packageNames returns names that are vague, long, not that of their folder, or taken by another package.
func packageNames(tr tree) []string {
	var violations []string
	owner := map[string]string{}
	for _, pkg := range slices.Sorted(maps.Keys(tr)) {
		name, folder := tr[pkg].name, path.Base(pkg)
		for _, word := range []string{name, folder} {
			if slices.Contains(vague, word) {
				violations = append(violations, fmt.Sprintf("%s: %q says nothing of what is inside: name it by its concept", pkg, word))
			}
		}
		switch other := owner[name]; {
		case name == "main" || name == "": // a package of tests alone has no name in go list
		case len(name) > maxName:
			violations = append(violations, fmt.Sprintf("%s: package name %q is longer than %d characters: the folder gives context", pkg, name, maxName))
		case name != folder:
			violations = append(violations, fmt.Sprintf("%s: package %s is not named as its folder: rename one", pkg, name))
		case within(pkg, "./test"): // may be named as what it tests: nobody imports both
		case within(pkg, "./cmd/ballast/internal"): // named as the verb that a user types: only the tool imports it
		case other != "":
			violations = append(violations, fmt.Sprintf("%s and %s are both called %s, so that importers need an alias: rename one", other, pkg, name))
		default:
			owner[name] = pkg
		}
	}
	return violations
}

func TestSource(t *testing.T) {
	sources := files(t, isGo)
	folders := map[string]map[string][]byte{}
	for name, src := range sources {
		if slices.Contains(strings.Split(name, "/"), "testdata") {
			continue
		}
		report(t, fileSize(name, src))
		report(t, initFunctions(name, src))
		if n := bytes.Count(src, []byte("\n")); n > longLines && n <= maxLines && !generated(src) {
			t.Logf("%s has %d lines: look whether it holds two concepts", name, n)
		}
		folder := path.Dir(name)
		if folders[folder] == nil {
			folders[folder] = map[string][]byte{}
		}
		folders[folder][name] = src
	}
	for folder, sources := range folders {
		report(t, packageDoc(folder, sources))
	}
	report(t, packageNames(loadTree(t)))
}

func TestSourceRulesFindViolations(t *testing.T) {
	long := strings.Repeat("//\n", maxLines+1)
	expect(t, fileSize("a.go", []byte(long)), "a.go has 601 lines")
	expect(t, fileSize("a.go", []byte(long[3:])), "")
	expect(t, fileSize("a.go", []byte("// Code generated by x. DO NOT EDIT.\n"+long)), "")
	expect(t, fileSize("a.go", []byte("package a\n// Code generated by x. DO NOT EDIT.\n"+long)), "a.go has 60")

	expect(t, initFunctions("a.go", []byte("package a\nfunc init() {}")), "a.go:2:1: func init")
	expect(t, initFunctions("a.go", []byte("package a\ntype t int\nfunc (t) init() {}")), "")

	doc := func(sources ...string) []string {
		byName := map[string][]byte{}
		for i, src := range sources {
			byName[fmt.Sprintf("x/a/f%d.go", i)] = []byte(src)
		}
		return packageDoc("x/a", byName)
	}
	expect(t, doc("// Package a does.\npackage a", "package a"), "")
	expect(t, doc("// Command a does.\npackage main"), "")
	expect(t, doc("package a", "// Copyright\n\npackage a"), "no package comment")
	expect(t, doc("//go:build linux\npackage a"), "no package comment")
	expect(t, doc("// Package a does.\npackage a", "// Package a too.\npackage a"), "f0.go and f1.go")
	expect(t, doc("// This does.\npackage a"), `start it with "Package a "`)
	expect(t, doc("// Package main does.\npackage main"), `start it with "Command a "`)
	expect(t, packageDoc("x/a", map[string][]byte{"x/a/a.go": []byte("package a"), "x/a/a_test.go": []byte("// Package a tests.\npackage a")}),
		"no package comment")
	expect(t, packageDoc("x/a", map[string][]byte{"x/a/a_test.go": []byte("// Package a tests.\npackage a")}), "")

	expect(t, packageNames(tree{"./a": {name: "a"}, "./b": {name: "b"}, "./cmd/c": {name: "main"}, "./cmd/d": {name: "main"}}), "")
	expect(t, packageNames(tree{"./utils": {name: "utils"}}), `./utils: "utils" says nothing`)
	expect(t, packageNames(tree{"./cmd/common": {name: "main"}}), `./cmd/common: "common" says nothing`)
	expect(t, packageNames(tree{"./a": {name: "b"}}), "package b is not named as its folder")
	expect(t, packageNames(tree{"./x/a": {name: "a"}, "./y/a": {name: "a"}}), "./x/a and ./y/a are both called a")
	expect(t, packageNames(tree{"./x/a": {name: "a"}, "./test/x/a": {name: "a"}}), "")
	expect(t, packageNames(tree{"./cmd/ballast/internal/a": {name: "a"}, "./x/a": {name: "a"}}), "")
	expect(t, packageNames(tree{"./cmd/ballast/internal/util": {name: "util"}}), `"util" says nothing`)
	expect(t, packageNames(tree{"./averyveryverylongname": {name: "averyveryverylongname"}}), "longer than 18")
}
