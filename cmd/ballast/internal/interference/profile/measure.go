package profile

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// mixCommand is the operator's command that measures a mix.
type mixCommand struct {
	shell   string
	timeout time.Duration
	stderr  io.Writer
}

const (
	// maxMeasureOutput bounds what is read of the command's output: 200 classes of 300 bytes each.
	maxMeasureOutput = 64 << 10
	// measureGrace is how long the command has to take down what it started once it is told to stop.
	measureGrace = 30 * time.Second
)

// run measures one mix. The command and what it started is told to stop when time is up or ctx ends.
func (c *mixCommand) run(ctx context.Context, mix containers) (containers, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	process := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", c.shell, "ballast"}, mix.words()...)...)
	process.Env = append(os.Environ(), "BALLAST_MIX="+mix.String())
	stdout := &limited{left: maxMeasureOutput}
	process.Stdout, process.Stderr = stdout, c.stderr
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	process.Cancel = func() error { return syscall.Kill(-process.Process.Pid, syscall.SIGTERM) }
	process.WaitDelay = measureGrace
	err := process.Run()
	if process.Process != nil && ctx.Err() != nil {
		_ = syscall.Kill(-process.Process.Pid, syscall.SIGKILL) // what did not heed SIGTERM; usually nothing is left
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, fmt.Errorf("the command took longer than %v; give --timeout", c.timeout)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case stdout.left < 0:
		return nil, fmt.Errorf("the command wrote more than %d KiB to standard output, %s", maxMeasureOutput>>10, expectedOutput)
	case err != nil:
		return nil, fmt.Errorf("the command failed: %w", err)
	}
	return parsePerformances(stdout.kept.String(), mix)
}

// limited keeps what is written to it as far as there is room.
type limited struct {
	kept bytes.Buffer // not embedded: its ReadFrom would take everything
	left int
}

// Write implements io.Writer. It takes everything, so that the command does not fail of a closed pipe.
func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left >= 0 {
		l.kept.Write(p)
	}
	return len(p), nil
}

const expectedOutput = "expected a line <class>=<performance> for each class of the mix, 1 = alone on a node; " +
	"send other output to standard error"

// parsePerformances reads lines class=performance, one for each class of the mix, blank lines apart. 0 is a failed measurement.
func parsePerformances(text string, mix containers) (containers, error) {
	var out containers
	measured := false
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		class, number, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("line %d of its output is %.80q, %s", i+1, line, expectedOutput)
		}
		class = strings.TrimSpace(class)
		if mix.of(class) == 0 {
			return nil, fmt.Errorf("line %d of its output is of class %q, which is not in the mix %s", i+1, class, mix)
		}
		if slices.ContainsFunc(out, func(n classNumber) bool { return n.Class == class }) {
			return nil, fmt.Errorf("line %d of its output is of class %s, which stood above: expected the mean over its containers once", i+1, class)
		}
		x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(x == 0 || x >= 0.001 && x <= 1000) { // as in a mixes file
			return nil, fmt.Errorf("line %d of its output: %.80q is not a performance, expected a number from 0.001 to 1000 (1 = alone on a node), "+
				"or 0 where it failed", i+1, number)
		}
		measured = measured || x > 0
		out = append(out, classNumber{class, x})
	}
	for _, n := range mix {
		if !slices.ContainsFunc(out, func(o classNumber) bool { return o.Class == n.Class }) {
			return nil, fmt.Errorf("its output has no performance of class %s: %s", n.Class, expectedOutput)
		}
	}
	if !measured {
		return nil, errors.New("every class failed: there is nothing to keep")
	}
	return out, nil
}

// mixesOut is a mixes file that measurements are added to.
type mixesOut struct {
	path, setting string
	header        []string
	exists        bool
	done          []containers
}

// openMixesOut reads what is there. A file that is not there has the columns of the classes.
func openMixesOut(path string, classes []string, setting string) (*mixesOut, error) {
	f := &mixesOut{path: path, setting: setting, header: mixesHeader(classes)}
	b, err := cli.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0 {
		return f, nil
	}
	if err != nil {
		return nil, err
	}
	if b[len(b)-1] != '\n' {
		return nil, fmt.Errorf("%s: the last line does not end: it was cut off; complete it or take it out", path)
	}
	if f.header, err = csv.NewReader(bytes.NewReader(b)).Read(); err != nil {
		return nil, fmt.Errorf("%s: reading the header: %w", path, err)
	}
	f.exists = true
	for _, class := range classes {
		for _, column := range mixesHeader([]string{class}) {
			if !slices.Contains(f.header, column) {
				return nil, fmt.Errorf("%s has no column %s: measurements of other classes need a file of their own, and fit takes several; "+
					"give another --mixes-out", path, column)
			}
		}
	}
	if bytes.Count(b, []byte("\n")) == 1 {
		return f, nil // nothing but the header
	}
	table, err := interference.ReadMixes(path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	for _, row := range table.Rows {
		var c containers
		measured := false
		for k, n := range row.Counts {
			if n > 0 {
				c = append(c, classNumber{table.Classes[k], n})
				measured = measured || !math.IsNaN(row.Performance[k])
			}
		}
		if measured {
			f.done = append(f.done, c)
		}
	}
	return f, nil
}

// has reports whether a mix was measured.
func (f *mixesOut) has(mix containers) bool {
	return slices.ContainsFunc(f.done, func(c containers) bool {
		return len(c) == len(mix) && !slices.ContainsFunc(mix, func(n classNumber) bool { return c.of(n.Class) != n.Number })
	})
}

// add writes a line and sees to it that it is on the disk.
func (f *mixesOut) add(mix, performance containers) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if !f.exists {
		_ = w.Write(f.header) // to memory
	}
	record := make([]string, len(f.header))
	for i, column := range f.header {
		if class, ok := strings.CutPrefix(column, "n_"); ok {
			record[i] = strconv.FormatFloat(mix.of(class), 'g', -1, 64)
		} else if class, ok := strings.CutPrefix(column, "perf_"); ok && performance.of(class) > 0 {
			record[i] = strconv.FormatFloat(performance.of(class), 'g', -1, 64)
		} else if column == "setting" {
			record[i] = f.setting
		}
	}
	_ = w.Write(record)
	w.Flush()
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = file.Write(b.Bytes())
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err != nil {
		return fmt.Errorf("adding %s to %s: %w", mix, f.path, err)
	}
	f.exists, f.done = true, append(f.done, mix)
	return nil
}
