package main

import (
	"fmt"
	"io"

	"github.com/ballast-k8s/ballast/recommender/sizing"
	"github.com/ballast-k8s/ballast/test/replay/fleet"
	"github.com/ballast-k8s/ballast/test/replay/rates"
	"github.com/ballast-k8s/ballast/test/replay/stockvpa"
)

// options are what a user may choose.
type options struct {
	trace, data  string
	seeds        []uint64
	hours, warm  int
	rule         string
	visitors     int
	mute, search bool
	verbose      bool
	workers      int
}

// row is one line of the table.
type row struct {
	Trace   string `json:"trace"`
	Seed    uint64 `json:"seed"`
	Arm     string `json:"arm"`
	Setting string `json:"setting,omitempty"`
	// Excerpt says that one minute in ten was judged, and no resizes counted.
	Excerpt bool `json:"excerpt,omitempty"`
	*verdict
}

func (o *options) newRule() (stockvpa.Rule, error) {
	switch o.rule {
	case stockvpa.NewUpdater().String():
		return stockvpa.NewUpdater(), nil
	case "at-once":
		return stockvpa.AtOnce{}, nil
	}
	return nil, fmt.Errorf("rule is %q, expected updater or at-once", o.rule)
}

func (o *options) course(seed uint64) (*course, error) {
	days := historyDays + (o.hours+23)/24
	t, err := rates.New(o.trace, o.data, days, seed)
	if err != nil {
		return nil, err
	}
	c := &course{trace: t, seed: seed, warm: o.warm * hourSeconds, judged: o.hours * hourSeconds, visitors: o.visitors}
	return c, c.validate()
}

// ledger collects the rows of one seed and says each.
type ledger struct {
	trace string
	seed  uint64
	rows  []row
	log   io.Writer
}

func (l *ledger) add(arm, setting string, excerpt bool, v *verdict) {
	l.rows = append(l.rows, row{l.trace, l.seed, arm, setting, excerpt, v})
	_, _ = fmt.Fprintf(l.log, "seed %d %s %s: %.2f %% within, %.2f cores\n", l.seed, arm, setting, 100*v.attainment(), v.cores())
}

// study compares all arms on one seed.
func (o *options) study(seed uint64, log io.Writer) ([]row, error) {
	c, err := o.course(seed)
	if err != nil {
		return nil, err
	}
	r, err := o.newRule()
	if err != nil {
		return nil, err
	}
	l := &ledger{trace: o.trace, seed: seed, log: log}
	stock, err := o.runStock(c, r, log)
	if err != nil {
		return nil, err
	}
	l.add("stock", stockvpa.Defaults().String(), false, stock)
	ballast, err := o.runBallast(c, r, log)
	if err != nil {
		return nil, err
	}
	l.add("ballast", "", false, ballast)
	if !o.search {
		return l.rows, nil
	}
	if err := c.oracles(l); err != nil {
		return nil, err
	}
	return l.rows, c.tuned(l, r, stock, ballast)
}

// oracles adds the developer's guess and the least requests, constant and following.
func (c *course) oracles(l *ledger) error {
	guess := fleet.New(fleet.Guessed())
	plan := make([][]int64, c.judged/minute)
	for i := range plan {
		plan[i] = guess.Millis()
	}
	v, err := c.try(plan)
	if err != nil {
		return err
	}
	l.add("guess", "", true, v)
	for _, oracle := range []struct {
		arm  string
		find func() (*candidate, error)
	}{{"static", c.constant}, {"oracle", c.following}} {
		best, err := oracle.find()
		if err != nil {
			return err
		}
		if best != nil {
			l.add(oracle.arm, "", true, best.tried)
		}
	}
	return nil
}

// tuned adds the stock recommender's cheapest settings that meet the objective, and that match what Ballast attained.
func (c *course) tuned(l *ledger, r stockvpa.Rule, stock, ballast *verdict) error {
	all, err := c.candidates(r, stock.usage)
	if err != nil {
		return err
	}
	for _, k := range all { // how well the excerpt stands for the whole: what ran, once more
		if k.Setting == stockvpa.Defaults() {
			if k.tried, err = c.try(k.plan); err != nil {
				return err
			}
			_, _ = fmt.Fprintf(l.log, "seed %d stock on one minute in %d: %.2f %% within, of all %.2f %%\n",
				c.seed, every, 100*k.tried.attainment(), 100*stock.attainment())
		}
	}
	for _, k := range []struct {
		arm   string
		share float64
	}{{"tuned", objectiveShare}, {"matched", ballast.attainment()}} {
		found, err := c.cheapest(all, k.share)
		if err != nil {
			return err
		}
		if found == nil {
			_, _ = fmt.Fprintf(l.log, "seed %d %s: no setting attains %.2f %%\n", c.seed, k.arm, 100*k.share)
			continue
		}
		l.add(k.arm, found.String(), true, found.tried)
	}
	return nil
}

func (o *options) runStock(c *course, r stockvpa.Rule, log io.Writer) (*verdict, error) {
	f := fleet.New(fleet.Guessed())
	s, err := stockvpa.New(f, stockvpa.Defaults())
	if err != nil {
		return nil, err
	}
	if err := c.history(s, f); err != nil {
		return nil, err
	}
	return c.run(f, stockArm{s}, r, progress(log, fmt.Sprintf("seed %d stock", c.seed)))
}

func (o *options) runBallast(c *course, r stockvpa.Rule, log io.Writer) (*verdict, error) {
	f := fleet.New(fleet.Guessed())
	s, err := stockvpa.New(f, stockvpa.Defaults())
	if err != nil {
		return nil, err
	}
	if err := c.history(s, f); err != nil {
		return nil, err
	}
	a := newBallastArm(s, f)
	a.mute = o.mute
	if o.verbose {
		a.decided = decisions(log, c.seed)
	}
	return c.run(f, a, r, progress(log, fmt.Sprintf("seed %d ballast", c.seed)))
}

// decisions says once an hour what was decided.
func decisions(log io.Writer, seed uint64) func(sizing.Decision) {
	return func(d sizing.Decision) {
		if d.Time.Minute() != 0 {
			return
		}
		_, _ = fmt.Fprintf(log, "seed %d ballast %s: observed %.0f ms, predicted %.0f (%.0f to %.0f), %s%s\n", seed, d.Time.Format("2 Jan 15:04"),
			1000*d.Observed.Value, 1000*d.Predicted.Value, 1000*d.Predicted.Low, 1000*d.Predicted.High, d.Coverage, d.BlindMessage)
		for i := range d.Allocations {
			_, _ = fmt.Fprintln(log, "  "+d.Allocations[i].Reason)
		}
	}
}

// progress says every tenth of the way.
func progress(log io.Writer, what string) func(done float64) {
	said := 0
	return func(done float64) {
		if tenth := int(10 * done); tenth > said {
			said = tenth
			_, _ = fmt.Fprintf(log, "%s: %d %%\n", what, 10*tenth)
		}
	}
}
