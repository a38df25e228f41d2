package isolationfaults_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/ballast-k8s/ballast/plugins/node/partition"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
)

// world is a machine with its containers and with others who use its groups. It acts on the emulator; the agent has a tree of its own.
type world struct {
	spec       resctrlfs.Spec
	tree       *resctrlfs.Tree
	forAgent   resctrl.Tree
	random     *rand.Rand
	wish       []partition.Partition
	containers []*container
	unplugged  map[int]bool // by place in the list of caches
	last       int          // thread id
	made       int          // foreign groups so far

	interfere func(j *judge, op faults.Op, name string)

	// What happened, to show that the campaign is one.
	judged, swaps, unplaced, refused, killed, meddled int
}

// container is a container: its threads, and its partition, empty for none. control is the folder of its group, empty where the wish has none.
type container struct {
	id, partition, control string
	tids                   []int
}

func (c *container) group() string { return c.control }

// list is what the container's cgroup tells.
func (c *container) list() ([]int, error) {
	if len(c.tids) == 0 {
		return nil, fs.ErrNotExist // it has ended, and its cgroup is gone
	}
	return slices.Clone(c.tids), nil
}

// newWorld boots a machine with some threads of its own, which stay in the default group.
func newWorld(t *testing.T, p preset, seed uint64) *world {
	t.Helper()
	w := &world{spec: p.spec(), random: rand.New(rand.NewPCG(seed, 7)), unplugged: map[int]bool{}}
	var err error
	if w.tree, err = resctrlfs.New(w.spec); err != nil {
		t.Fatal(err)
	}
	w.forAgent = w.tree
	for range 3 {
		w.fork(0)
	}
	w.setWish(randomWish(&w.spec, w.random))
	for range 5 {
		w.start()
	}
	return w
}

// must is for what the world does, which the emulator has to take.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("the test's own world: %v", err))
	}
}

func (w *world) fork(parent int) int {
	w.last++
	must(w.tree.Fork(parent, resctrlfs.Task{TID: w.last, TGID: w.last}))
	return w.last
}

// setWish changes the wish; containers of partitions that it does not have belong nowhere.
func (w *world) setWish(wish []partition.Partition) {
	w.wish = wish
	for _, c := range w.containers {
		w.assign(c)
	}
}

func (w *world) assign(c *container) {
	c.control = ""
	if slices.ContainsFunc(w.wish, func(p partition.Partition) bool { return p.Name == c.partition }) {
		c.control = "ballast-" + c.partition
	}
}

func (w *world) owner(tid int) *container {
	for _, c := range w.containers {
		if slices.Contains(c.tids, tid) {
			return c
		}
	}
	return nil
}

// start is a new container: in the default group, in its own where there is one, or in a wrong one.
func (w *world) start() {
	c := &container{id: fmt.Sprintf("%064x", w.last+1), partition: w.partition(), tids: []int{w.fork(0)}}
	w.assign(c)
	w.containers = append(w.containers, c)
	switch folder := w.someGroup(); {
	case w.random.IntN(2) == 0: // the default group
	case w.random.IntN(2) == 0 && w.is(c.control):
		w.put(c.tids[0], c.control)
	case folder != "":
		w.put(c.tids[0], folder)
	}
	for range w.random.IntN(3) {
		c.tids = append(c.tids, w.fork(c.tids[0]))
	}
}

func (w *world) partition() string {
	if w.random.IntN(6) == 0 {
		return ""
	}
	return w.wish[w.random.IntN(len(w.wish))].Name
}

// end is the end of a container. Its monitor group stays, as it does where the runtime does not find it.
func (w *world) end(c *container) {
	for _, tid := range c.tids {
		must(w.tree.Exit(tid))
	}
	c.tids = nil
	w.containers = slices.DeleteFunc(slices.Clone(w.containers), func(o *container) bool { return o == c })
}

// is says whether there is a control group of that name.
func (w *world) is(group string) bool {
	return group != "" && slices.Contains(w.folders(func(string) bool { return true }), group)
}

// folders are the control groups but the default one that are of a kind, sorted.
func (w *world) folders(kind func(string) bool) []string {
	all, err := w.tree.ReadDir(".")
	must(err)
	var out []string
	for _, f := range all {
		name, is := strings.CutSuffix(f, "/")
		if is && !slices.Contains([]string{"info", "mon_data", "mon_groups"}, name) && kind(name) {
			out = append(out, name)
		}
	}
	return out
}

// someGroup is a control group of ours or, more rarely, of others; empty where there is none. In a round it is none of others: what comes
// there after the agent has listed the threads of groups of others, it takes away, which is known.
func (w *world) someGroup() string {
	return w.pick(w.folders(func(name string) bool { return ours(name) || w.interfere == nil && w.random.IntN(4) == 0 }))
}

func (w *world) pick(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[w.random.IntN(len(list))]
}

func (w *world) put(tid int, folder string) {
	must(w.tree.WriteFile(path.Join(folder, "tasks"), fmt.Appendf(nil, "%d\n", tid)))
}

// someThread is a thread of a container, 0 where there is none.
func (w *world) someThread() (*container, int) {
	if len(w.containers) == 0 {
		return nil, 0
	}
	c := w.containers[w.random.IntN(len(w.containers))]
	return c, c.tids[w.random.IntN(len(c.tids))]
}
