// Package plan decides where pods that wait together go, all at once.
//
// It takes nodes as they are and pods by kind, groups the nodes that cannot be told apart, and lets the configuration LP
// (plugins/jointplacement/configlp) find the placement that gains most under the interference model. What it returns is data: a
// node for every pod, what the whole is predicted to gain, what no placement can gain more than, and a sentence that says so.
//
// The gain of a node is V(present + new) - V(present), V the sum of predicted performances (predictor/interference), as in the
// scores of plugins/interferencefit: what the new pods achieve there less what they take from the pods that are there already, or
// plus what they give them. Load of no known class presses on the new pods and changes nothing else. Where a node may be in more than one
// setting, the least gain under their models counts. What soft constraints (package constraints) cost there is taken off.
package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/ballast-k8s/ballast/plugins/jointplacement/configlp"
	"github.com/ballast-k8s/ballast/plugins/jointplacement/constraints"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Node is a node that pods may go to.
type Node struct {
	// Name is unique. Where nodes cannot be told apart, the order of names decides.
	Name string
	// Free is what the node has left of each resource, aligned with Kind.Size; negative where it is overcommitted.
	Free []int64
	// Present is what runs there, or is promised the room already. Load of no known class is of class interference.Unknown.
	Present interference.Mix
	// Profiles is how many pods of each profile of Input.Constraints run there; nil for none.
	Profiles []int
	// Models are the models of the settings that the node may be in (machine shape and partitions): its gain is the least under any of them.
	// None means Input.Model. Nodes with equal Setting have equal Models.
	Models  []*interference.Model
	Setting string
	// Allowed says by kind whether its pods may go there for all that resources do not say (selectors, affinity, taints). Nil means all.
	Allowed []bool
}

// Kind is pods that cannot be told apart: of one class, one size, and the same constraints.
type Kind struct {
	// Class is an index into Model.Classes.
	Class int
	// Profile is what the soft constraints see in the pods: the index of their tags in what Input.Constraints was compiled for.
	Profile int
	// Size is what one pod requests of each resource, not negative. At least one resource is more than 0, such as the place of one pod:
	// else no node would ever be full.
	Size []int64
	// Pods are unique names. They get their nodes in this order.
	Pods []string
}

// Input is what is decided on.
type Input struct {
	// Model is that of nodes that have none of their own; theirs are of the same classes.
	Model *interference.Model
	Kinds []Kind
	Nodes []Node
	// Constraints are soft: what they cost is taken off the gain, in the same unit. Those on groups of nodes other than constraints.Node don't
	// count. Nil means none.
	Constraints *constraints.Set
}

// Placement is the node of one pod.
type Placement struct {
	Pod, Node string
	// Predicted is the pod's performance there once all is placed as planned, 1 = alone on the node.
	Predicted float64
}

// Broken is what one constraint costs on all nodes with new pods together.
type Broken struct {
	// Constraint is its text.
	Constraint string
	Cost       float64
}

// Plan is where pods go.
type Plan struct {
	// Placements are by kind and pod in the order of the input, Unplaced the pods that found no room.
	Placements []Placement
	Unplaced   []string
	// Gain is the sum over nodes of V(present + new) - V(present), in containers' worth of alone-performance, less Cost. No placement of the
	// same pods gains more than Bound, under the model; it is +Inf where none is known.
	Gain, Bound float64
	// Cost is what the placement costs more under the soft constraints; below 0 where it mends what was broken. Broken are those that the
	// nodes with new pods do not keep, the costliest first.
	Cost   float64
	Broken []Broken
	// Proven is whether Bound is the optimum of the configuration LP, to which every pattern of pods was compared. Else it is loose, as in
	// clusters where hundreds of nodes all differ: it says nothing of how good the plan is.
	Proven bool
	// Groups is the number of groups of nodes, Patterns that of patterns that were valued.
	Groups, Patterns int
}

