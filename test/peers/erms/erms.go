// Package erms allocates as Erms (Luo et al., ASPLOS'23) does: percentiles are added along the calls of a request, as if they all were
// exceeded together, and each call gets the share of the target that takes the fewest containers in all. The formulas are the
// paper's; the order of decisions is that of its public artifact, which was read for it and not copied, because which line holds for a
// call depends on that order and the paper leaves it open.
//
// Latencies are in µs, as in the published models; targets are in milliseconds, loads in requests per second.
package erms

import "fmt"

// Line is a 95th percentile by load of a container: Slope·x + Intercept µs at x requests per second.
type Line struct{ Slope, Intercept float64 }

// Model is the latency of a microservice below and above the load at which its queue begins to grow.
type Model struct{ Before, After Line }

// entry are the microservices that the artifact does not size; every call of them gets this model instead of its own.
var (
	entry      = map[string]bool{"frontend": true, "nginx": true, "nginx-web-server": true}
	entryModel = Model{Before: Line{Slope: 1e-5}, After: Line{Slope: 2e-5}}
)

// inflection is the load at which the lines meet; 0 if that is below 0.
func (m Model) inflection() float64 {
	return max(0, (m.After.Intercept-m.Before.Intercept)/(m.Before.Slope-m.After.Slope))
}

// Call is one call in the tree of a request's calls.
type Call struct {
	Microservice string
	// Steps are what it calls: steps one after the other, calls of a step at the same time.
	Steps [][]*Call
}

// Service is one kind of request with its objective.
type Service struct {
	Name string
	Root *Call
	// Models are by microservice.
	Models map[string]Model
	// Target is for the 95th percentile in milliseconds, Load in requests per second.
	Target, Load float64
}

// Mode is how services share a microservice.
type Mode int

const (
	// Priority serves the calls of the service with the smaller target first: a service sees the load of those before it and its own.
	Priority Mode = iota
	// Shared serves all calls alike: the smallest target holds for the load of all.
	Shared
)

// Allocate returns the number of containers of each microservice, and the target of each in µs by service: that of its first call in
// the tree.
func Allocate(services []Service, mode Mode) (containers map[string]float64, targets []map[string]float64, err error) {
	trees := make([]*tree, len(services))
	models := shared(services)
	for i := range services {
		if trees[i], err = newTree(&services[i], models); err != nil {
			return nil, nil, fmt.Errorf("service %q: %w", services[i].Name, err)
		}
		if err := trees[i].solve(); err != nil {
			return nil, nil, fmt.Errorf("service %q: %w", services[i].Name, err)
		}
	}
	switch {
	case len(services) > 1 && mode == Priority:
		prioritise(trees)
		for i, t := range trees {
			if err := t.solve(); err != nil {
				return nil, nil, fmt.Errorf("service %q: %w", services[i].Name, err)
			}
		}
	case len(services) > 1:
		pool(trees)
	}
	containers = map[string]float64{}
	for _, t := range trees {
		for _, n := range t.nodes {
			containers[n.name] = max(containers[n.name], n.containers())
		}
		targets = append(targets, t.targets())
	}
	return containers, targets, nil
}

// shared gives a microservice of several services the model with the largest mean slope for all of them.
func shared(services []Service) map[string]Model {
	models := map[string]Model{}
	for _, s := range services {
		for _, name := range names(s.Root, nil) {
			m, known := s.Models[name]
			if entry[name] {
				m, known = entryModel, true
			}
			last, there := models[name]
			if known && (!there || m.Before.Slope+m.After.Slope > last.Before.Slope+last.After.Slope) {
				models[name] = m
			}
		}
	}
	return models
}

func names(c *Call, found []string) []string {
	found = append(found, c.Microservice)
	for _, step := range c.Steps {
		for _, child := range step {
			found = names(child, found)
		}
	}
	return found
}
