package schemata

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Describe says values in words, with those before where they are stated, a line for each resource and change.
func (c Capacity) Describe(values, before Values) []string {
	var lines []string
	for _, r := range c.Resources {
		var texts []string
		domains := map[string][]int{}
		for _, d := range r.Domains {
			v, ok := values.Value(r.Name, d)
			if !ok {
				continue
			}
			text := r.Words(v)
			if old, known := before.Value(r.Name, d); known {
				text += ", before " + r.Words(old)
			}
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
			domains[text] = append(domains[text], d)
		}
		for _, text := range texts {
			lines = append(lines, fmt.Sprintf("%s of domain %s: %s", r.Name, Ranges(domains[text]), text))
		}
	}
	return lines
}

// Words say what a value means.
func (r Resource) Words(v uint32) string {
	switch {
	case r.Cache != nil:
		return fmt.Sprintf("ways %s (%d of %d)", WayRanges(v), bits.OnesCount32(v), r.Cache.Ways())
	case !r.Bandwidth.Limits(v):
		return "no limit"
	case r.Bandwidth.Unit == Percent:
		return fmt.Sprintf("%d %%", v)
	case r.Bandwidth.Unit == EighthGBps:
		return fmt.Sprintf("%d MB/s", uint64(v)*EighthMBps)
	}
	return fmt.Sprintf("%d %s", v, r.Bandwidth.Unit)
}

// WaysByDomain lists the ways that a function has for each domain, domains with the same ones together; empty where there are none.
func (r Resource) WaysByDomain(of func(domain int) uint32) string {
	var masks []uint32
	domains := map[uint32][]int{}
	for _, d := range r.Domains {
		m := of(d)
		if m == 0 {
			continue
		}
		if !slices.Contains(masks, m) {
			masks = append(masks, m)
		}
		domains[m] = append(domains[m], d)
	}
	var parts []string
	for _, m := range masks {
		parts = append(parts, fmt.Sprintf("%s of domain %s ways %s", r.Name, Ranges(domains[m]), WayRanges(m)))
	}
	return strings.Join(parts, ", ")
}