// Solver is configlp.Solve or what stands for it.
type Solver func(configlp.Problem, configlp.Options) (*configlp.Plan, error)

// Make plans with the configuration LP. Equal inputs give equal plans, and the order of nodes makes no difference. Placing as many pods
// as there is room for comes before what is gained.
func Make(in Input) (*Plan, error) { return With(configlp.Solve, in) }

// With plans with another solver.
func With(solve Solver, in Input) (*Plan, error) {
	if err := in.validate(); err != nil {
		return nil, fmt.Errorf("planning pods: %w", err)
	}
	in.Nodes = slices.Clone(in.Nodes)
	slices.SortFunc(in.Nodes, func(a, b Node) int { return cmp.Compare(a.Name, b.Name) })
	groups := grouped(in)
	problem := configlp.Problem{}
	for _, k := range in.Kinds {
		problem.Items = append(problem.Items, configlp.Item{Count: len(k.Pods), Size: k.Size})
	}
	for _, g := range groups {
		problem.Groups = append(problem.Groups, configlp.Group{
			Nodes: len(g.nodes), Free: g.free, Allowed: g.allowed, Value: g.worth.gain, Upper: g.worth.upper(),
		})
	}
	if len(groups) == 0 { // no node takes any of the pods
		return &Plan{Unplaced: everyPod(in.Kinds), Proven: true}, nil
	}
	solved, err := solve(problem, configlp.Options{})
	if err != nil {
		return nil, fmt.Errorf("planning pods: %w", err)
	}
	return assign(in, groups, solved)
}

// validate checks what the types cannot say.
func (in *Input) validate() error {
	if in.Model == nil {
		return fmt.Errorf("model is nil, expected an interference model")
	}
	resources := -1
	for i, k := range in.Kinds {
		if resources < 0 {
			resources = len(k.Size)
		}
		switch {
		case k.Class < 0 || k.Class >= len(in.Model.Classes()):
			return fmt.Errorf("kinds[%d].class is %d, expected an index of the model's %d classes", i, k.Class, len(in.Model.Classes()))
		case in.Constraints != nil && (k.Profile < 0 || k.Profile >= in.Constraints.Classes()):
			return fmt.Errorf("kinds[%d].profile is %d, expected an index of the constraints' %d profiles", i, k.Profile, in.Constraints.Classes())
		case len(k.Size) != resources:
			return fmt.Errorf("kinds[%d].size has %d resources, expected %d as in kinds[0]", i, len(k.Size), resources)
		case slices.Min(append([]int64{0}, k.Size...)) < 0 || slices.Max(append([]int64{0}, k.Size...)) == 0:
			return fmt.Errorf("kinds[%d].size is %v, expected numbers of 0 or more with one above 0", i, k.Size)
		}
	}
	for i := range in.Nodes {
		if err := in.validateNode(&in.Nodes[i], resources); err != nil {
			return fmt.Errorf("node %s: %w", in.Nodes[i].Name, err)
		}
	}
	return nil
}

// validateNode checks a node where kinds have so many resources, -1 for no kinds.
func (in *Input) validateNode(n *Node, resources int) error {
	classes := len(in.Model.Document().Classes)
	switch {
	case resources >= 0 && len(n.Free) != resources:
		return fmt.Errorf("free has %d resources, expected %d as in kinds[0].size", len(n.Free), resources)
	case slices.ContainsFunc(n.Models, func(m *interference.Model) bool { return len(m.Document().Classes) != classes }):
		return fmt.Errorf("a model has other classes than the input's, expected the same in every setting")
	case in.Constraints != nil && n.Profiles != nil && len(n.Profiles) != in.Constraints.Classes():
		return fmt.Errorf("profiles has %d entries, expected one for each of the constraints' %d, or none", len(n.Profiles), in.Constraints.Classes())
	case n.Allowed != nil && len(n.Allowed) != len(in.Kinds):
		return fmt.Errorf("allowed has %d entries, expected one for each of %d kinds, or none", len(n.Allowed), len(in.Kinds))
	}
	return nil
}

