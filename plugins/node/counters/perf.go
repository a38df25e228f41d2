package counters

import (
	"errors"
	"os"
	"path"

	"github.com/ballast-k8s/ballast/plugins/node/counters/perf"
)

// ProcessorEvents is what the processor counts, all of it, see package perf. Of what single processors lack the signals are called
// instructions, cache misses and stalled cycles.
const ProcessorEvents Signal = "perf events"

// Count says of which containers the processor's events are to be counted too, the most important first. It is called anew whenever containers
// come or go, and counting goes on where it went on before. Samples of others say why they have none. As long as it was never called, nobody
// asked, and samples have neither events nor a reason.
func (r *Reader) Count(order []Container) {
	if r.events == nil {
		r.events = perf.New(perf.Linux{}, perf.Online, r.eventFiles)
	}
	keys := make([]string, len(order))
	for i, c := range order {
		keys[i] = c.Path
	}
	r.events.Choose(keys, func(key string) (*os.File, error) {
		if r.tree.perf == "" {
			return nil, errors.New("no hierarchy has perf_event")
		}
		return r.cgroup.Open(path.Join(r.tree.perf, key))
	})
}

// Counts says whether a container is among those whose events are counted now.
func (r *Reader) Counts(c Container) bool { return r.events != nil && r.events.Counts(c.Path) }

// readEvents reads what the processor counted.
func (s *Sample) readEvents(r *Reader) {
	if r.events == nil {
		return
	}
	var why string
	if s.Perf, why = r.events.Read(s.Container.Path); s.Perf == nil {
		s.absent(ProcessorEvents, why)
		return
	}
	for _, m := range r.events.Missing() {
		s.absent(Signal(m.Quantity), m.Why)
	}
}
