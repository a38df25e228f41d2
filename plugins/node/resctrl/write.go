package resctrl

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/ballast-k8s/ballast/plugins/node/partition/schemata"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/info"
)

// MaxWrite is the most that one write to a control file may carry (fs/kernfs/file.c, atomic_write_len, a page).
const MaxWrite = 4096

// CreateGroup makes a group, control or monitor. The kernel chooses the first values of a control group: write them at once. One for which
// no class is free is refused with [ErrNoRoom] unasked: before Linux 6.9 a failed mkdir costs a monitoring id, which then drains like that
// of a group that was there (rdtgroup.c, mkdir_rdt_prepare), so that trying again and again would use them up.
func CreateGroup(t Tree, name string) error {
	if control, monitor, ok := ControlGroup(name); ok && monitor == "" && control != "." && full(t) {
		return &Error{Operation: "mkdir", File: name, Kind: ErrNoRoom, Err: syscall.ENOSPC}
	}
	if err := t.Mkdir(name); err != nil {
		return refused(t, "mkdir", name, err)
	}
	return nil
}

// full says whether there are as many control groups as the machine tells apart. Where that cannot be read it is for the kernel to say.
func full(t Tree) bool {
	folders, err := subfolders(t, "info")
	if err != nil {
		return false
	}
	capacity, _ := info.Resources(t, folders)
	names, err := subfolders(t, ".")
	if err != nil {
		return false
	}
	groups := 1 + len(slices.DeleteFunc(names, reserved))
	classes := capacity.Classes()
	return classes > 0 && groups >= classes
}

// RemoveGroup removes a control group with its monitor groups. Threads that are still in it fall to the default group.
func RemoveGroup(t Tree, name string) error {
	if err := t.Remove(name); err != nil {
		return refused(t, "rmdir", name, err)
	}
	return nil
}

// WriteSchemata writes values of a control group, as few writes as fit into the kernel's 4096 bytes each, usually one, and reads them back.
// [ErrReadBack] means that the kernel took the values and shows others. After an [*Error] some of the values may be in force nevertheless:
// those of writes before the refused one, and limits in MiB/s, which take effect as the kernel reads them (ctrlmondata.c, parse_bw): read the
// group anew. A value that the kernel would keep as quite another is refused with [ErrInvalid] before anything is written.
func WriteSchemata(t Tree, c schemata.Capacity, group string, values schemata.Values) error {
	file := path.Join(group, "schemata")
	if err := keepable(c, values); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, text := range writes(values, c) {
		if err := t.WriteFile(file, []byte(text)); err != nil {
			return refused(t, "write", file, err)
		}
	}
	return readBack(t, c, file, values)
}

// keepable refuses values that are rounded beyond 32 bits, see [schemata.Bandwidth.Unlimited].
func keepable(c schemata.Capacity, values schemata.Values) error {
	for _, r := range c.Resources {
		if r.Bandwidth == nil {
			continue
		}
		for d, v := range values[r.Name] {
			if v > r.Bandwidth.Unlimited() && v <= r.Bandwidth.Max {
				return fmt.Errorf("%w: %s of domain %d: %w", ErrInvalid, r.Name, d, r.Check(d, v))
			}
		}
	}
	return nil
}

// writes splits values into texts for single writes, of which each has at most one line of a resource.
func writes(values schemata.Values, c schemata.Capacity) []string {
	const most = 128 // domains in a line: at most 128 x 22 characters
	var out []string
	var b strings.Builder
	for _, r := range c.Resources {
		domains := slices.DeleteFunc(slices.Clone(r.Domains), func(d int) bool { _, ok := values.Value(r.Name, d); return !ok })
		for i, part := range slices.Collect(slices.Chunk(domains, most)) {
			piece := schemata.Values{}
			for _, d := range part {
				piece.Set(r.Name, d, values[r.Name][d])
			}
			l := piece.Lines(c)[0] + "\n"
			if i > 0 || b.Len()+len(l) > MaxWrite {
				out = append(out, b.String())
				b.Reset()
			}
			b.WriteString(l)
		}
	}
	if b.Len() > 0 {
		out = append(out, b.String())
	}
	return out
}

// readBack compares what the kernel shows with what was written.
func readBack(t Tree, c schemata.Capacity, file string, values schemata.Values) error {
	content, err := t.ReadFile(file)
	if err != nil {
		return refused(t, "read", file, err)
	}
	lines, err := schemata.ParseLines(string(content))
	if err != nil {
		return fmt.Errorf("read back %s: %w", file, err)
	}
	have := schemata.Values{}
	for _, l := range lines {
		r, ok := c.Resource(l.Resource)
		if !ok {
			continue
		}
		for i, d := range l.Domains {
			if v, err := r.Parse(l.Values[i]); err == nil {
				have.Set(l.Resource, d, v)
			}
		}
	}
	group := path.Dir(file)
	different := schemata.Difference(
		schemata.State{Groups: []schemata.Group{{Name: group, Schemata: values}}},
		schemata.State{Groups: []schemata.Group{{Name: group, Schemata: have}}})
	if len(different) > 0 {
		return fmt.Errorf("%w: %s", ErrReadBack, strings.Join(different, "; "))
	}
	return nil
}

// Tasks are the thread ids in a group, control or monitor; those of a control group include those of its monitor groups.
func Tasks(t Tree, group string) ([]int, error) {
	file := path.Join(group, "tasks")
	text, err := t.ReadFile(file)
	if err != nil {
		return nil, err
	}
	ids, err := ParseTasks(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return ids, nil
}

// AddTasks moves threads into a group, one write for each, as older kernels take no more. A thread that has ended meanwhile is no error.
// It returns how many were moved, and the errors of the others.
func AddTasks(t Tree, group string, ids []int) (int, error) {
	file := path.Join(group, "tasks")
	moved := 0
	var errs []error
	for _, id := range ids {
		err := t.WriteFile(file, []byte(strconv.Itoa(id)+"\n"))
		switch {
		case err == nil:
			moved++
		case errors.Is(err, syscall.ESRCH):
		case gone(err):
			return moved, refused(t, "write", file, err)
		case len(errs) < 8: // enough to see what is wrong
			errs = append(errs, fmt.Errorf("thread %d: %w", id, refused(t, "write", file, err)))
		}
	}
	return moved, errors.Join(errs...)
}

// ParseTasks reads thread ids separated by white space or commas.
func ParseTasks(text []byte) ([]int, error) {
	var ids []int
	for field := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		id, err := strconv.ParseUint(field, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%s is not a thread id", strconv.Quote(field[:min(len(field), 20)]))
		}
		ids = append(ids, int(id))
	}
	return ids, nil
}

// maxPasses bounds how often the threads of a group are listed anew: those that are moved may make others meanwhile.
const maxPasses = 5

// MoveTasks moves all threads of one control group to another, listing them anew until none is left. What is left after five passes is an
// error.
func MoveTasks(t Tree, from, to string) error {
	var last error
	for range maxPasses {
		ids, err := Tasks(t, from)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			return nil
		}
		_, last = AddTasks(t, to, ids)
	}
	ids, err := Tasks(t, from)
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		return fmt.Errorf("%d threads are still in %s after %d passes: %w", len(ids), from, maxPasses,
			errors.Join(errors.New("new ones came as fast as they were moved, or they may not be moved"), last))
	}
	return nil
}
