package isolationfaults_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/plugins/node/placement/roster"
	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
)

// churn is what containers and runtimes do between two rounds, and in them. It changes no group's values.
func (w *world) churn() {
	c, tid := w.someThread()
	switch w.random.IntN(7) {
	case 0:
		if len(w.containers) < 10 {
			w.start()
		}
	case 1:
		if c != nil && len(w.containers) > 4 {
			w.end(c)
		}
	case 2, 3:
		if c != nil && len(c.tids) < 6 {
			c.tids = append(c.tids, w.fork(tid))
		}
	case 4:
		w.exit()
	case 5: // what a runtime does for a process that it starts later
		if c != nil && w.is(c.control) && len(c.tids) < 6 {
			child := w.fork(0)
			c.tids = append(c.tids, child)
			w.put(child, c.control)
		}
	case 6:
		w.monitor(c)
	}
}

// exit ends one thread of a container that has more.
func (w *world) exit() {
	c, tid := w.someThread()
	if c == nil || len(c.tids) == 1 {
		return
	}
	must(w.tree.Exit(tid))
	c.tids = slices.DeleteFunc(c.tids, func(o int) bool { return o == tid })
}

// monitor is a runtime that makes the container's monitor group.
func (w *world) monitor(c *container) {
	if c == nil || !w.is(c.control) || roster.Budget(w.spec.Monitoring.NumRMIDs, w.rmids()) == 0 {
		return
	}
	folder := path.Join(c.control, "mon_groups", c.id)
	if w.tree.Mkdir(folder) != nil { // there already, or ids are held back
		return
	}
	for _, tid := range c.tids {
		w.put(tid, c.control)
		w.put(tid, folder)
	}
}

// rmids counts the groups that hold a monitoring id, without the default one.
func (w *world) rmids() int {
	s, n := w.mustTake(), -1
	for _, g := range s.groups {
		n += 1 + len(g.monitors)
	}
	return n
}

// others is what another manager does with its own groups: it makes one, changes it, puts threads there, or removes it.
func (w *world) others() {
	theirs := w.folders(func(name string) bool { return !ours(name) })
	one := w.pick(theirs)
	switch w.random.IntN(4) {
	case 0:
		w.made++
		one = fmt.Sprintf("other-%d", w.made)
		if w.tree.Mkdir(one) != nil { // out of classes
			return
		}
		w.put(w.fork(0), one)
		_ = w.tree.Mkdir(path.Join(one, "mon_groups", "m")) // if there is an id left
		w.values(one)
	case 1:
		if one != "" {
			must(w.tree.Remove(one))
		}
	case 2:
		if one != "" {
			w.values(one)
		}
	case 3:
		if one != "" {
			w.put(w.fork(0), one)
		}
	}
}

// values gives a group other ways and, where there is some, bandwidth.
func (w *world) values(group string) {
	least := max(1, w.spec.L3.MinCBMBits)
	from := w.random.IntN(w.spec.L3.Ways - least)
	to := from + least + w.random.IntN(w.spec.L3.Ways-from-least+1)
	online := w.online()
	id := online[w.random.IntN(len(online))]
	var b strings.Builder
	for _, line := range lines(&w.spec) {
		fmt.Fprintf(&b, "%s:%d=%x\n", line, id, uint32(1)<<to-uint32(1)<<from)
	}
	if w.spec.MB != nil {
		fmt.Fprintf(&b, "MB:%d=%d\n", id, w.spec.MB.Min+uint32(w.random.IntN(5))*10)
	}
	must(w.tree.WriteFile(path.Join(group, "schemata"), []byte(b.String())))
}

// tamper is what hits groups of ours from outside: values changed, a reset, a removal. It returns the group.
func (w *world) tamper() string {
	group := w.pick(w.folders(ours))
	if group == "" {
		return group
	}
	switch w.random.IntN(5) {
	case 0, 1:
		w.values(group)
	case 2, 3:
		_ = w.tree.ResetGroup(group) // may be out of monitoring ids, and the group is gone then
	case 4:
		must(w.tree.Remove(group))
	}
	return group
}

// plug takes a cache away with its processors, or brings it back.
func (w *world) plug() {
	i := w.random.IntN(len(w.spec.CacheIDs))
	w.setPlugged(i, w.unplugged[i] || len(w.online()) == 1)
}

func (w *world) setPlugged(i int, on bool) {
	for cpu := 2 * i; cpu < 2*i+2; cpu++ {
		must(w.tree.SetOnline(cpu, on))
	}
	if on {
		delete(w.unplugged, i)
	} else {
		w.unplugged[i] = true
	}
}

// shortage makes classes and monitoring ids scarce, or ends that.
func (w *world) shortage() {
	switch w.random.IntN(5) {
	case 0:
		w.tree.LimitCLOSIDs(1 + w.random.IntN(classes(&w.spec)))
	case 1:
		w.tree.LimitRMIDs(1 + w.random.IntN(12))
	case 2:
		w.tree.HoldLimbo(true)
	default:
		w.plenty()
	}
}

func (w *world) plenty() {
	w.tree.LimitCLOSIDs(0)
	w.tree.LimitRMIDs(0)
	w.tree.HoldLimbo(false)
	w.tree.CheckLimbo(0)
}

// mutating are the operations that can fail and change something.
var mutating = []faults.Op{faults.Write, faults.Write, faults.Write, faults.Mkdir, faults.Rmdir, faults.Rename, faults.Read}

// breakSome makes one to three kinds of operations fail in the next round.
func (w *world) breakSome() {
	for range 1 + w.random.IntN(3) {
		op := mutating[w.random.IntN(len(mutating))]
		errnos := map[faults.Op][]syscall.Errno{
			faults.Write: {syscall.EINVAL, syscall.EIO, syscall.ENOMEM, syscall.ESRCH}, faults.Mkdir: {syscall.EBUSY, syscall.ENOSPC, syscall.EIO},
			faults.Rmdir: {syscall.EBUSY, syscall.EIO}, faults.Rename: {syscall.EPERM, syscall.EIO}, faults.Read: {syscall.EIO, syscall.ENODEV},
		}[op]
		skip := 6
		if op == faults.Read {
			skip = 60
		}
		must(w.tree.Faults().Add(faults.Fault{
			Op: op, Skip: w.random.IntN(skip), Times: 1 + w.random.IntN(3), Errno: errnos[w.random.IntN(len(errnos))],
			After: op != faults.Read && w.random.IntN(4) == 0,
		}))
	}
}

// between is what happens between two operations of the agent, now and then. Just before a group is removed nothing happens: the kernel
// removes a group with the threads that somebody puts there between the agent's look and the removal, which resctrl.Apply says.
func (w *world) between(j *judge, op faults.Op, _ string) {
	if op == faults.Rmdir || w.random.IntN(12) > 0 {
		return
	}
	w.meddled++
	switch n := w.random.IntN(20); {
	case n < 8:
		w.exit()
		j.meddle()
	case n < 15:
		w.churn()
		j.meddle()
	case n < 17:
		w.others()
		j.meddle()
	case n < 19:
		j.meddle(w.tamper())
	default:
		w.plug()
		j.meddle("")
	}
}
