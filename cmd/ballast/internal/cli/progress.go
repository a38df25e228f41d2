package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress shows steps on standard error: a bar for each step on a terminal, a line for each step elsewhere, so that a log of a
// build server stays readable.
type Progress struct {
	out      io.Writer
	terminal bool
	step     string
	bar      *progressbar.ProgressBar
	started  time.Time
}

// NewProgress shows on out.
func NewProgress(out io.Writer) *Progress {
	f, ok := out.(*os.File)
	return &Progress{out: out, terminal: ok && term.IsTerminal(int(f.Fd())), started: time.Now()}
}

// Show is called with every advance of a step; total 0 means that its length is not known.
func (p *Progress) Show(step string, done, total int) {
	if step != p.step {
		p.Close()
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

// Close ends the bar of the current step and leaves a line that says how long everything took so far.
func (p *Progress) Close() {
	if p.bar != nil {
		_ = p.bar.Finish()
		fmt.Fprintf(p.out, "%5.1fs  %s\n", time.Since(p.started).Seconds(), p.step)
		p.bar = nil
	}
}
