// Command report runs all policies through all scenarios of package test/isolation and prints what came of it.
//
//	go run ./test/isolation/report                                  # tuning seeds 1 to 6: some minutes
//	go run ./test/isolation/report -scenarios stream,cache -seeds 2 -only ballast -detail
//	go run ./test/isolation/report -family held-out                 # for the record only: constants are not to be chosen by it
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
	"github.com/ballast-k8s/ballast/test/isolation"
)

type options struct {
	family           plant.Family
	scenarios        []string
	seeds, first     uint64
	knobs            []plant.Knobs
	only             *regexp.Regexp
	detail, log      bool
	fair             bool
	workers          int
	slack            float64
	attributionSeeds uint64
}

var knobNames = []string{"all", "cache", "cpu", "cpu-no-perf"}

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func parse(args []string) (*options, error) {
	o := &options{}
	var family, scenarios, knobs, only string
	f := flag.NewFlagSet("report", flag.ContinueOnError)
	f.StringVar(&family, "family", "tuning", "tuning or held-out")
	f.StringVar(&scenarios, "scenarios", strings.Join(isolation.Names, ","), "which, separated by commas")
	f.Uint64Var(&o.seeds, "seeds", 6, "how many seeds of each")
	f.Uint64Var(&o.first, "first", 1, "the first seed")
	f.StringVar(&knobs, "knobs", "all,cache,cpu", "kinds of machine: "+strings.Join(knobNames, ", "))
	f.StringVar(&only, "only", "", "regular expression of the policies to run (default: all)")
	f.BoolVar(&o.detail, "detail", false, "a line for each run")
	f.BoolVar(&o.log, "log", false, "every change of a setting, too")
	f.BoolVar(&o.fair, "fair", true, "look for the best static setting that meets the targets under noise, too")
	f.IntVar(&o.workers, "workers", 2, "runs at a time")
	f.Float64Var(&o.slack, "slack", isolation.RecoveredSlack, "slack that the best static setting keeps")
	f.Uint64Var(&o.attributionSeeds, "attribution", 6, "seeds of each kind of interference that attribution is to name; 0 for none")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	switch family {
	case plant.Tuning.String():
	case plant.HeldOut.String():
		o.family = plant.HeldOut
	default:
		return nil, fmt.Errorf("family %q; expected tuning or held-out", family)
	}
	o.scenarios = strings.Split(scenarios, ",")
	for name := range strings.SplitSeq(knobs, ",") {
		k := slices.Index(knobNames, name)
		if k < 0 {
			return nil, fmt.Errorf("machine %q; expected some of %v", name, knobNames)
		}
		o.knobs = append(o.knobs, plant.Knobs(k))
	}
	var err error
	o.only, err = regexp.Compile("^(" + strings.ReplaceAll(only, "+", `\+`) + ")$")
	if only == "" {
		o.only = regexp.MustCompile("")
	}
	return o, err
}

func run(out io.Writer, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if o.seeds == 0 {
		return o.attribution(out)
	}
	results, err := o.all(out)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "family %v, seeds %d to %d; the best static setting keeps a slack of %g\n", o.family, o.first, o.first+o.seeds-1, o.slack)
	if err := o.tables(out, results); err != nil || o.attributionSeeds == 0 {
		return err
	}
	return o.attribution(out)
}

