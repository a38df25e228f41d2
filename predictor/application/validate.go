package application

import (
	"fmt"
	"math"
)

// Bounds of a document, so that a mistaken or hostile one takes neither memory nor time. MaxDepth leaves compose, which has 16 levels, two of its own.
const (
	MaxServices   = 10_000
	MaxOperations = 10_000
	MaxEntries    = 1000
	MaxPatterns   = 100
	MaxParts      = 100_000 // of all patterns of an entry
	MaxDepth      = 14
	MaxCalls      = 1e6
	MaxSize       = 1e6
	MostSeconds   = 1e6 // of a time or of work; 11 days
	MostRate      = 1e9 // also of pods and cores
	MostBurst     = 1e3
	MostGrowth    = 10
	LeastShape    = 1e-3
	MostShape     = 1e6
	mostName      = 1024
)

func within(x, low, high float64) bool { return x >= low && x <= high }

// validate names the first field out of range and the expected form.
func (d *Document) validate() error {
	switch {
	case d.Format != Format:
		return fmt.Errorf("format is %q, expected %q", d.Format, Format)
	case len(d.Services) == 0 || len(d.Services) > MaxServices:
		return fmt.Errorf("services has %d entries, expected 1 to %d", len(d.Services), MaxServices)
	case len(d.Entries) == 0 || len(d.Entries) > MaxEntries:
		return fmt.Errorf("entries has %d entries, expected 1 to %d", len(d.Entries), MaxEntries)
	}
	services := make(map[string]bool, len(d.Services))
	for i := range d.Services {
		s := &d.Services[i]
		if s.Name == "" || len(s.Name) > mostName || services[s.Name] {
			return fmt.Errorf("services[%d].name is %.80q, expected a name of 1 to %d bytes that no other service has", i, s.Name, mostName)
		}
		services[s.Name] = true
		if err := s.validate(); err != nil {
			return fmt.Errorf("services[%d] (%s): %w", i, s.Name, err)
		}
	}
	entries := make(map[[2]string]bool, len(d.Entries))
	for i := range d.Entries {
		e := &d.Entries[i]
		if key := [2]string{e.Service, e.Operation}; !services[e.Service] || entries[key] {
			return fmt.Errorf("entries[%d] is %q of service %q, expected a service of the list, and no other entry alike", i, e.Operation, e.Service)
		} else {
			entries[key] = true
		}
		if err := e.validate(services); err != nil {
			return fmt.Errorf("entries[%d] (%s %s): %w", i, e.Service, e.Operation, err)
		}
	}
	return nil
}

func (s *Service) validate() error {
	for _, f := range []struct {
		name        string
		value, most float64
	}{{"pods", s.Pods, MostRate}, {"cores", s.Cores, MostRate}, {"rate", s.Rate, MostRate}, {"shiftSeconds", s.Shift, MostSeconds}} {
		if !within(f.value, 0, f.most) {
			return fmt.Errorf("%s is %v, expected a number from 0 to %g", f.name, f.value, f.most)
		}
	}
	if len(s.Operations) > MaxOperations {
		return fmt.Errorf("operations has %d entries, expected at most %d", len(s.Operations), MaxOperations)
	}
	seen := make(map[string]bool, len(s.Operations))
	for i, o := range s.Operations {
		if seen[o.Name] || len(o.Name) > mostName || !(o.Size > 0 && o.Size <= MaxSize) {
			return fmt.Errorf("operations[%d] is %.80q with size %v, expected a name once, and a number above 0 and up to %g", i, o.Name, o.Size, float64(MaxSize))
		}
		seen[o.Name] = true
	}
	return s.validateLaw()
}

