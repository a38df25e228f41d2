// Command toolbuild builds the programs that Ballast's development, tests and demo need, from source, through the Go module
// proxy: the Kubernetes control plane, KWOK, metrics-server, the stock VPA, the linter and the code generator. Each tool has its
// own module under hack/tools, because their dependencies clash.
//
//	go run ./hack/toolbuild [--dir .tools] [NAME...]
//
// Without names it builds all but those for real nodes (kubelet, containerd, runc and the CNI plugins). A tool is built into <dir>/cache/<name>-<hash>, where the hash covers everything that decides the result (module
// files, Go version, platform, flags); <dir>/bin and <dir>/share hold relative links into the cache, so the folder can be
// moved. A tool that is there already costs a few milliseconds. Runs at the same time wait for each other.
//
// Every tool is compiled with the same flags, those of the product, so that all share one compile cache; only link flags differ. The
// exception is runc, part of which is C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Exit codes, as those of the ballast command.
const (
	exitUsage  = 2
	exitFailed = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// run parses the arguments, builds, and returns the exit code.
func run(ctx context.Context, args []string, stderr *os.File) int {
	flags := flag.NewFlagSet("toolbuild", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("dir", ".tools", "folder of the tools")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: go run ./hack/toolbuild [--dir .tools] [NAME...]\nnames: %s (none: all but the special ones: %s)\n",
			strings.Join(names(allTools()), " "), strings.Join(names(special(allTools(), true)), " "))
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	tools, err := selectTools(allTools(), flags.Args())
	if err != nil {
		fmt.Fprintln(stderr, "toolbuild:", err)
		return exitUsage
	}
	if err := build(ctx, *dir, tools, stderr); err != nil {
		fmt.Fprintln(stderr, "toolbuild:", err)
		return exitFailed
	}
	return 0
}

// build builds the tools into dir.
func build(ctx context.Context, dir string, tools []tool, stderr *os.File) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("resolving the folder of the tools: %w", err)
	}
	b := &builder{modules: filepath.Join(root, "hack", "tools"), dir: dir, out: stderr, display: newDisplay(stderr)}
	return b.buildAll(ctx, tools)
}

// findRoot returns the checkout: the closest folder, from the working directory upwards, with hack/tools in it.
func findRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the checkout: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(filepath.Join(dir, "hack", "tools")); err == nil && info.IsDir() {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("finding the checkout: no folder hack/tools in %s or above it", start)
		}
	}
}

// selectTools returns the named tools in the table's order, or all that are not special if there are no names.
func selectTools(all []tool, wanted []string) ([]tool, error) {
	for _, name := range wanted {
		if !slices.Contains(names(all), name) {
			return nil, fmt.Errorf("unknown tool %q: there are %s", name, strings.Join(names(all), ", "))
		}
	}
	if len(wanted) == 0 {
		return special(all, false), nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(t tool) bool { return !slices.Contains(wanted, t.name) }), nil
}

// special returns the tools that are special, or those that are not.
func special(tools []tool, is bool) []tool {
	return slices.DeleteFunc(slices.Clone(tools), func(t tool) bool { return t.special != is })
}

func names(tools []tool) []string {
	var list []string
	for _, t := range tools {
		list = append(list, t.name)
	}
	return list
}

// say writes one line to the user; a terminal that is gone is no reason to stop building.
func say(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}
