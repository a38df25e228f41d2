package demo

import (
	"context"

	"github.com/ballast-k8s/ballast/predictor/interference"
	"github.com/ballast-k8s/ballast/simulator/plant"
)

// arm starts a scheduler, lets it place the batch, reads the placement and removes pods and scheduler again.
func (d *demonstration) arm(ctx context.Context, s Scheduler) (*Arm, error) {
	d.cfg.Progress("starting the "+s.Title+" scheduler", 0, 0)
	scheduler, err := s.Start(ctx, d.cluster, d.cfg.Scheduler)
	if err != nil {
		return nil, err
	}
	defer scheduler.Stop()
	seconds, err := d.placeBatch(ctx, s, scheduler.Child)
	if err != nil {
		return nil, err
	}
	placement, err := d.placement(ctx)
	if err != nil {
		return nil, err
	}
	arm := &Arm{Name: s.Title, Placement: placement, PodsPerSecond: float64(len(d.order)) / seconds}
	if arm.DecisionsPerSecond, err = scheduler.probe.decisionsPerSecond(ctx); err != nil {
		return nil, err
	}
	if s.profile != "" {
		if err := scheduler.AssertScored(ctx, len(d.order)); err != nil {
			return nil, err
		}
		if arm.Reasons, err = Reasons(ctx, d.client, namespace, mostReasons); err != nil {
			return nil, err
		}
	}
	if arm.Verdict, err = plant.Judge(d.in.Truth, placement); err != nil {
		return nil, err
	}
	arm.Predicted = d.predicted(placement)
	return arm, d.removePods(ctx)
}

// predicted is the mean performance the model expects of a placement.
func (d *demonstration) predicted(placement [][]int) float64 {
	var value float64
	n := 0
	for _, counts := range placement {
		var mix interference.Mix
		for class, count := range counts {
			index, ok := d.in.Model.ClassIndex(d.in.Truth.Classes()[class])
			if count > 0 && ok {
				mix = mix.Add(nil, index, float64(count))
			}
			n += count
		}
		value += d.in.Model.Value(mix, nil)
	}
	return value / float64(n)
}
