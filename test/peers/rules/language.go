package rules

import (
	"fmt"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
)

// Language says the rules in Medea's language, with the class names as tags. The file counts the subject itself where it is its own
// target, the language counts only others. A rule "at most 0" of the own class, which not even one container keeps, cannot be said.
func Language(set []Rule, classes []string) ([]constraints.Constraint, error) {
	all := make([]constraints.Constraint, 0, len(set))
	for i, r := range set {
		c := constraints.Constraint{
			Subject: []string{classes[r.Subject]}, Target: []string{classes[r.Target]}, Group: constraints.Node, Weight: r.Weight,
			Most: r.Threshold,
		}
		if r.AtLeast {
			c.Least, c.Most = r.Threshold, constraints.Unlimited
		}
		if r.Subject == r.Target {
			if r.Threshold == 0 && !r.AtLeast {
				return nil, fmt.Errorf("rule %d: at most 0 of the own class, expected at least 1", i+1)
			}
			if r.AtLeast {
				c.Least--
			} else {
				c.Most--
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// Compile is the rules as the product takes them: for every class its name as tag.
func Compile(set []Rule, classes []string) (*constraints.Set, error) {
	all, err := Language(set, classes)
	if err != nil {
		return nil, err
	}
	tags := make([][]string, len(classes))
	for class, name := range classes {
		tags[class] = []string{name}
	}
	return constraints.Compile(all, tags)
}
