package cli

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ballast-k8s/ballast/predictor/application"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// maxFileBytes bounds what is read of one input file after decompression: 6,435 mixes of 7 classes are 0.6 MB, a mistaken or
// hostile file is not read into memory whole.
const maxFileBytes = 256 << 20

// ReadFile reads a file, decompressing it if it is gzip, whatever its name says.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	buffered := bufio.NewReader(f)
	var r io.Reader = buffered
	magic, err := buffered.Peek(2)
	if zipped := bytes.Equal(magic, []byte{0x1f, 0x8b}); zipped || err == nil && strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w; a name that ends in .gz is expected to be gzip", path, err)
		}
		r = z
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(b) > maxFileBytes {
		return nil, fmt.Errorf("reading %s: more than %d MiB, which no input of Ballast is", path, maxFileBytes>>20)
	}
	return b, nil
}

// ReadMixes reads a mixes file.
func ReadMixes(path string) (*interference.Table, error) {
	b, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	return interference.ReadMixes(path, bytes.NewReader(b))
}

// ReadLoads reads the mixes of a mixes file, not how they performed.
func ReadLoads(path string) (*interference.Table, error) {
	b, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	return interference.ReadLoads(path, bytes.NewReader(b))
}

// ReadModel reads a model file.
func ReadModel(path string) (*interference.Model, error) {
	b, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := interference.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// WriteFile writes a file whole or not at all: an old file stays as it was until the new one is complete. What a link leads to is written in
// the link's place, and what is no file, as /dev/stdout, is written to and not replaced.
func WriteFile(path string, b []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return writeInto(path, b)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

func writeInto(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("writing: %w", err)
	}
	if _, err = f.Write(b); err != nil {
		return errors.Join(fmt.Errorf("writing: %w", err), f.Close())
	}
	return f.Close()
}

// ReadApplication reads an application file.
func ReadApplication(path string) (*application.Model, error) {
	b, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	m, err := application.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
