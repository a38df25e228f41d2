package main

import (
	"fmt"
	"io"
	"sync"
	"text/tabwriter"

	plant "github.com/ballast-k8s/ballast/simulator/plant/sharednode"
	"github.com/ballast-k8s/ballast/test/isolation"
)

// attribution prints who was blamed for what.
func (o *options) attribution(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nmachine\tinterference\truns\tculprit found\tand resource\tinnocent blamed\tseconds to find\tprobes\theld s\t")
	for _, knobs := range o.knobs {
		for _, kind := range []plant.Kind{plant.CPUBound, plant.CacheHungry, plant.Streaming, plant.HotCode, isolation.Quiet} {
			if knobs == plant.OnlyCPUNoPerf && kind != plant.CPUBound && kind != isolation.Quiet {
				continue // nothing to see it by
			}
			blames, err := o.inject(kind, knobs)
			if err != nil {
				return err
			}
			var found, right, wrong, probes int
			var after, held float64
			for _, b := range blames {
				if b.Found {
					found++
					after += b.After
				}
				if b.Found && b.Named {
					right++
				}
				wrong, probes, held = wrong+b.Wrong, probes+b.Probes, held+b.Held
			}
			name, n := "none, an hour", float64(max(len(blames), 1))
			if kind != isolation.Quiet {
				name = kind.String()
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%.0f\t%.1f\t%.0f\t\n", knobNames[knobs], name, len(blames), found, right, wrong,
				after/float64(max(found, 1)), float64(probes)/n, held/n)
			if o.detail {
				for _, b := range blames {
					fmt.Fprintf(out, "  %s %s seed %d: slowdown %.2f, %s; found %v as %q after %.0f s, %d wrong; verdicts %v; trials %+v\n", knobNames[knobs], name,
						b.Seed, b.Slowdown, b.Reasons(), b.Found, b.Resource, b.After, b.Wrong, b.Verdicts, b.Trials)
				}
			}
		}
	}
	return w.Flush()
}

func (o *options) inject(kind plant.Kind, knobs plant.Knobs) ([]*isolation.Blame, error) {
	blames := make([]*isolation.Blame, o.attributionSeeds)
	errs := make([]error, len(blames))
	var group sync.WaitGroup
	places := make(chan struct{}, max(1, o.workers))
	for i := range blames {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			blames[i], errs[i] = isolation.Inject(o.family, o.first+uint64(i), kind, knobs) //nolint:gosec // an index
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return blames, nil
}