// all runs everything; a scenario that no draw fits is said and left out.
func (o *options) all(out io.Writer) ([]*isolation.Result, error) {
	var lock sync.Mutex
	var results []*isolation.Result
	var failed error
	var group sync.WaitGroup
	places := make(chan struct{}, max(1, o.workers))
	for _, knobs := range o.knobs {
		for _, name := range o.scenarios {
			for seed := o.first; seed < o.first+o.seeds; seed++ {
				places <- struct{}{}
				group.Go(func() {
					defer func() { <-places }()
					r, err := o.one(name, seed, knobs)
					lock.Lock()
					defer lock.Unlock()
					if err != nil {
						fmt.Fprintln(out, "left out:", err)
						failed = err
					}
					results = append(results, r...)
				})
			}
		}
	}
	group.Wait()
	if len(results) == 0 {
		return nil, failed
	}
	slices.SortStableFunc(results, func(a, b *isolation.Result) int {
		x, y := a.Scenario, b.Scenario
		if c := int(x.Knobs) - int(y.Knobs); c != 0 {
			return c
		}
		if c := slices.Index(o.scenarios, x.Name) - slices.Index(o.scenarios, y.Name); c != 0 {
			return c
		}
		return int(x.Seed) - int(y.Seed) //nolint:gosec // seeds of the command line
	})
	return results, nil
}

func (o *options) one(name string, seed uint64, knobs plant.Knobs) ([]*isolation.Result, error) {
	s, err := isolation.New(name, o.family, seed, knobs)
	if err != nil {
		return nil, err
	}
	best, err := isolation.Search(s, s.Last(), o.slack)
	if err != nil {
		return nil, err
	}
	robust := isolation.Best{}
	if o.fair {
		if robust, err = isolation.Robust(s); err != nil {
			return nil, err
		}
	}
	var results []*isolation.Result
	for _, c := range o.contestants(best) {
		if !o.only.MatchString(c.Name) {
			continue
		}
		policy, err := c.Make(s)
		if err != nil {
			return nil, err
		}
		r, err := isolation.Run(s, c.Name, policy, best, o.log)
		if err != nil {
			return nil, err
		}
		r.RobustWork = robust.Work
		results = append(results, r)
	}
	return results, nil
}

// contestants are all, and the best static setting itself, under the same noise.
func (o *options) contestants(best isolation.Best) []isolation.Contestant {
	return append(isolation.Contestants(), isolation.Contestant{
		Name: "best-static",
		Make: func(*isolation.Scenario) (plant.Policy, error) { return isolation.Static(best.Setting), nil },
	})
}

func (o *options) tables(out io.Writer, results []*isolation.Result) error {
	if o.detail || o.log {
		for _, r := range results {
			s := r.Scenario
			fmt.Fprintf(out, "%-11s %-6s seed %d %-14s recovery %3.0f s, violation %5.1f %%, %3d changes, %3d turns, share %.2f of %.2f cores; %g cores, %d services\n",
				knobNames[s.Knobs], s.Name, s.Seed, r.Policy, r.Recovery, 100*r.Violation, r.Changes, r.Turns, r.Share(), r.BestWork, s.Machine.Cores, len(s.Services))
			for _, l := range r.Log {
				fmt.Fprintf(out, "    %6.1f s  slack %6.3f  work %5.2f  batch %d ways, %d %%, %.2f cores; %s\n", l.Now, l.Slack, l.Work, l.Setting.BatchWays,
					l.Setting.BatchPercent, l.Setting.BatchCPU, l.Why)
			}
		}
	}
	type cell struct {
		knobs          plant.Knobs
		policy, family string
	}
	grouped := map[cell][]*isolation.Result{}
	for _, r := range results {
		s := r.Scenario
		grouped[cell{s.Knobs, r.Policy, s.Name}] = append(grouped[cell{s.Knobs, r.Policy, s.Name}], r)
		if !slices.Contains([]string{"quiet", "flap"}, s.Name) {
			all := cell{s.Knobs, r.Policy, "steady"}
			grouped[all] = append(grouped[all], r)
		}
	}
	var rows []isolation.Row
	for _, knobs := range o.knobs {
		for _, name := range append([]string{"steady"}, o.scenarios...) {
			for _, c := range o.contestants(isolation.Best{}) {
				if g := grouped[cell{knobs, c.Name, name}]; len(g) > 0 {
					rows = append(rows, isolation.Row{Labels: []string{knobNames[knobs], name, c.Name}, Summary: isolation.Summarize(g)})
				}
			}
		}
	}
	return isolation.Write(out, []string{"machine", "scenario", "policy"}, rows)
}
