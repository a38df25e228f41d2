package schedplugin

import (
	"context"
	"sync"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Running are the goroutines of a plugin in one profile. They end with the profile's context, or by Close.
type Running struct {
	clock clock.WithTicker
	stop  context.CancelFunc
	all   sync.WaitGroup
}

// Start returns the context of the plugin's goroutines. Its logger names plugin and profile. It is called once, before the other methods.
func (r *Running) Start(ctx context.Context, plugin, profile string, c clock.WithTicker) context.Context {
	r.clock = c
	logger := klog.LoggerWithValues(klog.LoggerWithName(klog.FromContext(ctx), plugin), "profile", profile)
	ctx, r.stop = context.WithCancel(klog.NewContext(ctx, logger))
	return ctx
}

// Go runs f, which returns soon after the context of Start has ended.
func (r *Running) Go(f func()) { r.all.Go(f) }

// Every calls f again and again, for the first time after one period, until the context ends.
func (r *Running) Every(ctx context.Context, period time.Duration, f func()) {
	r.all.Go(func() {
		tick := r.clock.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C():
				f()
			}
		}
	})
}

// Close stops what runs and waits for it. A plugin's Close, which kube-scheduler calls when it ends, is this.
func (r *Running) Close() error {
	r.stop()
	r.all.Wait()
	return nil
}

// startPatience bounds how long a plugin's making waits for first answers, so that the first pods after a start are placed by them.
const startPatience = 3 * time.Second

// Await waits for an answer of the API server while a plugin is made: a moment, for without one the scheduler shall start all the same. It
// logs what is missing then; "what" names it.
func Await(ctx context.Context, c clock.Clock, answered <-chan struct{}, what string) {
	patience := c.NewTimer(startPatience)
	defer patience.Stop()
	select {
	case <-answered:
	case <-ctx.Done():
	case <-patience.C():
		klog.FromContext(ctx).Info("No answer of the API server yet; starting without", "missing", what, "waited", startPatience)
	}
}
