package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// failureLines is how much of the compiler's output an error shows.
const failureLines = 20

// compile builds the programs into bin and shows how far it is.
func (b *builder) compile(ctx context.Context, p plan, bin string) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("making a build folder: %w", err)
	}
	if err := p.tool.checkLibrary(ctx); err != nil {
		return err
	}
	task := b.display.begin(p.tool.name, p.tool.cold)
	defer task.end()
	total, err := countStale(ctx, p)
	if err != nil {
		return err
	}
	task.total(total)
	for _, program := range p.programs {
		if err := compileOne(ctx, p, program, filepath.Join(bin, program.name), task); err != nil {
			return err
		}
	}
	return nil
}

// countStale returns how many packages are to be compiled. It also downloads the modules.
func countStale(ctx context.Context, p plan) (int, error) {
	args := []string{"list", "-deps", "-tags", p.tool.tags, "-f", "{{if .Stale}}stale{{end}}"}
	for _, program := range p.programs {
		args = append(args, program.pkg)
	}
	out, err := goOutputWith(ctx, p.tool.env(), p.module, args...)
	if err != nil {
		return 0, fmt.Errorf("%w\nif modules could not be downloaded: check the network and GOPROXY, then run this again (what is downloaded stays)", err)
	}
	return bytes.Count(out, []byte("stale\n")), nil
}

// compileOne runs go build, whose -v output is one line for each package that it compiled.
func compileOne(ctx context.Context, p plan, program program, out string, task *task) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-v", "-tags", p.tool.tags, "-ldflags", p.ldflags, "-o", out, program.pkg)
	cmd.Dir = p.module
	cmd.Env = p.tool.env()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) } // lets go remove its work folder
	cmd.WaitDelay = 10 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the compiler: %w", err)
	}
	tail := follow(stderr, task)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted; packages compiled so far are kept: %w", context.Cause(ctx))
		}
		return fmt.Errorf("compiling %s: %w; the compiler's last lines:\n\t%s\nrun it by hand: cd %s && %s go build -tags='%s' -o /dev/null %s",
			program.pkg, err, strings.Join(tail, "\n\t"), p.module, p.tool.cgoEnv(), p.tool.tags, program.pkg)
	}
	return nil
}

// follow counts packages on the task and returns the last lines that are something else.
func follow(r io.Reader, task *task) []string {
	var tail []string
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20) // a line longer than that ends the display, not the build
	for scanner.Scan() {
		line := scanner.Text()
		switch {
		case line == "" || strings.HasPrefix(line, "go: downloading "):
		case isPackage(line):
			task.add()
		default:
			tail = append(tail, line)
			tail = tail[max(0, len(tail)-failureLines):]
		}
	}
	_, _ = io.Copy(io.Discard, r) // the build must not block on a full pipe
	return tail
}

// isPackage tells an import path from a message of the compiler.
func isPackage(line string) bool {
	return !strings.ContainsAny(line, " \t:#") && !strings.HasPrefix(line, ".")
}

// writeShare writes the tool's shared files into dir. Their parts stand in the module that the tool is built from.
func writeShare(ctx context.Context, p plan, dir string) error {
	if len(p.tool.share) == 0 {
		return nil
	}
	out, err := goOutput(ctx, p.module, "list", "-m", "-f", "{{.Dir}}", p.tool.shareFrom)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	for _, shared := range p.tool.share {
		joined, err := joinFiles(p.tool.shareFrom, strings.TrimSpace(string(out)), shared.paths)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, shared.name), joined, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", shared.name, err)
		}
	}
	return nil
}

// joinFiles joins files of the module that stands in dir into one multi-document YAML text.
func joinFiles(module, dir string, paths []string) ([]byte, error) {
	var joined bytes.Buffer
	for _, path := range paths {
		content, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			return nil, fmt.Errorf("reading a file of module %s: %w", module, err)
		}
		fmt.Fprintf(&joined, "---\n# %s: %s\n%s\n", module, path, bytes.TrimSpace(content))
	}
	return joined.Bytes(), nil
}
