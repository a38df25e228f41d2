package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// links returns the tool's links, each with its target, relative to the folder of the tools.
func (p plan) links() map[string]string {
	links := map[string]string{}
	cached := filepath.Join("cache", p.entry)
	for _, program := range p.programs {
		target := filepath.Join(cached, "bin", program.name)
		if len(p.tool.links) == 0 {
			links[filepath.Join("bin", program.name)] = target
		}
		for _, name := range p.tool.links {
			links[filepath.Join("bin", name)] = target
		}
	}
	for _, shared := range p.tool.share {
		file := filepath.Join("share", p.tool.name, shared.name)
		links[file] = filepath.Join(cached, file)
	}
	return links
}

// isCurrent reports whether the links point into the wanted cache entry, and to something.
func (b *builder) isCurrent(p plan) bool {
	for name, target := range p.links() {
		relative, err := filepath.Rel(filepath.Dir(name), target)
		if err != nil {
			return false
		}
		if got, err := os.Readlink(filepath.Join(b.dir, name)); err != nil || got != relative {
			return false
		}
		if _, err := os.Stat(filepath.Join(b.dir, name)); err != nil {
			return false
		}
	}
	return true
}

// link points the links at the entry. Each is replaced in one step: whoever starts a tool meanwhile gets the old or the new one.
func (b *builder) link(p plan) error {
	for name, target := range p.links() {
		path := filepath.Join(b.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("making the folder of %s: %w", name, err)
		}
		relative, err := filepath.Rel(filepath.Dir(name), target)
		if err != nil {
			return fmt.Errorf("linking %s: %w", name, err)
		}
		next := path + ".next"
		if err := os.Remove(next); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("removing what an interrupted run left: %w", err)
		}
		if err := os.Symlink(relative, next); err != nil {
			return fmt.Errorf("linking %s: %w", name, err)
		}
		if err := os.Rename(next, path); err != nil {
			return fmt.Errorf("linking %s: %w", name, err)
		}
	}
	return nil
}

// prune removes the tool's other cache entries, and builds that were cut off. A program that still runs from one is not harmed.
func (b *builder) prune(p plan) error {
	cache := filepath.Join(b.dir, "cache")
	entries, err := os.ReadDir(cache)
	if err != nil {
		return fmt.Errorf("listing the cache: %w", err)
	}
	name := regexp.QuoteMeta(p.tool.name)
	old := regexp.MustCompile(fmt.Sprintf(`^(%s-[0-9a-f]{%d}|partial-%s-[0-9]+)$`, name, keyLength, name))
	for _, entry := range entries {
		if entry.Name() == p.entry || !old.MatchString(entry.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(cache, entry.Name())); err != nil {
			return fmt.Errorf("removing an old cache entry: %w", err)
		}
	}
	return nil
}

// lock takes an exclusive lock on a file, which ends with the process at the latest, and returns what releases it. It calls waiting once if
// somebody else has it.
func lock(ctx context.Context, path string, waiting func()) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	for first := true; ; first = false {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = file.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("waiting for the lock %s: %w", path, context.Cause(ctx))
		case <-time.After(200 * time.Millisecond):
		}
	}
}
