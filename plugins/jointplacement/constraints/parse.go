package constraints

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Parse reads constraints, one a line. Empty lines and what follows # are left out; a weight that is not given is 1. Errors name the
// line and what was expected.
func Parse(text string) ([]Constraint, error) {
	var all []Constraint
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if len(all) == maxConstraints {
			return nil, fmt.Errorf("line %d: more than %d constraints", number, maxConstraints)
		}
		c, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		all = append(all, c)
	}
	return all, nil
}

var errForm = errors.New("expected {subject tags, {target tags, least, most}, node group} weight, such as {redis, {mms, 0, 0}, node} 2")

// parseLine takes a line apart from the outside: the outer braces and what follows them, then the inner.
func parseLine(line string) (Constraint, error) {
	var c Constraint
	end := strings.LastIndexByte(line, '}')
	if end < 0 || line[0] != '{' {
		return c, errForm
	}
	body, weight := line[1:end], strings.TrimSpace(line[end+1:])
	subject, rest, ok1 := strings.Cut(body, "{")
	counted, group, ok2 := strings.Cut(rest, "}")
	subject, ok3 := strings.CutSuffix(strings.TrimSpace(subject), ",")
	group, ok4 := strings.CutPrefix(strings.TrimSpace(group), ",")
	parts := strings.Split(counted, ",")
	if !ok1 || !ok2 || !ok3 || !ok4 || len(parts) != 3 {
		return c, errForm
	}
	c.Subject, c.Target, c.Group, c.Weight = tags(subject), tags(parts[0]), strings.TrimSpace(group), 1
	var err error
	if c.Least, err = count(parts[1]); err != nil {
		return c, fmt.Errorf("least %w", err)
	}
	if c.Most, err = count(parts[2]); err != nil {
		return c, fmt.Errorf("most %w", err)
	}
	if weight != "" {
		if c.Weight, err = strconv.ParseFloat(weight, 64); err != nil {
			return c, fmt.Errorf("weight is %q, expected a number", weight)
		}
	}
	return c, c.Validate()
}

// tags splits at & (∧ in the paper).
func tags(text string) []string {
	parts := strings.Split(strings.ReplaceAll(text, "∧", "&"), "&")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func count(text string) (int, error) {
	text = strings.TrimSpace(text)
	if text == "inf" || text == "∞" {
		return Unlimited, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("is %q, expected a number of containers or inf", text)
	}
	return n, nil
}
