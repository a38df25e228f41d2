package isolationfaults_test

import (
	"errors"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/placement/groups"
	"github.com/ballast-k8s/ballast/plugins/node/placement/roster"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
)

// agent does what ballast-node does to a tree in one round: plan, carry out, and put containers where they belong.
type agent struct {
	sweeper groups.Sweeper
}

// round reports why the wish could not be planned or carried out; what could not be placed is for the next round.
func (a *agent) round(tree resctrl.Tree, w *world, j *judge) error {
	found, err := resctrl.Read(tree)
	if err != nil {
		return err
	}
	plan, err := partition.New(found.Capacity, found.State, w.wish, false)
	j.trace = append(j.trace, err, plan)
	if err == nil && len(plan.Operations) > 0 {
		for _, n := range plan.Notes {
			if strings.Contains(n, "change places") {
				j.swapping += n + "\n"
			}
		}
		err = resctrl.Apply(tree, plan)
	}
	j.trace = append(j.trace, err)
	if now, readErr := resctrl.Read(tree); readErr == nil {
		found = now
	}
	return errors.Join(err, a.sweep(tree, w, found, err == nil))
}

// sweep is a round of package placement. Where the wish is not in force, groups may have other ways than those that it gives them, or are
// just made and have all: then only containers of the default group are placed, which may use all ways anyway.
func (a *agent) sweep(tree resctrl.Tree, w *world, found resctrl.Inventory, inForce bool) error {
	look, err := groups.See(tree)
	if err != nil {
		return err
	}
	for _, c := range w.containers {
		control := c.group()
		if g, ok := found.State.Group(control); !ok || !schemata.Owned(g.Name) {
			continue
		}
		if !inForce && slices.ContainsFunc(c.tids, func(tid int) bool { return look.Spot(tid).Control != schemata.DefaultGroup }) {
			continue
		}
		monitor := groups.Container{ID: c.id, Control: control, Threads: c.list}
		if m := found.Capacity.Monitoring; m != nil {
			monitor.Monitor = true
			monitor.Allowed = roster.Budget(m.RMIDs, look.Groups) > 0
		}
		if _, err := look.Place(tree, monitor); err != nil {
			w.unplaced++
		}
	}
	_, err = a.sweeper.Sweep(tree, look, func(folder, id string) bool {
		for _, c := range w.containers {
			if c.id == id {
				return c.group() == "" || c.group() == folder
			}
		}
		return false
	})
	if err != nil {
		w.unplaced++
	}
	return nil
}

// errDead is what a dead agent's calls come to.
var errDead = errors.New("the agent is dead")

// mortal is the tree of an agent that dies at the operation that changes something after so many: before or after it takes effect.
type mortal struct {
	resctrl.Tree

	left  int // operations until death; less than 0: none
	after bool
	done  int
	dead  bool
}

func (m *mortal) change(act func() error) error {
	if m.dead {
		return errDead
	}
	if m.left == 0 {
		m.dead = true
		if m.after {
			_ = act() // nobody hears the answer
		}
		return errDead
	}
	m.left--
	m.done++
	return act()
}

func (m *mortal) WriteFile(name string, data []byte) error {
	return m.change(func() error { return m.Tree.WriteFile(name, data) })
}

func (m *mortal) Mkdir(name string) error {
	return m.change(func() error { return m.Tree.Mkdir(name) })
}

func (m *mortal) Remove(name string) error {
	return m.change(func() error { return m.Tree.Remove(name) })
}

func (m *mortal) Rename(from, to string) error {
	return m.change(func() error { return m.Tree.Rename(from, to) })
}

func (m *mortal) ReadFile(name string) ([]byte, error) {
	if m.dead {
		return nil, errDead
	}
	return m.Tree.ReadFile(name)
}

func (m *mortal) ReadDir(name string) ([]string, error) {
	if m.dead {
		return nil, errDead
	}
	return m.Tree.ReadDir(name)
}
