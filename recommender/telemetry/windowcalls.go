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
	increments        []*increment
	calls             float64
	first, last, most int64 // unix nanoseconds: begin of the first increment, end of the last; the longest one's duration
	length            int64 // nanoseconds, all increments together
	held              bool  // has no point in the window: goes on as its last increment before
}

// readIncrements adds up the increments of the window.
func (r *reading) readIncrements() *calls {
	c := &calls{bySeries: map[*otlp.Labels]*covered{}, pods: map[Identity]map[string]bool{}}
	before := map[*otlp.Labels]*increment{} // the last one of each series
	for i := range r.increments {
		in := &r.increments[i]
		switch last := before[in.labels]; {
		case r.covers(in.at):
			c.cover(in)
		case in.at < r.from && (last == nil || last.at < in.at):
			before[in.labels] = in
		}
	}
	for i := range r.increments { // not over the map: sums come out the same every time
		if in := &r.increments[i]; before[in.labels] == in && r.holds(in) && c.bySeries[in.labels] == nil {
			c.cover(in)
			c.bySeries[in.labels].held = true
		}
	}
	c.entry = r.entryCalls(c)
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

// holds reports whether a series whose last increment before the window this is goes on in it. An exporter's minutes are not the
// window's, so that none of its points may lie in a window; one that has missed two is gone.
func (r *reading) holds(in *increment) bool { return r.to-in.at <= 2*(in.at-in.from) }

// entryCalls adds up the entry's series, each for the whole window, of the first source that counted anything; nil without any.
func (r *reading) entryCalls(c *calls) *durations {
	var entries [otlp.Sources]*durations
	for _, l := range c.order {
		if l.Operation != r.entry.Operation || !r.identity(l.Resource).serves(r.entry) {
			continue
		}
		if entries[l.Source] == nil {
			entries[l.Source] = &durations{values: distribution.Mixture{}}
		}
		one := c.bySeries[l]
		for _, in := range one.increments {
			entries[l.Source].add(in, one.scale(r))
		}
	}
	var first *durations
	for _, d := range entries {
		if d != nil && (first == nil || first.total+first.failed == 0) {
			first = d
		}
	}
	return first
}

func (d *durations) add(in *increment, weight float64) {
	if in.calls == nil {
		return
	}
	n := weight * float64(in.calls.Count())
	if in.labels.Failed {
		d.failed += n
		return
	}
	d.total += n
	d.squares += weight * n
	d.values.Add(*in.calls, in.labels.Unit, weight)
}

func (c *calls) cover(in *increment) {
	one := c.bySeries[in.labels]
	if one == nil {
		one = &covered{first: in.from}
		c.bySeries[in.labels] = one
		c.order = append(c.order, in.labels)
	}
	one.increments = append(one.increments, in)
	one.last = in.at
	one.length += in.at - in.from
	one.most = max(one.most, in.at-in.from)
	if in.calls != nil {
		one.calls += float64(in.calls.Count())
	}
}

// rate is calls per second in the window.
func (c *covered) rate(r *reading) float64 { return c.calls * c.scale(r) / r.seconds }

// scale is what a call that was counted stands for in the window. A series that goes on all through the window counted for the time
// between its points, which is not quite the window: exporters' minutes begin when they like. One that began or ended inside counted for
// the whole window.
func (c *covered) scale(r *reading) float64 {
	if c.length > 0 && (c.held || c.first <= r.from+c.most && c.last >= r.to-c.most) {
		return r.seconds / (float64(c.length) / 1e9)
	}
	return 1
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
