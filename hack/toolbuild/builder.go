package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// builder builds tools from the modules in one folder into another.
type builder struct {
	modules string // hack/tools
	dir     string // .tools
	out     io.Writer
	display display
}

// plan is everything about a tool that is known before it is built.
type plan struct {
	tool     tool
	module   string // the module's folder
	programs []program
	ldflags  string
	entry    string // the name of its folder in the cache
}

// buildAll builds what is missing. The lock is only taken if something is: with everything cached this takes milliseconds.
func (b *builder) buildAll(ctx context.Context, tools []tool) error {
	var plans []plan
	for _, t := range tools {
		p, err := b.plan(ctx, t)
		if err != nil {
			return fmt.Errorf("preparing %s: %w", t.name, err)
		}
		if !b.isCurrent(p) {
			plans = append(plans, p)
		}
	}
	if len(plans) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "cache"), 0o755); err != nil {
		return fmt.Errorf("making the folder of the tools: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(b.dir, "lock"), func() { say(b.out, "waiting for another toolbuild to finish") })
	if err != nil {
		return err
	}
	defer unlock()
	for _, p := range plans {
		if err := b.buildOne(ctx, p); err != nil {
			return fmt.Errorf("building %s: %w", p.tool.name, err)
		}
	}
	return nil
}

// plan reads the module and computes the cache entry's name.
func (b *builder) plan(ctx context.Context, t tool) (plan, error) {
	p := plan{tool: t, module: filepath.Join(b.modules, t.name)}
	mod, err := readModule(ctx, p.module)
	if err != nil {
		return p, err
	}
	target, err := readPlatform(ctx, p.module, mod)
	if err != nil {
		return p, err
	}
	if p.programs, err = t.programs(mod); err != nil {
		return p, err
	}
	if p.ldflags, err = t.ldflags(mod); err != nil {
		return p, err
	}
	key, err := cacheKey(p, target)
	if err != nil {
		return p, err
	}
	p.entry = t.name + "-" + key
	return p, nil
}

// cacheKey is the fingerprint of everything that decides what is built.
func cacheKey(p plan, target platform) (string, error) {
	hash := sha256.New()
	files, err := filepath.Glob(filepath.Join(p.module, "*"))
	if err != nil {
		return "", fmt.Errorf("listing %s: %w", p.module, err)
	}
	for _, file := range files { // Glob sorts
		content, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("reading the module: %w", err)
		}
		_, _ = fmt.Fprintf(hash, "%s %d\n", filepath.Base(file), len(content)) // a hash never fails to write
		_, _ = hash.Write(content)
	}
	flags := struct {
		Platform platform
		Programs []string
		LDFlags  string
		Share    []string
		CGO      string `json:",omitempty"`
		Tags     string `json:",omitempty"`
	}{Platform: target, LDFlags: p.ldflags, CGO: p.tool.cgo, Tags: p.tool.tags}
	for _, shared := range p.tool.share {
		flags.Share = append(flags.Share, shared.name+" "+strings.Join(shared.paths, " "))
	}
	for _, program := range p.programs {
		flags.Programs = append(flags.Programs, program.pkg+" "+program.name)
	}
	if err := json.NewEncoder(hash).Encode(flags); err != nil {
		return "", fmt.Errorf("hashing the build flags: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil))[:keyLength], nil
}

// keyLength is how many hex digits of the fingerprint name a cache entry: enough, with one entry a tool.
const keyLength = 16

// buildOne makes the cache entry unless it is there by now, points the links at it, and removes the tool's older entries.
func (b *builder) buildOne(ctx context.Context, p plan) error {
	entry := filepath.Join(b.dir, "cache", p.entry)
	if _, err := os.Stat(entry); err != nil {
		begin := time.Now()
		if err := b.fill(ctx, p, entry); err != nil {
			return err
		}
		say(b.out, "%s: built in %s", p.tool.name, time.Since(begin).Round(time.Second))
	}
	if err := b.link(p); err != nil {
		return err
	}
	return b.prune(p)
}

// fill builds into a folder beside the entry and renames it, so that an entry is complete or not there.
func (b *builder) fill(ctx context.Context, p plan, entry string) error {
	partial, err := os.MkdirTemp(filepath.Join(b.dir, "cache"), "partial-"+p.tool.name+"-")
	if err != nil {
		return fmt.Errorf("making a build folder: %w", err)
	}
	defer os.RemoveAll(partial) // only there if something failed
	if err := os.Chmod(partial, 0o755); err != nil {
		return fmt.Errorf("opening the build folder to other users: %w", err)
	}
	if err := b.compile(ctx, p, filepath.Join(partial, "bin")); err != nil {
		return err
	}
	if err := writeShare(ctx, p, filepath.Join(partial, "share", p.tool.name)); err != nil {
		return err
	}
	if err := os.Rename(partial, entry); err != nil {
		return fmt.Errorf("putting the build in place: %w", err)
	}
	return nil
}
