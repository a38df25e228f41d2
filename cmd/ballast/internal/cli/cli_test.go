package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// The exit code is what the error decides, however deep it lies, and what is printed goes with it.
func TestRunExitCodes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		code int
		want string
	}{
		{nil, ExitDone, ""},
		{Negative("no"), ExitNegative, "ballast: no\n"},
		{fmt.Errorf("asked: %w", Negative("no")), ExitNegative, "ballast: asked: no\n"},
		{Usage("--n is %d", 3), ExitUsage, "ballast: --n is 3\nSee 'ballast verb --help'.\n"},
		{Coded(os.ErrNotExist, ExitNegative), ExitNegative, "ballast: file does not exist\n"},
		{errors.New("broken"), ExitFailed, "ballast: broken\n"},
		{context.Canceled, ExitFailed, "ballast: context canceled\n"}, // of something else: nobody interrupted us
	} {
		verb := &cobra.Command{Use: "verb", Args: NoArguments, RunE: func(*cobra.Command, []string) error { return test.err }}
		var out, messages bytes.Buffer
		if code := Run(t.Context(), Root(verb), []string{"verb"}, &out, &messages); code != test.code || messages.String() != test.want {
			t.Errorf("%v: exit %d, %q, want %d, %q", test.err, code, &messages, test.code, test.want)
		}
	}
	if !errors.Is(Coded(os.ErrNotExist, ExitNegative), os.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestRunInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	verb := &cobra.Command{Use: "verb", RunE: func(cmd *cobra.Command, _ []string) error {
		cancel()
		return fmt.Errorf("waiting: %w", cmd.Context().Err())
	}}
	var messages bytes.Buffer
	if code := Run(ctx, Root(verb), []string{"verb"}, &messages, &messages); code != ExitFailed || !strings.Contains(messages.String(), "interrupted; everything") {
		t.Errorf("exit %d, %q", code, &messages)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	if Finite(math.NaN()) != nil || Finite(math.Inf(-1)) != nil || *Finite(2) != 2 || *Milliseconds(0.25) != 250 || Milliseconds(math.NaN()) != nil {
		t.Error("what is not finite is not null, or what is finite is")
	}
	x := 2.25
	if got := Tenths(nil) + Tenths(&x) + Known(0, 1) + Known(2.26, 1); got != "-2.2-2.3" {
		t.Errorf("%q", got)
	}
	var out bytes.Buffer
	if err := JSON(&out, []*float64{nil, &x}); err != nil || out.String() != "[\n null,\n 2.25\n]\n" {
		t.Errorf("%q, %v", &out, err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "x.csv.gz")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("n_a\n")); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, packed.Bytes()); err != nil {
		t.Fatal(err)
	}
	if b, err := ReadFile(path); err != nil || string(b) != "n_a\n" {
		t.Errorf("%q, %v", b, err)
	}
	// What stands there stays where nothing new can be written, and nothing else is left behind.
	if err := WriteFile(filepath.Join(folder, "none", "x"), nil); err == nil || !strings.Contains(err.Error(), "writing "+folder) {
		t.Errorf("into a folder that is not there: %v", err)
	}
	if err := os.Mkdir(filepath.Join(folder, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(folder, "taken"), []byte("x")); err == nil {
		t.Error("a file took a folder's place")
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// A file is replaced as a whole; what a link leads to is, and a device or pipe is written to.
func TestWriteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "f"), filepath.Join(dir, "l"), filepath.Join(dir, "p")
	if err := errors.Join(os.Symlink(file, link), WriteFile(file, []byte("old")), WriteFile(link, []byte("new")), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "new" {
		t.Errorf("the file behind the link: %q, %v", b, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link: %v, %v", info, err)
	}
	got := make(chan string)
	go func() {
		b, _ := os.ReadFile(pipe)
		got <- string(b)
	}()
	if err := WriteFile(pipe, []byte("through")); err != nil {
		t.Error(err)
	}
	if text := <-got; text != "through" {
		t.Errorf("the pipe gave %q", text)
	}
	r, w, err := os.Pipe() // as /dev/stdout is one: a link of /proc that leads to no path
	if err != nil {
		t.Fatal(err)
	}
	link = filepath.Join(dir, "stdout")
	if err := errors.Join(os.Symlink(fmt.Sprintf("/proc/self/fd/%d", w.Fd()), link), WriteFile(link, []byte("piped")), w.Close()); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "piped" {
		t.Errorf("the pipe without a name gave %q, %v", b, err)
	}
}

// gzip is known by its content.
func TestReadFile(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write([]byte("text"))
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, c := range map[string]struct{ content, want string }{
		"a.csv":    {zipped.String(), "text"},
		"a.csv.gz": {zipped.String(), "text"},
		"b.csv":    {"text", "text"},
		"c.csv":    {"", ""},
		"d.csv":    {"t", "t"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if b, err := ReadFile(path); err != nil || string(b) != c.want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	plain := filepath.Join(dir, "e.csv.gz")
	if err := os.WriteFile(plain, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(plain); err == nil || !strings.Contains(err.Error(), "a name that ends in .gz is expected to be gzip") {
		t.Errorf("text under the name of gzip: %v", err)
	}
}
