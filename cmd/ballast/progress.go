package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows steps on standard error: a bar for each step on a terminal, a line for each step elsewhere, so that a log of a
// build server stays readable.
type progress struct {
	out      io.Writer
	terminal bool
	step     string
	bar      *progressbar.ProgressBar
	started  time.Time
}

func newProgress(out io.Writer) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && term.IsTerminal(int(f.Fd())), started: time.Now()}
}

// show is called with every advance of a step; total 0 means that its length is not known.
func (p *progress) show(step string, done, total int) {
	if step != p.step {
		p.close()
		p.step = step
		if !p.terminal {
			fmt.Fprintf(p.out, "%5.1fs  %s\n", time.Since(p.started).Seconds(), step)
			return
		}
		length := total
		if total == 0 {
			length = -1 // a spinner
		}
		p.bar = progressbar.NewOptions(length, progressbar.OptionSetWriter(p.out), progressbar.OptionSetDescription(step),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionThrottle(50*time.Millisecond),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(false))
	}
	if p.bar != nil {
		_ = p.bar.Set(done) // a bar that cannot be drawn is no reason to fail
	}
}

// close ends the bar of the current step and leaves a line that says how long everything took so far.
func (p *progress) close() {
	if p.bar != nil {
		_ = p.bar.Finish()
		fmt.Fprintf(p.out, "%5.1fs  %s\n", time.Since(p.started).Seconds(), p.step)
		p.bar = nil
	}
}
