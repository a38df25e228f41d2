package closedloop

import (
	"context"
	"fmt"
	"sync"

	"github.com/ballast-k8s/ballast/simulator/demo"
	"github.com/ballast-k8s/ballast/simulator/localcluster"
	"github.com/ballast-k8s/ballast/simulator/localcluster/addons"
)

// run is a Loop that runs.
type run struct {
	*Loop

	recommender *recommender
	standing    []Standing
	// fail ends the run with a reason; group is what runs beside.
	fail  context.CancelCauseFunc
	group sync.WaitGroup
}

// Run runs the loop on a cluster without nodes and returns what it showed. Afterwards everything it started has ended, but for processes,
// which end with the cluster.
func (l *Loop) Run(ctx context.Context) (*Result, error) {
	ctx, fail := context.WithCancelCause(ctx)
	r := &run{Loop: l, fail: fail}
	defer r.group.Wait()
	defer fail(nil)
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"starting schedulers, recommender and metrics-server", r.startComponents},
		{"taking in the pods", r.placed},
		{"dividing the nodes", r.divide},
		{"filling the nodes with batch work", r.fill},
		{"waiting for VPA", r.awaitVPA},
		{"reading the histories", r.awaitHistories},
		{"letting VPA act", r.act},
	} {
		l.cfg.Progress("closed loop: "+step.name, 0, 0)
		if err := step.do(ctx); err != nil {
			return nil, r.cause(ctx, step.name, err)
		}
	}
	if err := r.play(ctx); err != nil {
		return nil, r.cause(ctx, "running the hour", err)
	}
	result, err := r.result(ctx)
	if err != nil {
		return nil, r.cause(ctx, "reading the result", err)
	}
	return result, nil
}

// cause is why a step failed: what made the run end comes before what followed from that.
func (r *run) cause(ctx context.Context, step string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("closed loop, %s: %w", step, err)
}

// startComponents starts both schedulers, our recommender and metrics-server, at the same time, then the nodes' kubelets.
func (r *run) startComponents(ctx context.Context) error {
	if err := demo.Install(ctx, r.cluster, r.model); err != nil {
		return err
	}
	var metrics *localcluster.Child
	starts := []func() error{
		func() (err error) {
			r.recommender, err = startRecommender(ctx, r.cluster, r.cfg.Recommender, r.cfg.Speedup)
			return err
		},
		func() (err error) {
			metrics, err = addons.StartMetricsServer(ctx, r.cluster, r.cfg.Speedup)
			return err
		},
	}
	schedulers := make([]*demo.RunningScheduler, len(r.sides))
	for i, s := range r.sides {
		starts = append(starts, func() (err error) {
			schedulers[i], err = s.scheduler.Start(ctx, r.cluster, r.cfg.Scheduler)
			return err
		})
	}
	if err := together(starts...); err != nil {
		return err
	}
	r.guard(ctx, r.recommender.Child, metrics)
	for i, s := range r.sides {
		r.guard(ctx, schedulers[i].Child)
		if err := r.startNodes(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// guard ends the run when one of the processes ends by itself.
func (r *run) guard(ctx context.Context, children ...*localcluster.Child) {
	for _, child := range children {
		r.group.Go(func() {
			select {
			case <-ctx.Done():
			case <-child.Done():
				if err := child.Err(); err != nil {
					r.fail(err)
				}
			}
		})
	}
}

// startNodes plays the arm's kubelets.
func (r *run) startNodes(ctx context.Context, s *side) error {
	var to *recommender
	if s.recommender != "" {
		to = r.recommender
	}
	nodes, err := r.hollow(ctx, s.arm, r.truth, to)
	if err != nil {
		return err
	}
	s.nodes = nodes
	r.group.Go(func() {
		if err := nodes.Run(ctx); err != nil {
			r.fail(fmt.Errorf("arm %s: %w", s.name, err))
		}
	})
	return await(ctx, "the kubelets of arm "+s.name, func() (bool, error) {
		select {
		case <-nodes.Ready():
			return true, nil
		default:
			return false, nil
		}
	})
}

// placed waits until the kubelets have taken in every pod.
func (r *run) placed(ctx context.Context) error {
	for _, s := range r.sides {
		if err := await(ctx, "the pods of arm "+s.name, func() (bool, error) {
			ready := 0
			for _, p := range s.nodes.Series().Total.Pods {
				if p.Ready {
					ready++
				}
			}
			return ready == replicas(), nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// awaitVPA waits for what Prepare has begun.
func (r *run) awaitVPA(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case start := <-r.vpa:
		if start.err != nil {
			return start.err
		}
		r.guard(ctx, start.vpa.Recommender, start.vpa.Updater, start.vpa.AdmissionController)
		return nil
	}
}

// act lets the updater and the admission controller follow the recommendations.
func (r *run) act(ctx context.Context) error {
	for _, s := range r.sides {
		if err := r.apply(ctx, "the VPA objects of arm "+s.name, s.autoscalers(modeOn)...); err != nil {
			return err
		}
	}
	return nil
}
