package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/ballast-k8s/ballast/test/replay/rates"
	"github.com/ballast-k8s/ballast/test/replay/stockvpa"
)

func main() {
	o := options{}
	var seeds, out string
	flag.StringVar(&o.trace, "trace", "diurnal", "diurnal, nasa, constant or synthetic")
	flag.StringVar(&o.data, "data", rates.DataFolder(), "folder with rates/")
	flag.StringVar(&seeds, "seeds", "1,2,3,4,5,6", "seeds, from 1")
	flag.IntVar(&o.hours, "hours", 48, "judged hours")
	flag.IntVar(&o.warm, "warm", 3, "hours in which the arms act before they are judged")
	flag.StringVar(&o.rule, "rule", "updater", "updater or at-once")
	flag.IntVar(&o.visitors, "visitors", 0, "batch containers that disturb cache and memory on every node, in some hours of each day")
	flag.BoolVar(&o.mute, "mute", false, "give Ballast no latency signal")
	flag.BoolVar(&o.search, "search", true, "look for the oracle and the best settings of the stock recommender afterwards")
	flag.BoolVar(&o.verbose, "v", false, "print Ballast's decision of every full hour")
	flag.IntVar(&o.workers, "workers", 2, "seeds at a time")
	flag.StringVar(&out, "out", "out/replay", "folder for replay.csv and replay.json")
	flag.Parse()
	if err := run(&o, seeds, out); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(3)
	}
}

func run(o *options, seeds, out string) error {
	for part := range strings.SplitSeq(seeds, ",") {
		seed, err := strconv.ParseUint(strings.TrimSpace(part), 10, 32)
		if err != nil || seed == 0 {
			return fmt.Errorf("seed is %q, expected a number from 1", part)
		}
		o.seeds = append(o.seeds, seed)
	}
	if o.hours < 1 || o.warm < 0 || o.workers < 1 {
		return fmt.Errorf("hours, warm and workers are %d, %d and %d, expected at least 1, 0 and 1", o.hours, o.warm, o.workers)
	}
	stockvpa.Aggregate()
	t, err := rates.New(o.trace, o.data, historyDays, o.seeds[0])
	if err != nil {
		return err
	}
	log := &serial{w: os.Stderr}
	rows, err := spread(o.seeds, o.workers, func(seed uint64) ([]row, error) { return o.study(seed, log) })
	if err != nil {
		return err
	}
	heading := o.heading(t.Sources)
	if err := show(os.Stdout, heading, rows); err != nil {
		return err
	}
	return save(out, heading, rows)
}

// spread studies seeds, some at a time, and returns the rows in the order of the seeds.
func spread(seeds []uint64, workers int, study func(seed uint64) ([]row, error)) ([]row, error) {
	results, errs := make([][]row, len(seeds)), make([]error, len(seeds))
	slots := make(chan struct{}, workers)
	var wait sync.WaitGroup
	for i, seed := range seeds {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i], errs[i] = study(seed)
		})
	}
	wait.Wait()
	var rows []row
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seeds[i], err)
		}
		rows = append(rows, results[i]...)
	}
	return rows, nil
}

// serial lets several goroutines write lines.
type serial struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (s *serial) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
