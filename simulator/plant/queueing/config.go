package queueing

import (
	"fmt"
	"math"

	"github.com/ballast-k8s/ballast/simulator/plant/arrival"
	"github.com/ballast-k8s/ballast/simulator/plant/park"
	"github.com/ballast-k8s/ballast/simulator/plant/servicegraph"
)

// Config describes a simulation.
type Config struct {
	// Application is what runs.
	Application servicegraph.Application
	// Machines are where it runs.
	Machines []park.MachineSpec
	// Loads are the streams of requests.
	Loads []Load
	// Interference is the truth about neighbours; nil = none.
	Interference park.Interference
	// Seed decides every random draw.
	Seed uint64
	// SpanRate is the share of requests that are traced, in [0, 1].
	SpanRate float64
	// MaxSpans is the number of spans kept until TakeSpans; more are counted and dropped. 0 = DefaultMaxSpans.
	MaxSpans int
	// MaxVisits is the number of calls in flight above which requests are dropped, so that an overload costs bounded memory. 0 =
	// DefaultMaxVisits.
	MaxVisits int
}

// The defaults bound memory: about 9 MB of spans and 25 MB of calls.
const (
	DefaultMaxSpans  = 100_000
	DefaultMaxVisits = 250_000
)

// Load is a stream of requests for one operation.
type Load struct {
	Operation string
	Rates     arrival.Rates
}

// Validate reports the first field that is out of range.
func (c *Config) Validate() error {
	if err := c.Application.Validate(); err != nil {
		return err
	}
	p, err := park.New(c.Machines, c.Interference)
	if err != nil {
		return err
	}
	for _, s := range c.Application.Services { // a misspelt class must not run undisturbed
		if _, err := p.Class(s.Class); err != nil {
			return fmt.Errorf("service %q: %w", s.Name, err)
		}
	}
	for i, l := range c.Loads {
		if c.operation(l.Operation) < 0 {
			return fmt.Errorf("field Loads[%d].Operation is %q, which the application does not have", i, l.Operation)
		}
		if err := l.Rates.Validate(); err != nil {
			return fmt.Errorf("field Loads[%d].Rates: %w", i, err)
		}
	}
	switch {
	case !(c.SpanRate >= 0 && c.SpanRate <= 1):
		return fmt.Errorf("field SpanRate is %v, expected a number in [0, 1]", c.SpanRate)
	case c.MaxSpans < 0 || c.MaxVisits < 0 || c.MaxVisits > math.MaxInt32:
		return fmt.Errorf("field MaxSpans is %d and MaxVisits %d, expected 0 for the default or more, below 2^31", c.MaxSpans, c.MaxVisits)
	}
	return nil
}

func (c *Config) operation(name string) int {
	for i := range c.Application.Operations {
		if c.Application.Operations[i].Name == name {
			return i
		}
	}
	return -1
}
