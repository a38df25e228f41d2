package hollownode

import (
	"context"
	"maps"
	"time"

	"github.com/ballast-k8s/ballast/simulator/hollownode/exporter"
	"github.com/ballast-k8s/ballast/simulator/plant/queueing"
)

// sendTelemetry sends every period until ctx ends. It holds the plant up only for as long as it takes to copy the figures.
func (n *Nodes) sendTelemetry(ctx context.Context) {
	sender := exporter.NewSender(*n.cfg.OTLP)
	defer sender.Close()
	ticker := time.NewTicker(n.cfg.OTLP.Period)
	defer ticker.Stop()
	var sent time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		shot := n.snapshot(sent)
		if shot == nil {
			continue
		}
		sent = shot.Now
		result := sender.Send(ctx, shot)
		n.mu.Lock()
		n.status.SpansSent += result.SpansSent
		n.status.SpansDropped += result.SpansLost
		if ctx.Err() == nil {
			n.status.SendFailures += uint64(len(result.Failures))
			for _, err := range result.Failures {
				n.fail(err)
			}
		}
		n.mu.Unlock()
	}
}

// snapshot takes the spans and copies the totals; nil before the start and where the plant stands where it stood at the last snapshot, when there
// is nothing to tell: a receiver refuses a second point of the same time.
func (n *Nodes) snapshot(last time.Time) *exporter.Snapshot {
	n.mu.Lock()
	defer n.mu.Unlock()
	now, clock := time.Now(), n.clock
	if !clock.Started() || !clock.Wall(n.sim.Now(), now).After(last) {
		return nil
	}
	s := &exporter.Snapshot{
		SpanRate: n.cfg.Plant.SpanRate, Calls: n.sim.Calls(), Pods: map[queueing.PodID]exporter.Pod{},
		Namespace: n.cfg.Namespaces[0], Deployments: maps.Clone(n.deployments), Speedup: n.cfg.Speedup,
		Wall:  func(seconds float64) time.Time { return clock.Wall(seconds, now) },
		Begun: clock.Begun(), Now: clock.Wall(n.sim.Now(), now),
	}
	var dropped uint64
	s.Spans, dropped = n.sim.TakeSpans()
	n.status.SpansDropped += dropped
	for i := range s.Spans {
		s.Pods[s.Spans[i].Pod] = n.identities[s.Spans[i].Pod]
	}
	return s
}
