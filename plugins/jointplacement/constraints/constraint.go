package constraints

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Node is the node group that is a single node.
const Node = "node"

// Unlimited as Constraint.Most means that any number is fine.
const Unlimited = math.MaxInt32

// Limits of what is taken in. Counts of a node or group stay far below maxCount.
const (
	maxConstraints = 1000
	maxTags        = 16
	maxTagLength   = 253 + 1 + 63 + 1 + 63 // a label with prefix as key=value, at its longest in Kubernetes
	maxCount       = 1_000_000
	maxWeight      = 1000
)

// Constraint is one soft constraint.
type Constraint struct {
	// Subject are the tags, all of which the containers carry whose surroundings matter. At least one.
	Subject []string `json:"subject"`
	// Target are the tags, all of which the others carry that are counted. At least one.
	Target []string `json:"target"`
	// Least and Most bound the number of others, 0 <= Least <= Most; Unlimited is no upper bound.
	Least int `json:"least"`
	Most  int `json:"most"`
	// Group is where they are counted: Node, or the name of a group of nodes.
	Group string `json:"group"`
	// Weight is the cost of one container missing or too many, for one container of the subject, in units of node value. Positive.
	Weight float64 `json:"weight"`
}

// Validate reports the first field that is out of range.
func (c Constraint) Validate() error {
	if err := validTags("subject", c.Subject); err != nil {
		return err
	}
	if err := validTags("target", c.Target); err != nil {
		return err
	}
	switch {
	case c.Least < 0 || c.Least > maxCount:
		return fmt.Errorf("least is %d, expected 0 to %d", c.Least, maxCount)
	case c.Most < c.Least || c.Most > maxCount && c.Most != Unlimited:
		return fmt.Errorf("most is %d, expected %d (least) to %d, or inf", c.Most, c.Least, maxCount)
	case c.Least == 0 && c.Most == Unlimited:
		return errors.New("0 to inf holds always: give a least or a most")
	case !isTag(c.Group):
		return fmt.Errorf("node group %q, expected %q or the name of a group of nodes", c.Group, Node)
	case !(c.Weight > 0 && c.Weight <= maxWeight):
		return fmt.Errorf("weight is %v, expected above 0 and at most %d", c.Weight, maxWeight)
	}
	return nil
}

func validTags(field string, tags []string) error {
	if len(tags) == 0 || len(tags) > maxTags {
		return fmt.Errorf("%s has %d tags, expected 1 to %d", field, len(tags), maxTags)
	}
	for i, tag := range tags {
		if !isTag(tag) {
			return fmt.Errorf("%s: %q is no tag, expected letters, digits and -_./:= and at most %d of them", field, tag, maxTagLength)
		}
		if slices.Contains(tags[:i], tag) {
			return fmt.Errorf("%s: tag %q stands twice", field, tag)
		}
	}
	return nil
}

func isTag(text string) bool {
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_./:=", r):
		default:
			return false
		}
	}
	return text != "" && len(text) <= maxTagLength
}

// String is the constraint in the language of the package; Parse reads it back.
func (c Constraint) String() string {
	most := "inf"
	if c.Most != Unlimited {
		most = strconv.Itoa(c.Most)
	}
	text := fmt.Sprintf("{%s, {%s, %d, %s}, %s}", strings.Join(c.Subject, " & "), strings.Join(c.Target, " & "), c.Least, most, c.Group)
	if c.Weight != 1 {
		text += " " + strconv.FormatFloat(c.Weight, 'g', -1, 64)
	}
	return text
}
