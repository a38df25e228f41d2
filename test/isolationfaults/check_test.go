package isolationfaults_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/faults"
)

// judge looks at every operation of an agent that changes something, one by one: what it found is compared with what it left. What the
// world does between two operations is taken out.
type judge struct {
	w *world
	// before is the tree as the last operation found it, what the world has done since included.
	before *shot
	base   map[pair]uint32 // what groups of ours could share at the start of the round, or after what the world did since
	// tampered are groups that the world changed since the round began: the plan could not know. Empty name: all.
	tampered map[string]bool
	created  map[string]bool // groups that the agent made in this round
	carried  map[int]bool    // threads that the world put into a group since the round began: the agent has not seen them there
	swapping string          // the notes of the plan that say which groups change places
	last     string          // the operation that is not judged yet; empty: none
	problem  string
	// trace is the plan, the operations, what the world did, and the tree after each, for whoever looks for the cause.
	trace []any
}

// story is the round so far in words.
func (j *judge) story() string {
	var b strings.Builder
	for _, item := range j.trace {
		fmt.Fprintln(&b, item)
	}
	return b.String()
}

func (w *world) newRound() *judge {
	s := w.mustTake()
	j := &judge{
		w: w, before: s, base: s.sharing(w.spec.CacheIDs, false), tampered: map[string]bool{}, created: map[string]bool{},
		carried: map[int]bool{},
	}
	j.trace = append(j.trace, s)
	return j
}

// enter is called before each operation.
func (j *judge) enter(op faults.Op, name string) {
	j.settle()
	if j.problem == "" && j.w.interfere != nil {
		j.w.interfere(j, op, name)
	}
	if op == faults.Mkdir {
		j.created[name] = true
	}
	if op != faults.Read {
		j.last = fmt.Sprintf("%s %s", op, name)
	}
}

// meddle takes what the world has just done out of the account.
func (j *judge) meddle(groups ...string) {
	for _, g := range groups {
		j.tampered[g] = true
	}
	was := j.before
	j.before = j.w.mustTake()
	for tid, at := range j.before.at {
		j.carried[tid] = j.carried[tid] || was.at[tid] != at
	}
	for g := range j.created { // a roll back cannot remove it now, and brings the others' ways back all the same
		if is := j.before.groups[g]; is != nil && is.threads > was.groups[g].threads {
			j.tampered[g] = true
		}
	}
	j.trace = append(j.trace, "the world acts, on groups of ours: "+strings.Join(groups, " "), j.before)
	for p, ways := range j.before.sharing(j.w.spec.CacheIDs, false) {
		j.base[p] |= ways
	}
}

// settle judges the last operation.
func (j *judge) settle() {
	if j.last == "" {
		return
	}
	after := j.w.mustTake()
	j.trace = append(j.trace, j.last, after)
	for _, check := range []func(*shot) string{j.legal, j.foreign, j.threads, j.protected} {
		if why := check(after); why != "" && j.problem == "" {
			j.problem = fmt.Sprintf("after %s: %s\nThe round:\n%s", j.last, why, j.story())
		}
	}
	j.before, j.last = after, ""
	j.w.judged++
}

func (j *judge) legal(after *shot) string { return after.legal(&j.w.spec, j.w.online()) }

// foreign: groups of others are as they were, byte for byte, and so is the default group, in which only threads come and go.
func (j *judge) foreign(after *shot) string {
	if a, b := j.before.foreign(), after.foreign(); !slices.Equal(a, b) {
		return fmt.Sprintf("groups of others were %v and are %v", a, b)
	}
	for _, name := range append(after.foreign(), ".") {
		a, b := j.before.groups[name], after.groups[name]
		if a.schemata != b.schemata || a.mode != b.mode || a.cpus != b.cpus || !slices.Equal(slices.Sorted(maps.Keys(a.monitors)),
			slices.Sorted(maps.Keys(b.monitors))) || name != "." && (a.tasks != b.tasks || !maps.Equal(a.monitors, b.monitors)) {
			return fmt.Sprintf("group %s of somebody else was %+v and is %+v", name, *a, *b)
		}
	}
	return ""
}

// threads: no thread is moved but to where its container belongs.
func (j *judge) threads(after *shot) string {
	for tid, was := range j.before.at {
		is, there := after.at[tid]
		if !there || is == was {
			continue
		}
		c := j.w.owner(tid)
		switch {
		case c == nil:
			return fmt.Sprintf("thread %d of nobody was moved from %s to %s", tid, was, is)
		case c.group() != is:
			return fmt.Sprintf("thread %d of a container of %q was moved from %s to %s", tid, c.partition, was, is)
		}
	}
	return ""
}

// protected: groups of ours with threads in them share no ways that they did not share when the round began, unless the wish lets them.
func (j *judge) protected(after *shot) string {
	why := j.moved(after)
	for p, ways := range after.sharing(j.w.spec.CacheIDs, true) {
		fresh := ways &^ j.base[p]
		j.base[p] |= ways
		if fresh == 0 || j.may(p) || strings.HasSuffix(j.last, "/tasks") || strings.HasPrefix(j.last, string(faults.Rename)) {
			continue // where threads are moved, moved has judged
		}
		if strings.Contains(j.swapping, p.a+" and "+p.b) || strings.Contains(j.swapping, p.b+" and "+p.a) {
			j.w.swaps++
			continue
		}
		why = fmt.Sprintf("%s and %s came to share ways %x of domain %d\n%s%s", p.a, p.b, fresh, p.domain, after.groups[p.a].schemata,
			after.groups[p.b].schemata)
	}
	return why
}

// moved: a thread that comes from another group may use no ways there that it could not use before and that a third group with threads
// uses. One that comes from the default group, which may use all, does no new harm and has no protection to lose.
func (j *judge) moved(after *shot) string {
	for tid, to := range after.at {
		from, was := j.before.at[tid]
		if !was || from == to || j.carried[tid] {
			continue
		}
		for name, g := range after.groups {
			if !ours(name) || name == to || g.threads == 0 {
				continue
			}
			for _, d := range j.w.online() {
				fresh := after.groups[to].ways(d) &^ j.before.groups[from].ways(d) & g.ways(d)
				if p := (pair{min(name, to), max(name, to), d}); fresh != 0 && !j.may(p) {
					return fmt.Sprintf("thread %d came from %s to %s and so to ways %x of %s in domain %d\n%s: %s%s: %s", tid, from, to, fresh,
						name, d, to, after.groups[to].schemata, name, g.schemata)
				}
			}
		}
	}
	return ""
}

// may says whether two groups may share ways, by the wish or because the world changed one of them since the round began.
func (j *judge) may(p pair) bool {
	return mayShare(j.w.wish, p.a, p.b) || j.tampered[p.a] || j.tampered[p.b] || j.tampered[""]
}

// mustTake reads the tree, which must not fail for the test itself.
func (w *world) mustTake() *shot {
	s, err := take(w.tree)
	if err != nil {
		panic(fmt.Sprintf("the test cannot read its own tree: %v", err)) // faults were not taken away, or the emulator is wrong
	}
	return s
}

// online are the caches with a CPU.
func (w *world) online() []int {
	var out []int
	for i, id := range w.spec.CacheIDs {
		if !w.unplugged[i] {
			out = append(out, id)
		}
	}
	return out
}
