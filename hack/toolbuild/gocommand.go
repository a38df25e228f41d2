package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/version"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// moduleFile is the part of a go.mod that matters here.
type moduleFile struct {
	Go      string
	Require []struct{ Path, Version string }
	Tool    []struct{ Path string }
}

// version returns the version at which the module requires another; empty if it does not.
func (m moduleFile) version(module string) string {
	for _, r := range m.Require {
		if r.Path == module {
			return r.Version
		}
	}
	return ""
}

// platform is what the go command says of itself, and what decides the compiler's output beside the sources.
type platform struct {
	GOVERSION, GOOS, GOARCH, GOAMD64, GOARM64, GOEXPERIMENT string
}

// buildEnv is the environment of every go command: the flags that decide which compile cache is used are the same everywhere, but for
// tools that are partly C.
func buildEnv() []string {
	var goflags []string
	for flag := range strings.FieldsSeq(os.Getenv("GOFLAGS")) {
		name, _, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		if !slices.Contains([]string{"trimpath", "buildvcs", "race", "msan", "asan", "cover", "mod", "modfile"}, name) {
			goflags = append(goflags, flag)
		}
	}
	goflags = append(goflags, "-buildvcs=false") // stamping fails in checkouts that git thinks are another user's
	return append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="+strings.Join(goflags, " "))
}

// cgoEnv is the setting of the environment that says whether the tool is compiled with C.
func (t tool) cgoEnv() string {
	if t.cgo == "" {
		return "CGO_ENABLED=0"
	}
	return "CGO_ENABLED=1"
}

// env is the environment in which the tool is compiled.
func (t tool) env() []string { return append(buildEnv(), t.cgoEnv()) } // of two settings the last one holds

// checkLibrary says what to install if the C library that the tool is linked with, or what is needed to find it, is missing. The
// compiler's own message would be about a header file.
func (t tool) checkLibrary(ctx context.Context) error {
	if t.cgo == "" {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "pkg-config", "--exists", "--print-errors", t.cgo).CombinedOutput(); err != nil {
		return fmt.Errorf("%s is linked with the C library %s, whose development files (or pkg-config, which finds them) are missing: "+
			"run hack/realnodes-packages as root (Debian, Ubuntu), or install them: %w %s", t.name, t.cgo, err, bytes.TrimSpace(out))
	}
	return nil
}

// goOutput runs the go command in a folder and returns its standard output.
func goOutput(ctx context.Context, dir string, args ...string) ([]byte, error) {
	return goOutputWith(ctx, buildEnv(), dir, args...)
}

// goOutputWith does so in an environment.
func goOutputWith(ctx context.Context, env []string, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = env
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("the go command is not on the PATH: install Go (https://go.dev/dl) and try again")
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("running go %s in %s: %w: %s", strings.Join(args, " "), dir, err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		return nil, fmt.Errorf("running go %s in %s: %w", strings.Join(args, " "), dir, err)
	}
	return out, nil
}

// readModule reads the go.mod in a folder.
func readModule(ctx context.Context, dir string) (moduleFile, error) {
	var mod moduleFile
	out, err := goOutput(ctx, dir, "mod", "edit", "-json")
	if err != nil {
		return mod, err
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return mod, fmt.Errorf("reading go.mod in %s: %w", dir, err)
	}
	return mod, nil
}

// readPlatform asks the go command that will build the module, which may be another version than the one that runs us.
func readPlatform(ctx context.Context, dir string, mod moduleFile) (platform, error) {
	var p platform
	out, err := goOutput(ctx, dir, "env", "-json", "GOVERSION", "GOOS", "GOARCH", "GOAMD64", "GOARM64", "GOEXPERIMENT")
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(out, &p); err != nil {
		return p, fmt.Errorf("reading the Go environment: %w", err)
	}
	return p, checkGo(p.GOVERSION, mod.Go)
}

// checkGo refuses a toolchain that is older than the module asks for. (With GOTOOLCHAIN=auto the go command gets a newer one itself.)
func checkGo(have, want string) error {
	if version.Compare(have, "go"+want) < 0 {
		return fmt.Errorf("this needs Go %s or newer, and the go command on the PATH is %s: install a newer one (https://go.dev/dl), or let it fetch one itself: go env -w GOTOOLCHAIN=auto",
			want, strings.TrimPrefix(have, "go"))
	}
	return nil
}