// assign gives the pods of the solver's patterns to nodes by name.
func assign(in Input, groups []*group, solved *configlp.Plan) (*Plan, error) {
	p := &Plan{Gain: solved.Value, Bound: solved.Bound, Proven: solved.Proven, Groups: len(groups), Patterns: solved.Columns}
	broken := map[int]float64{}
	next := make([]int, len(in.Kinds)) // pods of each kind that have a node
	placements := make([][]Placement, len(in.Kinds))
	for g, assignments := range solved.Groups {
		at := 0
		for _, a := range assignments {
			if at+a.Nodes > len(groups[g].nodes) {
				return nil, fmt.Errorf("planning pods: the solver used %d of %d nodes of a group", at+a.Nodes, len(groups[g].nodes))
			}
			performance := groups[g].worth.performance(a.Counts)
			p.Cost += float64(a.Nodes) * groups[g].worth.extra(a.Counts)
			groups[g].worth.broken(a, broken)
			for _, name := range groups[g].nodes[at : at+a.Nodes] {
				for k, n := range a.Counts {
					if n > len(in.Kinds[k].Pods)-next[k] {
						return nil, fmt.Errorf("planning pods: the solver placed more than %d pods of kinds[%d]", len(in.Kinds[k].Pods), k)
					}
					for range n {
						placements[k] = append(placements[k], Placement{Pod: in.Kinds[k].Pods[next[k]], Node: name, Predicted: performance[k]})
						next[k]++
					}
				}
			}
			at += a.Nodes
		}
	}
	for k := range in.Kinds {
		p.Placements = append(p.Placements, placements[k]...)
		p.Unplaced = append(p.Unplaced, in.Kinds[k].Pods[next[k]:]...)
	}
	for c, cost := range broken {
		p.Broken = append(p.Broken, Broken{in.Constraints.At(c).String(), cost})
	}
	slices.SortFunc(p.Broken, func(a, b Broken) int {
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(a.Constraint, b.Constraint))
	})
	return p, nil
}

func everyPod(kinds []Kind) []string {
	var pods []string
	for _, k := range kinds {
		pods = append(pods, k.Pods...)
	}
	return pods
}

// provenGap is how far below a proven bound a gain may lie by rounding.
const provenGap = 1e-6

// Gap is how far the plan may be from the best, as a fraction of the bound; +Inf where no bound is known.
func (p *Plan) Gap() float64 {
	switch {
	case math.IsInf(p.Bound, 1):
		return math.Inf(1)
	case p.Bound <= p.Gain || p.Bound == 0:
		return 0
	}
	return (p.Bound - p.Gain) / math.Abs(p.Bound)
}

// Optimal reports whether no placement of the same pods is better under the model.
func (p *Plan) Optimal() bool { return p.Proven && p.Gap() <= provenGap }

// Sentence says what the plan is worth: per pod, with what neighbours lose taken off.
func (p *Plan) Sentence() string {
	n := len(p.Placements)
	if n == 0 {
		return "no pod found room"
	}
	mean := fmt.Sprintf("predicted mean performance %.3f", (p.Gain+p.Cost)/float64(n))
	if math.Abs(p.Cost) >= 0.0005*float64(n) {
		mean += fmt.Sprintf(" less %.3f for soft constraints", p.Cost/float64(n))
	}
	if len(p.Unplaced) > 0 {
		mean += fmt.Sprintf(", no room for %d more", len(p.Unplaced))
	}
	switch {
	case p.Optimal():
		return mean + " (optimal under the model)"
	case math.IsInf(p.Bound, 1):
		return mean + " (no bound is known)"
	case !p.Proven:
		return mean + fmt.Sprintf(" (not proven: the bound of %.3f is a loose one)", p.Bound/float64(n))
	}
	return mean + fmt.Sprintf(", bound %.3f (gap %.1f %%)", p.Bound/float64(n), 100*p.Gap())
}
