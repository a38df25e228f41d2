package hollownode

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/simulator/hollownode/batch"
)

// Filling says how the owner of the batch pods keeps the nodes full.
type Filling struct {
	// Client reaches the API server with the rights of BatchRBAC; nil = Config.Client, which then needs them too.
	Client kubernetes.Interface
	// Low and High bound the share of a node's allocatable CPU that is requested, 0 < Low < High <= 1; 0 = DefaultLow and DefaultHigh.
	Low, High float64
	// Period is how often it looks, in wall time; 0 = DefaultFillPeriod.
	Period time.Duration
}

// The defaults of Filling.
const (
	DefaultLow        = 0.95
	DefaultHigh       = 0.98
	DefaultFillPeriod = 100 * time.Millisecond
)

func (f Filling) withDefaults(client kubernetes.Interface) (Filling, error) {
	if f.Client == nil {
		f.Client = client
	}
	if f.Low == 0 {
		f.Low = DefaultLow
	}
	if f.High == 0 {
		f.High = DefaultHigh
	}
	if f.Period == 0 {
		f.Period = DefaultFillPeriod
	}
	switch {
	case !(f.Low > 0 && f.Low < f.High && f.High <= 1):
		return f, fmt.Errorf("filling nodes: fields Low and High are %v and %v, expected 0 < Low < High <= 1", f.Low, f.High)
	case f.Period < 0:
		return f, fmt.Errorf("filling nodes: field Period is %v, expected 0 for %v or more", f.Period, DefaultFillPeriod)
	}
	return f, nil
}

// Fill plays the owner of elastic batch work, as frameworks for it do, until ctx ends, which is not an error: it resizes the one batch pod of
// each node (the first by name, if there are more) through pods/resize so that between Low and High of the node's CPU is requested. What a
// pod of the application wants counts, not what it was given: so batch gives way to a resize that is Deferred, and to pods that are not
// bound yet. It needs Run, and begins once Ready is closed. A request that fails is noted in Status and made again.
func (n *Nodes) Fill(ctx context.Context, f Filling) error {
	f, err := f.withDefaults(n.cfg.Client)
	if err != nil {
		return err
	}
	select {
	case <-n.ready:
	case <-ctx.Done():
		return nil
	}
	ticker := time.NewTicker(f.Period)
	defer ticker.Stop()
	for {
		if err := n.fillOnce(ctx, f); err != nil && ctx.Err() == nil {
			n.mu.Lock()
			n.fail(err)
			n.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// fillOnce makes the resizes that are due.
func (n *Nodes) fillOnce(ctx context.Context, f Filling) error {
	var objects []*v1.Pod
	for _, lister := range n.listers {
		listed, err := lister.List(labels.Everything())
		if err != nil {
			return fmt.Errorf("filling nodes: %w", err)
		}
		objects = append(objects, listed...)
	}
	capacity := map[string]int64{}
	n.mu.Lock()
	for name, home := range n.nodes {
		capacity[name] = home.Allocatable().MilliCPU
	}
	n.mu.Unlock()
	var failures []error
	for _, change := range batch.Plan(objects, isBatch, capacity, f.Low, f.High) {
		if err := change.Apply(ctx, f.Client); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}
