package node

import (
	"fmt"
	"io"
	"strings"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
	"github.com/ballast-k8s/ballast/plugins/node/partition"
)

// planDocument is a plan as JSON.
type planDocument struct {
	// Operations are the steps in order; none: the machine is divided as wanted.
	Operations []planOperation `json:"operations"`
	// Classes is how many control groups the machine tells apart, ClassesInUse how many there are after the plan.
	Classes      int `json:"classes"`
	ClassesInUse int `json:"classesInUse"`
	// Notes are what an operator should know.
	Notes []string `json:"notes"`
}

// planOperation is one step. The default group is called ".".
type planOperation struct {
	// Action is create, write, move or remove.
	Action string `json:"action"`
	Group  string `json:"group"`
	// Schemata are the lines that a write sets.
	Schemata []string `json:"schemata,omitempty"`
	// To is the group that a move brings the threads to, Threads how many there were when the plan was made.
	To      string `json:"to,omitempty"`
	Threads int    `json:"threads,omitempty"`
	// Monitors are the monitor groups that go with a group that is removed.
	Monitors []string `json:"monitors,omitempty"`
}

// printPlan shows a plan before it is carried out. As text it begins with what it does not bring about; empty: nothing.
func printPlan(w io.Writer, format cli.Format, p partition.Plan, lacks string) error {
	if format.String() != "json" {
		text := p.String()
		if lacks != "" { // so that there is something left to do
			text = lacks + ".\n" + strings.TrimPrefix(text, partition.Nothing)
		}
		_, err := fmt.Fprint(w, text)
		return err
	}
	doc := planDocument{
		Operations: []planOperation{}, Classes: p.Capacity.Classes(), ClassesInUse: len(p.After.Groups), Notes: append([]string{}, p.Notes...),
	}
	for i, o := range p.Operations {
		step := planOperation{Action: o.Action.String(), Group: o.Group, To: o.To}
		before, _ := p.StateAfter(i).Group(o.Group)
		switch o.Action {
		case partition.Write:
			step.Schemata = o.Values.Lines(p.Capacity)
		case partition.Move:
			step.Threads = before.Tasks
		case partition.Remove:
			step.Monitors = before.Monitors
		case partition.Create:
		}
		doc.Operations = append(doc.Operations, step)
	}
	return cli.JSON(w, doc)
}
