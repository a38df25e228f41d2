package closedloop

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ballast-k8s/ballast/simulator/hollownode"
	"github.com/ballast-k8s/ballast/simulator/hotel"
)

// fill lets the owners of batch work fill the nodes and waits until they are full.
func (r *run) fill(ctx context.Context) error {
	for _, s := range r.sides {
		owner, err := r.user(ctx, s.namespace+"-batch", hollownode.BatchRBAC, s.namespace)
		if err != nil {
			return err
		}
		filling := hollownode.Filling{Client: owner}
		r.group.Go(func() {
			if err := s.nodes.Fill(ctx, filling); err != nil {
				r.fail(fmt.Errorf("arm %s: %w", s.name, err))
			}
		})
	}
	for _, s := range r.sides {
		if err := await(ctx, "full nodes of arm "+s.name, func() (bool, error) {
			least, err := r.leastFill(ctx, s)
			if err == nil && least < FullShare {
				err = fmt.Errorf("the emptiest is %.1f %% requested", 100*least)
			}
			return err == nil, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// leastFill is the share of its CPU that is requested of the emptiest node of an arm.
func (r *run) leastFill(ctx context.Context, s *side) (float64, error) {
	pods, err := r.client.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("listing pods: %w", err)
	}
	requested := map[string]int64{}
	for i := range pods.Items {
		for k := range pods.Items[i].Spec.Containers {
			requested[pods.Items[i].Spec.NodeName] += pods.Items[i].Spec.Containers[k].Resources.Requests.Cpu().MilliValue()
		}
	}
	least := 1.0
	for i, node := range s.nodeNames() {
		least = min(least, float64(requested[node])/milliPerCore/hotel.Machines()[i].Cores)
	}
	return least, nil
}

// play runs the clock, warm-up and hour, and notes how the objective stands once a minute of it.
func (r *run) play(ctx context.Context) error {
	const (
		end     = (WarmUpMinutes + hourMinutes) * minuteSeconds
		slowest = 3 // times as long as asked for
	)
	step := fmt.Sprintf("closed loop: minutes, both arms, %g times as fast as the clock", r.cfg.Speedup)
	minute := time.Duration(minuteSeconds / r.cfg.Speedup * float64(time.Second))
	for _, s := range r.sides {
		s.nodes.Start()
	}
	deadline := time.NewTimer(slowest * (WarmUpMinutes + hourMinutes) * minute)
	defer deadline.Stop()
	tick := time.NewTicker(minute)
	defer tick.Stop()
	for {
		at := r.clock()
		r.cfg.Progress(step, int(at/minuteSeconds), end/minuteSeconds)
		if at >= end {
			break
		}
		if err := r.look(ctx, at); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return fmt.Errorf("the clock got to second %.0f of %d only: this machine is too slow for speedup %g, try a lower one",
				at, end, r.cfg.Speedup)
		case <-tick.C:
		}
	}
	for _, s := range r.sides {
		s.nodes.Pause()
	}
	return nil
}

// clock is how far the slower arm has come, and notes how far they lag.
func (r *run) clock() float64 {
	var least float64
	for i, s := range r.sides {
		status := s.nodes.Status()
		s.maxLag = max(s.maxLag, status.Lag)
		if i == 0 || status.PlantSeconds < least {
			least = status.PlantSeconds
		}
	}
	return least
}

// look notes how full the nodes are and how the objective stands.
func (r *run) look(ctx context.Context, at float64) error {
	for _, s := range r.sides {
		least, err := r.leastFill(ctx, s)
		if err != nil {
			return err
		}
		s.looks++
		if least >= FullShare {
			s.full++
		}
		if s.recommender == "" {
			continue
		}
		o, err := r.latencyObjective(ctx, s.arm)
		if err != nil {
			return err
		}
		r.standing = append(r.standing, standing(&o.Status, at, r.cfg.Speedup))
	}
	return nil
}
