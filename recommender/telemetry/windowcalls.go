package telemetry

import (
	"maps"
	"slices"

	"github.com/ballast-k8s/ballast/recommender/telemetry/distribution"
	"github.com/ballast-k8s/ballast/recommender/telemetry/otlp"
)

// calls is what the histograms of a window say.
type calls struct {
	entry    *durations // nil: none
	bySeries map[*otlp.Labels]*covered
	order    []*otlp.Labels // of bySeries, so that sums come out the same every time
	// rates are calls per second, by source and by what the series say of themselves.
	rates [otlp.Sources]map[Identity]float64
	pods  map[Identity]map[string]bool
}

// covered is what one series counted in the window, and for which time.
type covered struct {
	calls             float64
	first, last, most int64 // unix nanoseconds: begin of the first increment, end of the last; the longest one's duration
	length            int64 // nanoseconds, all increments together
}

// readIncrements adds up the increments of the window.
func (r *reading) readIncrements() *calls {
	c := &calls{bySeries: map[*otlp.Labels]*covered{}, pods: map[Identity]map[string]bool{}}
	var entries [otlp.Sources]*durations
	for i := range r.increments {
		in := &r.increments[i]
		if !r.covers(in.at) {
			continue
		}
		c.cover(in)
		if in.labels.Operation == r.entry.Operation && r.identity(in.labels.Resource).serves(r.entry) {
			if entries[in.labels.Source] == nil {
				entries[in.labels.Source] = &durations{values: distribution.Mixture{}}
			}
			entries[in.labels.Source].add(in)
		}
	}
	for _, d := range entries {
		if d != nil && (c.entry == nil || c.entry.total+c.entry.failed == 0) {
			c.entry = d
		}
	}
	for _, l := range c.order {
		id := r.identity(l.Resource)
		if c.rates[l.Source] == nil {
			c.rates[l.Source] = map[Identity]float64{}
		}
		c.rates[l.Source][id] += c.bySeries[l].rate(r)
		if c.pods[id] == nil {
			c.pods[id] = map[string]bool{}
		}
		c.pods[id][l.Resource.Value().Pod] = true
	}
	return c
}

func (d *durations) add(in *increment) {
	switch {
	case in.calls == nil:
	case in.labels.Failed:
		d.failed += float64(in.calls.Count())
	default:
		d.total += float64(in.calls.Count())
		d.values.Add(*in.calls, in.labels.Unit)
	}
}

func (c *calls) cover(in *increment) {
	one := c.bySeries[in.labels]
	if one == nil {
		one = &covered{first: in.from}
		c.bySeries[in.labels] = one
		c.order = append(c.order, in.labels)
	}
	one.last = in.at
	one.length += in.at - in.from
	one.most = max(one.most, in.at-in.from)
	if in.calls != nil {
		one.calls += float64(in.calls.Count())
	}
}

// rate is calls per second. A series that goes on all through the window counted for the time between its points, which is not quite
// the window: exporters' minutes begin when they like. One that began or ended inside counts for the whole window.
func (c *covered) rate(r *reading) float64 {
	if c.length > 0 && c.first <= r.from+c.most && c.last >= r.to-c.most {
		return c.calls / (float64(c.length) / 1e9)
	}
	return c.calls / r.seconds
}

// rate is the calls of one service per second. Series may say less of themselves than spans do (a connector that leaves out the
// deployment): they count for all services they may mean, in proportion to these services' spans. Their pods are added to pods.
func (r *reading) rate(id Identity, g *graph, c *calls, pods map[string]bool) float64 {
	for _, rates := range c.rates {
		total, found := 0.0, false
		for _, series := range slices.SortedFunc(maps.Keys(rates), compareIdentities) {
			if !series.mayBe(id) {
				continue
			}
			found = true
			total += rates[series] * g.share(series, id)
			if series == id {
				maps.Copy(pods, c.pods[series])
			}
		}
		if found && total > 0 {
			return total
		}
	}
	return g.incoming[id] / r.seconds
}

// mayBe reports whether data that say this of themselves may be about a service.
func (a Identity) mayBe(id Identity) bool {
	agree := func(x, y string) bool { return x == "" || x == y }
	return a.Service == id.Service && agree(a.Namespace, id.Namespace) && agree(a.Deployment, id.Deployment) &&
		agree(a.Container, id.Container)
}

// share is the part of a series that counts for a service: of all services that the series may mean, by their spans in the window,
// evenly among those of the entry if there are no spans.
func (g *graph) share(series, id Identity) float64 {
	if series == id {
		return 1
	}
	total, own, candidates := 0.0, g.incoming[id], 0.0
	for _, other := range slices.SortedFunc(maps.Keys(g.incoming), compareIdentities) {
		if series.mayBe(other) {
			total += g.incoming[other]
		}
	}
	for other := range g.touched {
		if series.mayBe(other) {
			candidates++
		}
	}
	if total > 0 {
		return own / total
	}
	return 1 / candidates
}
