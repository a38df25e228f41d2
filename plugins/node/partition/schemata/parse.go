package schemata

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Line is one line of a schemata or size file: the resource and the text of each domain's value, in the file's order.
type Line struct {
	Resource string
	Domains  []int
	Values   []string
}

// maxDomains bounds the domains of a resource.
const maxDomains = 4096

// uninitialized stands in place of the domains in the schemata of a group in mode pseudo-locksetup: it has no values yet
// (fs/resctrl/ctrlmondata.c, rdtgroup_schemata_show).
const uninitialized = "uninitialized"

// ParseLines splits a schemata or size file. Names and values may be padded with blanks; empty lines are skipped. A line that says
// uninitialized has no domains.
func ParseLines(text string) ([]Line, error) {
	var out []Line
	for row := range strings.Lines(text) {
		if strings.TrimSpace(row) == "" {
			continue
		}
		l, err := parseLine(row)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(o Line) bool { return o.Resource == l.Resource }) {
			return nil, fmt.Errorf("resource %s stands twice", l.Resource)
		}
		out = append(out, l)
	}
	return out, nil
}

func parseLine(row string) (Line, error) {
	name, rest, found := strings.Cut(row, ":")
	l := Line{Resource: strings.TrimSpace(name)}
	if !found || l.Resource == "" || len(l.Resource) > 32 {
		return Line{}, fmt.Errorf("line %s: want a resource name, a colon and domain=value pairs", quoted(row))
	}
	if rest = strings.TrimSpace(rest); rest == uninitialized {
		return l, nil
	}
	for item := range strings.SplitSeq(rest, ";") {
		if item == "" { // a trailing semicolon
			continue
		}
		id, value, found := strings.Cut(item, "=")
		domain, err := strconv.ParseUint(strings.TrimSpace(id), 10, 31)
		if !found || err != nil {
			return Line{}, fmt.Errorf("%s: item %s: want domain=value with a decimal domain", quoted(l.Resource), quoted(item))
		}
		if slices.Contains(l.Domains, int(domain)) {
			return Line{}, fmt.Errorf("%s: domain %d stands twice", quoted(l.Resource), domain)
		}
		if len(l.Domains) == maxDomains {
			return Line{}, fmt.Errorf("%s: more than %d domains", quoted(l.Resource), maxDomains)
		}
		l.Domains = append(l.Domains, int(domain))
		l.Values = append(l.Values, strings.TrimSpace(value))
	}
	return l, nil
}

// quoted is a text short enough for an error.
func quoted(s string) string {
	const most = 60
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}

// ParseMask reads hexadecimal digits of at most 32 bits, with or without 0x or leading zeros.
func ParseMask(s string) (uint32, error) {
	v, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimSpace(s), "0x"), 16, 32)
	if err != nil {
		return 0, fmt.Errorf("%s is not a hexadecimal mask of at most 32 bits", quoted(s))
	}
	return uint32(v), nil
}

// ParseNumber reads a decimal number that fits into 32 bits; blanks around it are padding.
func ParseNumber(s string) (uint32, error) {
	v, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s is not a decimal number below 2^32", quoted(s))
	}
	return uint32(v), nil
}

// Parse reads one value of the resource.
func (r Resource) Parse(text string) (uint32, error) {
	if r.Cache != nil {
		return ParseMask(text)
	}
	return ParseNumber(text)
}
