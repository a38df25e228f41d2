package meter

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ballast-k8s/ballast/plugins/node/resctrl"
	"github.com/ballast-k8s/ballast/plugins/node/resctrl/directory"
)

// Files reads the counters of a mounted tree like [resctrl.ReadCounters], and keeps the files open from reading to reading: a hundred containers
// have hundreds of them, and to find and open one takes the kernel ten times as long as to read it anew. A file that is replaced by another of
// its name is not noticed, which does not happen on resctrl: groups come and go as a whole. It is not for use by several goroutines at a time.
type Files struct {
	folder string
	tree   *directory.Tree
	room   int // how many more files may be kept open
	groups map[string]*group
	buffer [64]byte
}

// group are the open files of a group. A group for which there was no room has none.
type group struct {
	data    int // the folder mon_data
	domains []files
	files   int
}

// files are those of one domain: occupancy, total, local; -1 where there is none.
type files struct {
	id     int
	folder string // below mon_data
	of     [3]int
}

var counterNames = [3]string{"llc_occupancy", "mbm_total_bytes", "mbm_local_bytes"}

// OpenFiles opens a mounted tree. At most so many files are kept open; groups for which there is no room are read file by file.
func OpenFiles(folder string, most int) (*Files, error) {
	tree, err := directory.Open(folder)
	if err != nil {
		return nil, err
	}
	return &Files{folder: folder, tree: tree, room: most, groups: map[string]*group{}}, nil
}

// Close closes all files.
func (f *Files) Close() error {
	errs := []error{f.tree.Close()}
	for name := range f.groups {
		errs = append(errs, f.drop(name))
	}
	return errors.Join(errs...)
}

// Read reads the counters of all groups, by group and domain. A group that goes away meanwhile is left out.
func (f *Files) Read() ([]resctrl.Counters, error) {
	names, err := resctrl.Folders(f.tree)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(names))
	for _, n := range names {
		there[n] = true
	}
	var errs []error
	for name := range f.groups {
		if !there[name] {
			errs = append(errs, f.drop(name))
		}
	}
	var out []resctrl.Counters
	for _, name := range names {
		list, err := f.read(name)
		if gone(err) { // it may have been made again
			list, err = f.read(name)
		}
		out = append(out, list...)
		if err != nil && !gone(err) {
			errs = append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}

func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

// read reads one group.
func (f *Files) read(name string) ([]resctrl.Counters, error) {
	g := f.groups[name]
	if g == nil {
		var err error
		if g, err = f.open(name); err != nil {
			return nil, err
		}
		if g == nil {
			return resctrl.GroupCounters(f.tree, name)
		}
		f.groups[name] = g
	}
	out := make([]resctrl.Counters, 0, len(g.domains))
	for _, d := range g.domains {
		var r [3]resctrl.Reading
		for i, fd := range d.of {
			var err error
			if r[i], err = f.counter(fd); err != nil {
				return nil, errors.Join(err, f.drop(name))
			}
		}
		out = append(out, resctrl.Counters{Group: name, Domain: d.id, Occupancy: r[0], Total: r[1], Local: r[2]})
	}
	// Of a group that was removed the open folder is empty.
	if len(g.domains) > 0 {
		err := again(func() error { return unix.Faccessat(g.data, g.domains[0].folder, unix.F_OK, 0) })
		if err != nil {
			return nil, errors.Join(err, f.drop(name))
		}
	}
	return out, nil
}

// counter reads an open file from its beginning. The error is that of a group that is gone; of other failures nothing is known.
func (f *Files) counter(fd int) (resctrl.Reading, error) {
	if fd < 0 {
		return resctrl.Reading{}, nil
	}
	var n int
	err := again(func() (err error) {
		n, err = unix.Pread(fd, f.buffer[:], 0)
		return err
	})
	switch {
	case gone(err):
		return resctrl.Reading{}, err
	case err == nil && n < len(f.buffer):
		return resctrl.ParseReading(string(f.buffer[:n])), nil
	}
	return resctrl.Reading{}, nil
}

// open opens the files of a group; nil if there is no room for them.
func (f *Files) open(name string) (*group, error) {
	entries, err := f.tree.ReadDir(path.Join(name, "mon_data"))
	if err != nil {
		return nil, err
	}
	g := &group{data: -1}
	for _, e := range entries {
		folder, isDir := strings.CutSuffix(e, "/")
		text, isL3 := strings.CutPrefix(folder, "mon_L3_")
		id, err := strconv.ParseUint(text, 10, 31)
		if !isL3 || !isDir || err != nil {
			continue // counters of another kind, such as energy
		}
		g.domains = append(g.domains, files{int(id), folder, [3]int{-1, -1, -1}})
	}
	slices.SortFunc(g.domains, func(a, b files) int { return a.id - b.id })
	if need := 1 + len(counterNames)*len(g.domains); need > f.room {
		return nil, nil //nolint:nilnil // as documented
	}
	base := path.Join(f.folder, name, "mon_data")
	if g.data, err = openat(unix.AT_FDCWD, base, unix.O_DIRECTORY); err != nil {
		return nil, err
	}
	g.files = 1
	f.room--
	for i := range g.domains {
		for k, counter := range counterNames {
			fd, err := openat(g.data, path.Join(g.domains[i].folder, counter), 0)
			if err != nil && !gone(err) {
				return nil, errors.Join(fmt.Errorf("%s: %w", base, err), f.close(g))
			}
			if err == nil {
				g.domains[i].of[k] = fd
				g.files++
				f.room--
			}
		}
	}
	return g, nil
}

func (f *Files) drop(name string) error {
	g := f.groups[name]
	delete(f.groups, name)
	return f.close(g)
}

func (f *Files) close(g *group) error {
	f.room += g.files
	errs := []error{unix.Close(g.data)}
	for _, d := range g.domains {
		for _, fd := range d.of {
			if fd >= 0 {
				errs = append(errs, unix.Close(fd))
			}
		}
	}
	return errors.Join(errs...)
}

func openat(folder int, name string, flags int) (fd int, err error) {
	err = again(func() (err error) {
		fd, err = unix.Openat(folder, name, flags|unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
		return err
	})
	return fd, err
}

// again repeats a system call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
