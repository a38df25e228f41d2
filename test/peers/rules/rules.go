// Package rules reads the interference constraints that Metis' authors gave to Medea and Paragon, and says how much a placement
// violates them. A rule is about the node of one container of the subject: at most, or at least, so many containers of the target.
package rules

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Rule is one constraint. Classes are indices from 0.
type Rule struct {
	Subject, Target int
	// AtLeast is true where the target helps: at least Threshold of it; else at most Threshold. A target that is the subject counts
	// the subject itself.
	AtLeast   bool
	Threshold int
	// Weight is what Medea's objective charges for one container too many or too few, seen by one container of the subject.
	Weight float64
}

// header is the part of the file's columns that a rule is made of; the relative throughputs behind it are for people.
var header = []string{"subject_app_1based", "target_app_1based", "type_0max_1min", "threshold", "medea_weight"}

// Read reads interference_constraints.csv for so many classes. Errors name the file, the line and what was expected.
func Read(name string, r io.Reader, classes int) ([]Rule, error) {
	reader := csv.NewReader(r)
	records, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(records) == 0 || len(records[0]) < len(header) || !slices.Equal(records[0][:len(header)], header) {
		return nil, fmt.Errorf("%s:1: expected the columns %q first", name, header)
	}
	rules := make([]Rule, 0, len(records)-1)
	for i, record := range records[1:] {
		rule, err := parse(record, classes)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+2, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parse(record []string, classes int) (Rule, error) {
	var v [5]int
	for k := range v {
		n, err := strconv.Atoi(record[k])
		if err != nil {
			return Rule{}, fmt.Errorf("column %s: %q is not a whole number", header[k], record[k])
		}
		v[k] = n
	}
	switch {
	case v[0] < 1 || v[0] > classes || v[1] < 1 || v[1] > classes:
		return Rule{}, fmt.Errorf("applications %d and %d, expected 1 to %d", v[0], v[1], classes)
	case v[2] != 0 && v[2] != 1:
		return Rule{}, fmt.Errorf("column %s is %d, expected 0 or 1", header[2], v[2])
	case v[3] < 0 || v[4] < 1:
		return Rule{}, fmt.Errorf("threshold %d and weight %d, expected at least 0 and 1", v[3], v[4])
	}
	return Rule{Subject: v[0] - 1, Target: v[1] - 1, AtLeast: v[2] == 1, Threshold: v[3], Weight: float64(v[4])}, nil
}

// Violation is what a node with these containers adds to Medea's objective: for every rule, weight × containers of the subject ×
// containers of the target beyond or below the threshold. It is the closed form of the integer program of Metis' Medea.m, in which
// every container of the subject has a slack variable of its own.
func Violation(rules []Rule, counts []int) float64 {
	sum := 0.0
	for _, r := range rules {
		excess := counts[r.Target] - r.Threshold
		if r.AtLeast {
			excess = -excess
		}
		if excess > 0 && counts[r.Subject] > 0 {
			sum += r.Weight * float64(counts[r.Subject]*excess)
		}
	}
	return sum
}

// Total is the violation of a whole placement.
func Total(rules []Rule, placement [][]int) float64 {
	sum := 0.0
	for _, counts := range placement {
		sum += Violation(rules, counts)
	}
	return sum
}