func (s *Service) validateLaw() error {
	l := s.Law
	external := s.Kind == External
	switch {
	case !external && s.Kind != Measured && s.Kind != Steady && s.Kind != Prior:
		return fmt.Errorf("kind is %q, expected one of %s, %s, %s and %s", s.Kind, Measured, Steady, Prior, External)
	case !within(l.Fixed, 0, MostSeconds) || !within(l.Stretch, 0, MaxSize) || !within(l.Spread, 0, MaxSize) || !within(l.Windows, 0, MostRate):
		return fmt.Errorf("law has fixedSeconds %v, stretch %v, spread %v and windows %v, expected numbers from 0 to %g", l.Fixed, l.Stretch, l.Spread, l.Windows,
			float64(MostSeconds))
	case !within(l.Burst, 0, MostBurst):
		return fmt.Errorf("law.burst is %v, expected a number from 0 to %g", l.Burst, float64(MostBurst))
	case external && (l.Work != 0 || l.Stretch != 0):
		return fmt.Errorf("law has workCoreSeconds %v and stretch %v, expected 0 for kind %q", l.Work, l.Stretch, s.Kind)
	case !external && !(l.Work > 0 && l.Work <= MostSeconds):
		return fmt.Errorf("law.workCoreSeconds is %v, expected core-seconds above 0 and up to %g", l.Work, float64(MostSeconds))
	case !within(s.Shape, LeastShape, MostShape):
		return fmt.Errorf("shape is %v, expected a number from %g to %g, 1 for exponential times", s.Shape, LeastShape, float64(MostShape))
	case !within(s.Growth, 0, MostGrowth):
		return fmt.Errorf("growth is %v, expected a number from 0 to %g, 1 for processor sharing", s.Growth, float64(MostGrowth))
	case s.Shift > (l.Fixed+l.Stretch*l.Work)*(1+1e-9):
		return fmt.Errorf("shiftSeconds is %v, expected at most fixedSeconds + stretch·workCoreSeconds, what a call takes with all CPU", s.Shift)
	}
	return nil
}

func (e *Entry) validate(services map[string]bool) error {
	switch {
	case !within(e.Rate, 0, MostRate):
		return fmt.Errorf("rate is %v, expected requests per second from 0 to %g", e.Rate, float64(MostRate))
	case len(e.Patterns) == 0 || len(e.Patterns) > MaxPatterns:
		return fmt.Errorf("patterns has %d entries, expected 1 to %d", len(e.Patterns), MaxPatterns)
	case !within(e.Tail, 1/MaxSize, MaxSize) || !within(e.TailSpread, 0, MaxSize) || e.TailWindows < 0:
		return fmt.Errorf("tail is %v, tailSpread %v and tailWindows %d, expected a factor above 0 and numbers of at least 0", e.Tail, e.TailSpread, e.TailWindows)
	case !(e.TailLow >= 0 && e.TailLow <= e.Tail) || !(e.TailHigh >= e.Tail) || e.TailHigh > MaxSize*MaxSize:
		return fmt.Errorf("tailLow is %v and tailHigh %v, expected finite factors around tail, which is %v", e.TailLow, e.TailHigh, e.Tail)
	}
	sum, left := 0.0, MaxParts
	for i := range e.Patterns {
		p := &e.Patterns[i]
		if !(p.Share >= 0 && p.Low >= 0 && p.Low <= p.High && p.High <= 1) {
			return fmt.Errorf("patterns[%d]: share is %v, low %v and high %v, expected shares from 0 to 1, low at most high", i, p.Share, p.Low, p.High)
		}
		sum += p.Share
		if err := p.Part.validate(services, 0, &left); err != nil {
			return fmt.Errorf("patterns[%d].part: %w", i, err)
		}
	}
	if !(math.Abs(sum-1) < 1e-6) {
		return fmt.Errorf("shares of patterns add up to %v, expected 1", sum)
	}
	return nil
}

func (p *Part) validate(services map[string]bool, depth int, left *int) error {
	kinds := 0
	for _, there := range []bool{p.Service != "", len(p.Series) > 0, len(p.Parallel) > 0} {
		if there {
			kinds++
		}
	}
	*left--
	switch {
	case kinds != 1:
		return fmt.Errorf("service %q, %d parts in series and %d in parallel, expected exactly one of the three", p.Service, len(p.Series), len(p.Parallel))
	case depth > MaxDepth || *left < 0:
		return fmt.Errorf("more than %d levels or %d parts in all, expected fewer", MaxDepth, MaxParts)
	case p.Service == "" && (p.Calls != 0 || p.Operation != ""):
		return fmt.Errorf("calls %v and operation %q without a service, expected none", p.Calls, p.Operation)
	case p.Service != "" && !services[p.Service]:
		return fmt.Errorf("service is %q, expected one of the list services", p.Service)
	case p.Service != "" && !(p.Calls > 0 && p.Calls <= MaxCalls):
		return fmt.Errorf("calls is %v for service %q, expected a number above 0 and up to %g", p.Calls, p.Service, float64(MaxCalls))
	}
	for _, list := range [][]Part{p.Series, p.Parallel} {
		for i := range list {
			if err := list[i].validate(services, depth+1, left); err != nil {
				return err
			}
		}
	}
	return nil
}
