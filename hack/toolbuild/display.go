package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// lineInterval is how often a line is printed where there is no terminal: a log stays short and nobody thinks that it hangs.
const lineInterval = 15 * time.Second

// display shows progress: a bar on a terminal, a line now and then elsewhere.
type display struct {
	out      io.Writer
	terminal bool
	interval time.Duration
}

func newDisplay(out *os.File) display {
	return display{out: out, terminal: term.IsTerminal(int(out.Fd())), interval: lineInterval}
}

// task is the compilation of one tool. Its methods may be called from any goroutine.
type task struct {
	name, cold string
	begin      time.Time
	display    display
	bar        *progressbar.ProgressBar // nil without a terminal
	stop       chan struct{}
	stopped    sync.WaitGroup

	mu         sync.Mutex
	done, want int
}

// begin starts to show a task; cold says how long it takes at most, in words.
func (d display) begin(name, cold string) *task {
	t := &task{name: name, cold: cold, begin: time.Now(), display: d, stop: make(chan struct{})}
	if d.terminal {
		t.bar = t.newBar(-1, name+": resolving modules")
		t.stopped.Go(func() { t.every(time.Second, t.redraw) })
	} else {
		t.stopped.Go(func() { t.every(d.interval, func() { say(d.out, "%s", t.line(time.Since(t.begin))) }) })
	}
	return t
}

// newBar makes a bar with a maximum, or one that only moves if that is -1.
func (t *task) newBar(maximum int, description string) *progressbar.ProgressBar {
	return progressbar.NewOptions(
		maximum, progressbar.OptionSetWriter(t.display.out), progressbar.OptionSetDescription(description),
		progressbar.OptionShowCount(), progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(false),
		progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth(), progressbar.OptionThrottle(100*time.Millisecond),
	)
}

// every calls show at every interval until the task's end.
func (t *task) every(interval time.Duration, show func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-ticker.C:
			show()
		}
	}
}

// redraw lets the seconds run while a large package is compiled. Errors of the display are nobody's concern.
func (t *task) redraw() {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = t.bar.RenderBlank()
}

// line describes the state: what is done, since when, and what to expect.
func (t *task) line(elapsed time.Duration) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	what := "resolving modules"
	if t.want > 0 {
		what = fmt.Sprintf("%s of %s packages compiled", grouped(t.done), grouped(t.want))
	}
	return fmt.Sprintf("%s: %s, %s (%s cold on 2 cores)", t.name, what, elapsed.Round(time.Second), t.cold)
}

// total says how many packages there are to compile.
func (t *task) total(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.want = n
	if t.bar != nil {
		_ = t.bar.Clear()
		t.bar = t.newBar(max(n, 1), fmt.Sprintf("%s (%s cold on 2 cores)", t.name, t.cold))
	}
}

// add counts one package.
func (t *task) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done++
	t.want = max(t.want, t.done) // a later program of the tool may compile what was not counted
	if t.bar != nil {
		_ = t.bar.Add(1)
	}
}

// end stops showing the task.
func (t *task) end() {
	close(t.stop)
	t.stopped.Wait()
	if t.bar != nil {
		_ = t.bar.Clear()
	}
}

// grouped formats a count with separators, 1204 as "1,204".
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
