package nri_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/placement/groups"
)

// spot reads from the tree where a thread is, as the kernel's /proc/<thread>/cpu_resctrl_groups says it.
func (m *machine) spot(tid int) (groups.Spot, bool) {
	text, err := m.Groups(tid)
	if err != nil {
		return groups.Spot{}, false
	}
	var s groups.Spot
	for line := range strings.Lines(text) {
		if control, ok := strings.CutPrefix(strings.TrimSpace(line), "res:"); ok {
			if s.Control = strings.Trim(control, "/"); s.Control == "" {
				s.Control = "."
			}
		}
	}
	return s, true
}

// TestTakenMeanwhile: another manager takes a container's threads in the instant in which one of them is moved into our group, all together
// or one before each of our writes. All end in the other manager's group, whether or not the kernel says where a thread is.
func TestTakenMeanwhile(t *testing.T) {
	for name, known := range map[string]bool{"the kernel tells where a thread is": true, "an old kernel": false} {
		for _, c := range []struct {
			name string
			// settled are in our group before, strays are not; with each of our writes so many of all are taken, once for so many writes.
			settled, strays, taken, writes int
		}{
			{"all at the first write of four", 0, 4, 4, 1},
			{"all at the only write", 3, 1, 4, 1},
			{"the other one thread ahead of us", 0, 4, 2, 2},
		} {
			t.Run(name+", "+c.name, func(t *testing.T) {
				m := newMachine(t, 32)
				container := m.container(id(1), batchGroup, true)
				if known {
					container.Spot = m.spot
				}
				for range c.settled {
					m.fork(id(1), 0)
				}
				if _, err := m.look().Place(m, container); err != nil {
					t.Fatal(err)
				}
				for range c.strays {
					m.fork(id(1), 0)
				}
				all, begun, at := m.cgroups[id(1)], 0, 0
				m.before = func(file, _ string) {
					if file == foreignGroup+"/tasks" {
						return
					}
					if begun++; begun > c.writes {
						return
					}
					for range c.taken {
						if err := m.Tree.WriteFile(foreignGroup+"/tasks", fmt.Append(nil, all[at])); err != nil {
							t.Fatal(err)
						}
						at++
					}
				}
				o, err := m.look().Place(m, container)
				if err != nil || o.Foreign != foreignGroup || o.Moved != 0 {
					t.Errorf("%+v, %v", o, err)
				}
				for at < len(all) { // the other manager goes on
					if err := m.Tree.WriteFile(foreignGroup+"/tasks", fmt.Append(nil, all[at])); err != nil {
						t.Fatal(err)
					}
					at++
				}
				m.wantAll(id(1), foreignGroup, "")
			})
		}
	}
}
