package mount

import (
	iofs "io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs"
)

// modeOf are the permissions in a mode of mkdir(2).
func modeOf(mode uint32) iofs.FileMode { return iofs.FileMode(mode) & iofs.ModePerm }

// processes are the threads that /proc shows. What exits meanwhile is left out.
func processes() []resctrlfs.Process {
	var all []resctrlfs.Process
	for _, tgid := range ids("/proc") {
		dir := filepath.Join("/proc", strconv.Itoa(tgid))
		var st syscall.Stat_t
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil || syscall.Stat(dir, &st) != nil {
			continue
		}
		parent := parentOf(string(stat))
		for _, tid := range ids(filepath.Join(dir, "task")) {
			all = append(all, resctrlfs.Process{Task: resctrlfs.Task{TID: tid, TGID: tgid, UID: st.Uid}, Parent: parent})
		}
	}
	return all
}

// ids are the numbers among the names in a directory.
func ids(dir string) []int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var numbers []int
	for _, e := range entries {
		if id, err := strconv.Atoi(e.Name()); err == nil {
			numbers = append(numbers, id)
		}
	}
	return numbers
}

// parentOf is the fourth field of /proc/<pid>/stat (proc_pid_stat(5)); the second is a name in parentheses that may hold anything.
func parentOf(stat string) int {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) < 2 {
		return 0
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return parent
}
